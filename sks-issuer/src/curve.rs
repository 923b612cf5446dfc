//! What costs time on P-256: agreeing on a key, signing and verifying.
//!
//! Source: SEC 1 (ECDH), X9.62 (ECDSA). With the feature `aws-lc` it is AWS-LC's, which takes a tenth of the time, else
//! RustCrypto's. Both give the same values: `tests/golden.rs` runs with either.

#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(not(feature = "aws-lc"))]
mod rustcrypto;

#[cfg(feature = "aws-lc")]
pub(crate) use aws_lc::{AgreementKey, SigningKey, verifies, verifies_hash};
#[cfg(not(feature = "aws-lc"))]
pub(crate) use rustcrypto::{AgreementKey, SigningKey, verifies, verifies_hash};
