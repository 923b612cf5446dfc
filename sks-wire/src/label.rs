//! The string literals that separate the uses of a session key.
//!
//! Source: SKS API V0.35, "Session Security Mechanisms". The labels of method MACs are the methods' names in
//! [`crate::MethodId::name`].

/// Key label of attestations made inside the token.
pub const DEVICE_ATTESTATION: &[u8] = b"Device Attestation";
/// Key label of signProvisioningSessionData.
pub const EXTERNAL_SIGNATURE: &[u8] = b"External Signature";
/// Data whose HMAC is the key of Encrypted Data.
pub const ENCRYPTION_KEY: &[u8] = b"Encryption Key";
/// Key label of the inner MAC of post provisioning.
pub const PROOF_OF_ISSUANCE: &[u8] = b"Proof Of Issuance";
/// What closeProvisioningSession attests, before the counter.
pub const SUCCESS: &[u8] = b"Success";
/// AlgorithmID in the key derivation's OtherInfo: four digits as text.
pub const ALGORITHM_ID: &[u8] = b"0000";
