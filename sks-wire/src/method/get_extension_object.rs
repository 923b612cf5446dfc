//! `getExtensionObject`: returns an extension object of a key.
//!
//! Spec: SKS API V0.35, getExtensionObject (102). An EncryptedExtension is returned as one, but with clear data.
//!
//! Refusals: NoKey (none, or its session is open), Option (the key has no object of this type).

use crate::codec::message;
use crate::types::{BaseType, Blob, Code, KeyHandle};

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// As given to addExtensionData.
        extension_type: Vec<u8>,
    }
}

message! {
    /// The object.
    Response {
        /// As added.
        base_type: Code<BaseType>,
        /// As added.
        qualifier: Vec<u8>,
        /// In clear.
        extension_data: Blob,
    }
}
