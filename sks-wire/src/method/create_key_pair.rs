//! `createKeyPair`: creates an asymmetric key pair and attests it.
//!
//! Spec: SKS API V0.35, createKeyPair (9). Has no MAC: the attestation covers what was asked for
//! ([`attestation_data`]). Charges 1 operation, 1 more for an issuer's PIN and 1 more for PrivateKeyBackup. Order:
//! ranges, limit, decrypt the issuer's PIN, PIN rules, AttestationAlgorithm and curve, generate.
//!
//! Refusals: NoSession; Option (ID taken; a PIN policy that is not of this session; an option out of range or not
//! supported; export or delete control by a PIN or PUK that the key does not have; a KeyUsage that forbids export,
//! backup or import; a PIN where there is no policy, or one that breaks its length, format, pattern or grouping; RSA
//! size or exponent); NotAllowed (limit); Crypto (decryption); Algorithm (not ka1, unknown curve); Storage. All but
//! NoSession remove the session.

use super::create_pin_policy;
use crate::codec::message;
use crate::secret::Secret;
use crate::types::{
    AnyText, BackupAndHandle, BiometricProtection, Choice, Code, DeletePolicy, ExportPolicy, Format, FriendlyName, Id,
    KeyAlgorithm, KeyUsage, NO_HANDLE, PinPolicyHandle, ProvisioningHandle,
};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// A URI; only ka1 is known.
        attestation_algorithm: AnyText,
        /// Mixed into the random numbers, never their only source.
        issuer_seed: [u8; 32],
        /// Unique among the session's keys.
        id: Id,
        /// A PIN policy of this session, or 0.
        pin_policy_handle: PinPolicyHandle,
        /// Empty without a policy; else the user's PIN in clear, or the issuer's as Encrypted Data.
        pin_value: Secret,
        /// Only none is supported.
        biometric_protection: Code<BiometricProtection>,
        /// Whether the private key is returned, encrypted.
        private_key_backup: bool,
        /// What exporting asks for.
        export_policy: Code<ExportPolicy>,
        /// Whether the key may be updated later.
        updatable: bool,
        /// What deleting asks for.
        delete_policy: Code<DeletePolicy>,
        /// A wish to middleware.
        enable_pin_caching: bool,
        /// Whether restorePrivateKey will follow.
        import_private_key: bool,
        /// What the key is for.
        key_usage: Code<KeyUsage>,
        /// For people: 0 to 100 bytes of UTF-8.
        friendly_name: FriendlyName,
        /// KeyAlgorithmType and what it needs.
        key_algorithm: KeyAlgorithm,
    }
}

message! {
    /// The new key pair.
    Response {
        /// SubjectPublicKeyInfo, DER.
        generated_public_key: Vec<u8>,
        /// 32 bytes of HMAC over the ka1 data.
        key_attestation: Vec<u8>,
        /// PrivateKey, which is there if PrivateKeyBackup asked for it, and KeyHandle.
        private_key_and_handle: BackupAndHandle,
    }
}

/// What the attestation says of a PIN policy and, behind it, a PUK policy.
#[derive(Clone, Copy, Debug)]
pub struct AttestedPin<'a> {
    /// As given to createPINPolicy, ProvisioningHandle apart.
    pub policy: &'a create_pin_policy::Request,
    /// The PIN in clear; it is attested only where the issuer set it.
    pub pin: &'a Secret,
    /// The PUK policy, if there is one.
    pub puk: Option<AttestedPuk<'a>>,
}

/// What the attestation says of a PUK policy.
#[derive(Clone, Copy, Debug)]
pub struct AttestedPuk<'a> {
    /// As given to createPUKPolicy.
    pub id: &'a Id,
    /// As given to createPUKPolicy.
    pub retry_limit: u8,
    /// The PUK in clear.
    pub puk: &'a Secret,
    /// As given to createPUKPolicy.
    pub format: Format,
}

/// "Key Attestation Data" of the ka1 algorithm: content bytes only, no lengths. It holds the PUK and an issuer's PIN,
/// so its buffer is allocated once and wiped.
#[must_use]
pub fn attestation_data(request: &Request, generated_public_key: &[u8], pin: Option<AttestedPin<'_>>) -> Secret {
    let mut length = 0;
    add_attestation_data(request, generated_public_key, pin, |bytes| length += bytes.len());
    let mut data = Vec::with_capacity(length);
    add_attestation_data(request, generated_public_key, pin, |bytes| data.extend_from_slice(bytes));
    Secret::new(data)
}

/// The text's listing, `addData` by `addData`.
fn add_attestation_data(
    request: &Request,
    generated_public_key: &[u8],
    pin: Option<AttestedPin<'_>>,
    mut add: impl FnMut(&[u8]),
) {
    let device = request.pin_policy_handle.0 == NO_HANDLE;
    add(b"PUK Policy=");
    match pin.and_then(|pin| pin.puk) {
        _ if device => add(b"Device"),
        None => add(b"N/A"),
        Some(puk) => {
            add(puk.id.as_bytes());
            add(&[puk.retry_limit]);
            add(puk.puk.expose());
            add(&[puk.format.value()]);
        }
    }
    add(b"PIN Policy=");
    match pin {
        _ if device => add(b"Device"),
        None => add(b"N/A"),
        Some(AttestedPin { policy, pin, .. }) => {
            add(policy.id.as_bytes());
            add(&[u8::from(policy.user_defined)]);
            add(if policy.user_defined { b"N/A" } else { pin.expose() });
            add(&[
                u8::from(policy.user_modifiable),
                policy.format.value(),
                policy.retry_limit.0,
                policy.grouping.value(),
                policy.pattern_restrictions.0,
                policy.min_length.0,
                policy.max_length.0,
                policy.input_method.value(),
            ]);
        }
    }
    add(b"Key=");
    add(request.id.as_bytes());
    add(&request.issuer_seed);
    add(generated_public_key);
    add(&[
        u8::from(request.private_key_backup),
        request.biometric_protection.value(),
        request.export_policy.value(),
        u8::from(request.updatable),
        request.delete_policy.value(),
        u8::from(request.enable_pin_caching),
        u8::from(request.import_private_key),
        request.key_usage.value(),
    ]);
    add(&request.friendly_name.0);
}
