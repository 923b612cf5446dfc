//! `enumerateKeys`: lists the keys of all sessions, one a call.
//!
//! Spec: SKS API V0.35, enumerateKeys (32). The answer is the key with the smallest handle above the given one, which
//! need not exist any more. Of a key whose session is open no certificate is shown, and of its algorithms and
//! extensions those set so far.
//!
//! Refusals: none.

use crate::codec::message;
use crate::types::{
    AnyText, Code, Enumerated, FriendlyName, Id, KeyHandle, KeyUsage, List8, List16, ProvisioningHandle,
};

message! {
    /// The arguments.
    Request {
        /// 0xFFFFFFFF to start, then the handle returned last.
        key_handle: KeyHandle,
    }
}

message! {
    /// One key, or the end.
    Response {
        /// The key with the next higher handle.
        next: Enumerated<Key>,
    }
}

message! {
    /// What is told of a key. Of a key whose session is open no certificate is shown.
    Key {
        /// Its session.
        provisioning_handle: ProvisioningHandle,
        /// Its name in the session that created it.
        id: Id,
        /// What it is for.
        key_usage: Code<KeyUsage>,
        /// For people: 0 to 100 bytes of UTF-8.
        friendly_name: FriendlyName,
        /// End-entity certificate first, DER.
        x509_certificate: List8<Vec<u8>>,
        /// URIs that a symmetric key is endorsed for.
        endorsed_algorithm: List8<AnyText>,
        /// Types of its extension objects, in the order in which they came.
        extension_type: List16<AnyText>,
    }
}
