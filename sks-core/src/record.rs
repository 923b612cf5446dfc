//! What the credential database holds: addresses and records.
//!
//! Source: SKS API V0.35, "Objects". A key's PIN and its error counter are a record of their own, the *PIN group*,
//! so that keys that share a PIN share one record. How records become bytes is the store's matter
//! (docs/store-format.md).

use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use sks_wire::types::{
    BaseType, BiometricProtection, DeletePolicy, ExportPolicy, Format, Grouping, Id, InputMethod, KeyUsage,
};

use crate::ports::KeySpec;

/// Where a record lies. Each variant is a table; within one, addresses sort by their fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// [`Identity`].
    Identity,
    /// [`Record::Number`]: the last value used, or set aside.
    Counter(Counter),
    /// [`Session`] by its ProvisioningHandle.
    Session(u32),
    /// [`Record::Number`]: the handle of the session of this ClientSessionID.
    ClientSessionId(Id),
    /// [`Record::Time`]: when this open session ends, in milliseconds since 1970.
    OpenSession(u32),
    /// [`Record::Number`]: the handle of an object of an open session by its name there.
    Name(u32, ObjectKind, Id),
    /// [`Pending`] post-provisioning operation of an open session, by session and target key.
    Pending(u32, u32),
    /// [`Record::Mark`]: session (closed or open) and a key that it owns.
    SessionKey(u32, u32),
    /// [`Key`] by its KeyHandle.
    Key(u32),
    /// [`Material`] of the key of this KeyHandle.
    Material(u32),
    /// [`Extension`] of a key, by KeyHandle and index.
    Extension(u32, u16),
    /// [`PinPolicy`] by its PINPolicyHandle.
    PinPolicy(u32),
    /// [`PukPolicy`] by its PUKPolicyHandle.
    PukPolicy(u32),
    /// [`PinGroup`] by its number, which is the handle of the key that it was made with.
    PinGroup(u32),
    /// [`Record::Mark`]: PIN policy and a PIN group under it.
    PolicyGroup(u32, u32),
    /// [`Record::Mark`]: PIN group and a key that it protects.
    GroupKey(u32, u32),
    /// [`Record::Mark`]: PUK policy and a PIN policy under it.
    PukPin(u32, u32),
}

/// A number that only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// ProvisioningHandle.
    Provisioning,
    /// KeyHandle.
    Key,
    /// PINPolicyHandle.
    PinPolicy,
    /// PUKPolicyHandle.
    PukPolicy,
    /// What getChangeCount tells.
    Change,
}

/// The three namespaces of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Keys.
    Key,
    /// PIN policies.
    PinPolicy,
    /// PUK policies.
    PukPolicy,
}

/// A record of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "records are moved singly and soon taken apart")]
pub enum Record {
    /// At [`Address::Identity`].
    Identity(Identity),
    /// A handle or a counter.
    Number(u32),
    /// Milliseconds since 1970.
    Time(u64),
    /// The address says it all.
    Mark,
    /// At [`Address::Session`].
    Session(Session),
    /// At [`Address::Pending`].
    Pending(Pending),
    /// At [`Address::Key`].
    Key(Key),
    /// At [`Address::Material`].
    Material(Material),
    /// At [`Address::Extension`].
    Extension(Extension),
    /// At [`Address::PinPolicy`].
    PinPolicy(PinPolicy),
    /// At [`Address::PukPolicy`].
    PukPolicy(PukPolicy),
    /// At [`Address::PinGroup`].
    PinGroup(PinGroup),
}

/// The Attestation Private Key and the device certificate path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// PKCS#8.
    pub private_key: Secret,
    /// Device Certificate first, DER.
    pub certificates: Vec<Vec<u8>>,
}

