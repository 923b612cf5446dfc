//! The token's cryptography: two asymmetric engines, the session layer, symmetric algorithms, certificates.
//!
//! Source: SKS API V0.35, "Session Security Mechanisms", "Cryptographic Algorithms", with the project's rulings; each
//! module names the standard that it serves. No module here knows of handles, policies or the store.

#[cfg(feature = "aws-lc")]
mod aws_lc;
pub mod certificate;
mod encoded;
mod engine;
mod mac;
mod peer;
mod random;
mod rustcrypto;
mod scheme;
pub mod session;
pub mod symmetric;

#[cfg(feature = "aws-lc")]
pub use aws_lc::AwsLc;
pub use engine::{Preferred, engine};
pub use mac::equal;
pub use peer::{PeerKey, PeerKeyError, peer_key};
pub use rustcrypto::RustCrypto;
