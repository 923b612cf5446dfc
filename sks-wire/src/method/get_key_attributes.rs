//! `getKeyAttributes`: tells the attributes of one key.
//!
//! Spec: extension method 118 of docs/wire.md.
//!
//! Refusals: NoKey (none, or its session is open).

use crate::codec::message;
use crate::types::{AnyText, Code, FriendlyName, KeyHandle, KeyUsage, List8, List16, Path};

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
        /// For people: 0 to 100 bytes of UTF-8.
        friendly_name: FriendlyName,
        /// 1 to 255 certificates, DER; the end entity's first.
        x509_certificate: Path,
        /// URIs that a symmetric key is endorsed for.
        endorsed_algorithm: List8<AnyText>,
        /// Types of its extension objects, in the order in which they came.
        extension_type: List16<AnyText>,
    }
}
