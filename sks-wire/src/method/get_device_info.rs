//! `getDeviceInfo`: tells what the token can do.
//!
//! Spec: SKS API V0.35, getDeviceInfo (31).
//!
//! Refusals: none.

use crate::codec::message;
use crate::types::{AnyText, List8, List16, Path, VendorText};

message! {
    /// Takes no arguments.
    Request {}
}

message! {
    /// The token's characteristics.
    Response {
        /// 1 for this version of the API.
        api_level: u16,
        /// Who made it: 1 to 100 bytes of UTF-8.
        vendor_name: VendorText,
        /// What it is: 1 to 100 bytes of UTF-8.
        vendor_description: VendorText,
        /// 1 to 255 certificates, DER; the device's own first, which is the one in the key derivation.
        x509_certificate: Path,
        /// Supported URIs, at least one.
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
