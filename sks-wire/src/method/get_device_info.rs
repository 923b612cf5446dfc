//! `getDeviceInfo`: tells what the token can do.
//!
//! Spec: SKS API V0.35, getDeviceInfo (31).
//! Refusals: None.

use crate::codec::message;
use crate::types::{AnyText, List8, List16, Path, Text};

message! {
    /// Takes no arguments.
    Request {}
}

message! {
    /// The token's characteristics.
    Response {
        /// 1.
        api_level: u16,
        /// Who made it.
        vendor_name: Text<1, 100>,
        /// What it is.
        vendor_description: Text<1, 100>,
        /// Device certificate first, DER.
        x509_certificate: Path,
        /// Supported URIs.
        algorithm: List16<AnyText, 1>,
        /// Whether an issuer may choose the exponent.
        rsa_exponent_support: bool,
        /// In bits, ascending.
        rsa_key_size: List8<u16>,
        /// Largest ExtensionData in bytes.
        extension_data_size: u32,
        /// Whether there is a device PIN.
        device_pin_support: bool,
        /// Whether there is biometric protection.
        biometric_support: bool,
    }
}
