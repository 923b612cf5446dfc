//! `getKeyAttributes`: tells the attributes of one key.
//!
//! Spec: extension method 118 of docs/wire.md.
//! Refusals: NoKey.

use crate::codec::message;
use crate::types::{AnyText, Code, KeyHandle, KeyUsage, List8, List16, Path, Text};

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
    }
}

message! {
    /// The attributes.
    Response {
        /// What it is for.
        key_usage: Code<KeyUsage>,
        /// For people.
        friendly_name: Text<0, 100>,
        /// End-entity certificate first, DER.
        x509_certificate: Path,
        /// URIs that a symmetric key is endorsed for.
        endorsed_algorithm: List8<AnyText>,
        /// Types of its extension objects, in the order in which they came.
        extension_type: List16<AnyText>,
    }
}