/// A provisioning session, open or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whether it is open.
    pub open: bool,
    /// 32 bytes; empty once the session is closed and can no more be updated.
    pub session_key: Secret,
    /// MACSequenceCounter.
    pub mac_sequence_counter: u16,
    /// Operations that the session key has done.
    pub session_key_uses: u16,
    /// SessionKeyLimit.
    pub session_key_limit: u16,
    /// ClientSessionID.
    pub client_session_id: Id,
    /// ServerSessionID.
    pub server_session_id: Id,
    /// IssuerURI.
    pub issuer_uri: String,
    /// Updatable.
    pub updatable: bool,
    /// ClientTime, as given.
    pub client_time: [u8; 8],
    /// SessionLifeTime in seconds.
    pub session_life_time: u32,
}

/// A post-provisioning operation that waits for the close of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The session that owned the target when the operation was accepted.
    pub owner: u32,
    /// The key that replaces the target; without one the target is deleted.
    pub new_key: Option<u32>,
}

/// A key entry: attributes and everything of it that is public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The session that owns it.
    pub session: u32,
    /// Whether that session is closed, so that the key can be used.
    pub provisioned: bool,
    /// ID.
    pub id: Id,
    /// The PIN group that protects it.
    pub pin_group: Option<u32>,
    /// BiometricProtection.
    pub biometric_protection: BiometricProtection,
    /// PrivateKeyBackup.
    pub private_key_backup: bool,
    /// ExportPolicy.
    pub export_policy: ExportPolicy,
    /// Updatable.
    pub updatable: bool,
    /// DeletePolicy.
    pub delete_policy: DeletePolicy,
    /// EnablePINCaching.
    pub enable_pin_caching: bool,
    /// ImportPrivateKey.
    pub import_private_key: bool,
    /// KeyUsage.
    pub key_usage: KeyUsage,
    /// FriendlyName.
    pub friendly_name: String,
    /// Kind of the key that the material holds or once held.
    pub spec: KeySpec,
    /// GeneratedPublicKey, DER.
    pub public_key: Vec<u8>,
    /// Whether restorePrivateKey was done.
    pub restored: bool,
    /// X509Certificate, end-entity first; empty until setCertificatePath.
    pub certificates: Vec<Vec<u8>>,
    /// EndorsedAlgorithm; empty until setSymmetricKey.
    pub endorsed_algorithms: Vec<Algorithm>,
    /// ExtensionType by index.
    pub extension_types: Vec<String>,
    /// The key that it is going to replace.
    pub replaces: Option<u32>,
}

/// The secret part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// PKCS#8.
    Private(Secret),
    /// Raw bytes.
    Symmetric(Secret),
}

/// An extension object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// BaseType.
    pub base_type: BaseType,
    /// Qualifier.
    pub qualifier: Vec<u8>,
    /// ExtensionData in clear.
    pub data: Secret,
}

/// A PIN policy object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinPolicy {
    /// The session that created it; its handle is accepted there only.
    pub session: u32,
    /// ID.
    pub id: Id,
    /// PUKPolicyHandle.
    pub puk_policy: Option<u32>,
    /// UserDefined.
    pub user_defined: bool,
    /// UserModifiable.
    pub user_modifiable: bool,
    /// Format.
    pub format: Format,
    /// RetryLimit.
    pub retry_limit: u8,
    /// Grouping.
    pub grouping: Grouping,
    /// PatternRestrictions.
    pub pattern_restrictions: u8,
    /// MinLength in bytes.
    pub min_length: u8,
    /// MaxLength in bytes.
    pub max_length: u8,
    /// InputMethod.
    pub input_method: InputMethod,
}

/// A PUK policy object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PukPolicy {
    /// The session that created it; its handle is accepted there only.
    pub session: u32,
    /// ID.
    pub id: Id,
    /// The PUK.
    pub puk: Secret,
    /// Format.
    pub format: Format,
    /// RetryLimit; 0 never locks.
    pub retry_limit: u8,
    /// Wrong PUKs in a row.
    pub error_count: u8,
}

/// A PIN with its error counter, and the keys that share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinGroup {
    /// PINPolicyHandle.
    pub policy: u32,
    /// The half of a `signature+standard` policy that it belongs to.
    pub signature: bool,
    /// The PIN.
    pub pin: Secret,
    /// Wrong PINs in a row.
    pub error_count: u8,
}
