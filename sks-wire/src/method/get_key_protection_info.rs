//! `getKeyProtectionInfo`: tells how a key is protected.
//!
//! Spec: SKS API V0.35, getKeyProtectionInfo (101).
//!
//! Refusals: NoKey (none, or its session is open).

use crate::codec::message;
use crate::types::{BiometricProtection, Code, DeletePolicy, ExportPolicy, Format, Grouping, InputMethod, KeyHandle};

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
    }
}

message! {
    /// Policies and their state.
    Response {
        /// Bits of [`crate::types::protection`].
        protection_status: u8,
        /// Of the PUK policy, or 0.
        puk_retry_limit: u8,
        /// Of the PUK policy, or 0.
        puk_error_count: u8,
        /// Of the PIN policy, or false.
        user_modifiable: bool,
        /// Of the PIN policy, or 0.
        format: Code<Format>,
        /// Of the PIN policy, or 0.
        retry_limit: u8,
        /// Of the PIN policy, or 0.
        grouping: Code<Grouping>,
        /// Of the PIN policy, or 0.
        pattern_restrictions: u8,
        /// Of the PIN policy, or 0.
        min_length: u8,
        /// Of the PIN policy, or 0.
        max_length: u8,
        /// Of the PIN policy, or 0.
        input_method: Code<InputMethod>,
        /// Wrong PINs in a row.
        pin_error_count: u8,
        /// As created.
        biometric_protection: Code<BiometricProtection>,
        /// As created.
        private_key_backup: bool,
        /// As created.
        export_policy: Code<ExportPolicy>,
        /// As created.
        updatable: bool,
        /// As created.
        delete_policy: Code<DeletePolicy>,
        /// As created.
        enable_pin_caching: bool,
        /// As created.
        import_private_key: bool,
    }
}
