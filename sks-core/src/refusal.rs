//! Why a call is refused: one variant per rule, each with one status, one effect and one text.
//!
//! Source: SKS API V0.35, "Return Values" and "Error Codes". A refusal of an operation in an open session also
//! removes that session and all that was created in it; [`crate::gate`] says which methods those are.

use sks_wire::{DecodeError, Refused, Status};

use crate::crypto::symmetric::SymmetricError;
use crate::ports::{CryptoError, RngError, StoreError};

/// What a refusal leaves behind, beside the answer (and the end of the session, see [`crate::gate`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Nothing: what the call wrote is dropped.
    Drop,
    /// The error counter of this PIN group rises, durably, before the answer.
    CountPin(u32),
    /// The error counter of this PUK policy rises, durably, before the answer.
    CountPuk(u32),
}

macro_rules! refusals {
    ($($variant:ident $(($field:ident : $type:ty))? $status:ident $text:literal;)*) => {
        /// A refused call.
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum Refusal { $(#[doc = concat!("`", stringify!($status), "`: ", $text, ".")] $variant $(($type))?),* }

        impl Refusal {
            /// Every refusal: its name, its status, and its text with the names of what is filled in.
            pub const ALL: &'static [(&'static str, Status, &'static str)] =
                &[$((stringify!($variant), Status::$status, $text)),*];

            /// The status of the answer.
            #[must_use]
            pub fn status(&self) -> Status {
                match self { $(Self::$variant { .. } => Status::$status),* }
            }

            fn text(&self) -> String {
                match self { $(Self::$variant $(($field))? => format!($text)),* }
            }
        }
    };
}

refusals! {
    Malformed(e: DecodeError) Option "{e}";
    OutOfRange(e: DecodeError) Option "{e}";

    NoSession NoSession "no provisioning session with this handle is open";
    NoSuchSession NoSession "no open provisioning session has these names";
    LimitReached NotAllowed "the session key has done all the operations that SessionKeyLimit allows";
    TargetLimitReached NotAllowed "the target's session key has done all the operations that its SessionKeyLimit allows";
    BadMac Mac "the MAC does not match: wrong session key, counter, order of calls or data";
    Undecryptable Crypto "the encrypted argument does not decrypt with the session's EncryptionKey";
    SessionKeyAlgorithm Algorithm "the only SessionKeyAlgorithm is sk1, as getDeviceInfo lists it";
    EphemeralKeyAlgorithm Algorithm "ServerEphemeralKey must be an EC key on P-256 by name, as an uncompressed point";
    EphemeralKey Crypto "ServerEphemeralKey is no DER SubjectPublicKeyInfo with a point on the curve";
    NoLifeTime Option "SessionLifeTime must be at least one second";

    NameTaken Option "the session has an object with this ID already";
    UnknownPukPolicy Option "PUKPolicyHandle is neither 0 nor a PUK policy of this session";
    UnknownPinPolicy Option "PINPolicyHandle is neither 0 nor a PIN policy of this session";
    DevicePin Option "this token has no device PIN; getDeviceInfo says so";
    Biometric Option "this token has no biometric protection; getDeviceInfo says so";
    PukLength Option "a PUK has 1 to 100 bytes";
    PukFormat Option "the PUK does not have its Format";
    CrossedLengths Option "MinLength is over MaxLength";
    MissingGroupFormat Option "missing-group applies to the formats alphanumeric and string only";
    UnexpectedPinValue Option "PINValue must be empty for a key without a PIN policy";
    PinLength Option "the PIN is shorter than MinLength or longer than MaxLength";
    PinFormat Option "the PIN does not have its policy's Format";
    PinPattern(name: &'static str) Option "the PIN has a pattern that its policy forbids: {name}";
    PinGrouping(rule: &'static str) Option "the PIN breaks its policy's Grouping: {rule}";
    TransportExport Option "a transport key must be non-exportable";
    NotBackedUp Option "transport and symmetric keys have neither PrivateKeyBackup nor ImportPrivateKey";
    PolicyWithoutPin Option "ExportPolicy or DeletePolicy pin needs a PIN policy";
    PolicyWithoutPuk Option "ExportPolicy or DeletePolicy puk needs a PIN policy under a PUK policy";
    RsaKeySize Option "this RSAKeySize is not supported; getDeviceInfo lists those that are";
    RsaExponent Option "RSAExponent must be 0 (the default) or an odd number over 1";
    AttestationAlgorithm Algorithm "the only AttestationAlgorithm is ka1, as getDeviceInfo lists it";
    Curve Algorithm "the only NamedCurve is P-256, as getDeviceInfo lists it";

    NoKey NoKey "there is no key with this handle";
    NotInSession NoKey "the session did not create a key with this handle";
    KeyNotReady NoKey "the key's provisioning session is still open";
    NoSuchName NoKey "the session has no key with this ID";
    AlreadyCertified NotAllowed "the key has its certificate path already";
    NotCertified NotAllowed "the key has no certificate yet: setCertificatePath comes first";
    BadCertificate Crypto "the first X509Certificate is no X.509 certificate in DER";
    ForeignCertificate Crypto "the first X509Certificate does not hold the key's public key";
    NotSymmetric NotAllowed "only keys with the KeyUsage symmetric-key take a symmetric key";
    AlreadySymmetric NotAllowed "the key has its symmetric key already";
    AlgorithmOrder Option "EndorsedAlgorithm URIs must be in strictly ascending order";
    NotEndorsable Algorithm "an EndorsedAlgorithm is none of the supported symmetric algorithms";
    SymmetricKeyLength Option "a symmetric key has 1 to 128 bytes";
    SymmetricKeyFit Algorithm "the symmetric key's length does not fit an EndorsedAlgorithm";
    ExtensionTaken Option "the key has an extension of this type already";
    Qualifier Option "Qualifier must be a MIME type for a logotype and empty for anything else";
    ExtensionSize Option "ExtensionData is over the size that getDeviceInfo tells";
    NotImported NotAllowed "the key was created without ImportPrivateKey";
    AlreadyRestored NotAllowed "the private key was restored already";
    BadPrivateKey Crypto "PrivateKey is no sound PKCS#8 key of a supported kind and size";
    ForeignPrivateKey Crypto "PrivateKey does not belong to the key's certificate";
    KeyTooLarge Storage "the key's attributes would not fit the token's largest answer";
    TooManyExtensions Storage "a key has at most 65535 extensions";

    VolatileSessions Storage "as many volatile sessions are open as the token keeps at once";
    VolatileSize Storage "a volatile session holds at most 1 MiB";
    VolatilePost NotAllowed "post provisioning needs a session that is not volatile";

    NotUpdatable NotAllowed "the target key, or the session that owns it, is not Updatable";
    TargetTaken NotAllowed "the session has scheduled an operation on this key already";
    NewKeyUsed NotAllowed "the new key replaces another key already";
    NewKeyHasPin NotAllowed "the new key must not be PIN-protected: it inherits the target's PIN";
    NewKeyUnfinished NotAllowed "the new key must be fully provisioned before it replaces another";
    KeyUnfinished(id: String) SessionVerify "the key {id} lacks its certificate, symmetric key or restored private key";
    UnusedPinPolicy(id: String) SessionVerify "the PIN policy {id} governs no key";
    UnusedPukPolicy(id: String) SessionVerify "the PUK policy {id} governs no PIN policy";
    TargetChanged SessionVerify "the target of a scheduled operation was deleted, or updated by another session";

    Usage NotAllowed "the key's KeyUsage forbids this operation";
    UnknownAlgorithm Algorithm "the algorithm is unknown for this operation; getDeviceInfo lists those that are known";
    NotEndorsed Algorithm "the key is not endorsed for this algorithm";
    UnfitAlgorithm Algorithm "the algorithm does not fit the key's type or size";
    HashLength Option "HashedData is not as long as the algorithm's hash";
    Parameters Option "Parameters must be empty for this algorithm";
    DataLength Option "the data must be as long as the key's modulus";
    CipherLength Option "the IV has 16 bytes for CBC and none for ECB; data to decrypt, and any data without padding, comes in blocks of 16 bytes; at most 65519 bytes can be padded";
    PeerKeyAlgorithm Algorithm "PublicKey must be an EC key on P-256 by name, as an uncompressed point";
    PeerKey Crypto "PublicKey is no DER SubjectPublicKeyInfo with a point on the curve";
    DataPadding Crypto "the data does not decrypt: wrong key, algorithm or padding";
    NoSuchExtension Option "the key has no extension of this type";
    NotExportable NotAllowed "the key is not exportable";

    WrongPin(_group: u32) Authorization "the PIN is wrong";
    PinLocked Authorization "the key is locked by wrong PINs; unlockKey re-enables it if there is a PUK";
    WrongPuk(_policy: u32) Authorization "the PUK is wrong";
    WrongDelayedPuk Authorization "the PUK is wrong; there is no retry limit, but each try is delayed";
    PukLocked Authorization "the PUK is locked for good by wrong PUKs";
    UnexpectedAuthorization Authorization "a PIN or PUK was given where none is asked for";
    NoPin NotAllowed "the key has no PIN";
    NoPuk NotAllowed "the key has no PUK";
    NotModifiable NotAllowed "the PIN policy does not let the user change the PIN";

    StoreFull Storage "no space is left in the credential database; removals still work";
    StoreFailed(e: String) Storage "the credential database failed ({e}); the daemon's log says more";
    HandlesExhausted Storage "all handles of this kind are used up";
    StoreDamaged(e: String) Internal "the credential database is damaged: {e}";
    Engine Internal "the cryptographic engine failed";
    Random Internal "the source of random numbers failed";
    Defect(what: &'static str) Internal "a defect of the token: {what}";
}

impl Refusal {
    /// What it leaves behind: nothing, but for a wrong PIN or PUK that counts.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::WrongPin(group) => Effect::CountPin(*group),
            Self::WrongPuk(policy) => Effect::CountPuk(*policy),
            _ => Effect::Drop,
        }
    }

    /// The answer.
    #[must_use]
    pub fn answer(&self) -> Refused {
        Refused { status: self.status(), text: self.text() }
    }
}

impl From<StoreError> for Refusal {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Full => Self::StoreFull,
            StoreError::Damaged(what) => Self::StoreDamaged(what),
            StoreError::Failed(what) => Self::StoreFailed(what),
        }
    }
}

impl From<RngError> for Refusal {
    fn from(_: RngError) -> Self {
        Self::Random
    }
}

impl From<SymmetricError> for Refusal {
    fn from(e: SymmetricError) -> Self {
        match e {
            SymmetricError::Unfit => Self::UnfitAlgorithm,
            SymmetricError::Length => Self::CipherLength,
            SymmetricError::Padding => Self::DataPadding,
        }
    }
}

/// For operations where the engine's own failure is the only one left; others map the error themselves.
impl From<CryptoError> for Refusal {
    fn from(_: CryptoError) -> Self {
        Self::Engine
    }
}
