//! The names of the emulated local issuer.
//!
//! Source: SKS API V0.35, "Sample Session": "If keys are to be created entirely locally, this requires local software
//! emulation of an issuer." All who emulate it (`sks enroll`, the PKCS#11 module) use these names, so that keys of all
//! of them are known as the local issuer's.

/// The IssuerURI of every local issuer.
pub const ISSUER_URI: &str = "urn:x-sks:local-issuer";
/// The ID of the PIN policy that a local issuer makes.
pub const PIN_POLICY_ID: &str = "user-pin";
