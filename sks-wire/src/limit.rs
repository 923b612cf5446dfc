//! The sizes that the text and the project's rulings allow, in bytes unless said otherwise.
//!
//! Source: SKS API V0.35, with the rulings in docs/wire.md. A frame's own limit is [`crate::frame::MAX_FRAME`].

/// FriendlyName, at most: "String of 0-100 bytes".
pub const FRIENDLY_NAME: usize = 100;

/// IssuerURI, at most: "The string MUST NOT exceed 1024 bytes".
pub const ISSUER_URI: usize = 1024;

/// VendorName and VendorDescription, at most: "1-100 byte string".
pub const VENDOR_TEXT: usize = 100;

/// A PIN, at most: "Length of the clear-text binary value MUST NOT exceed 100 bytes". A policy may allow less.
pub const PIN: u8 = 100;

/// A PUK, at most; the same sentence.
pub const PUK: u8 = 100;

/// A symmetric key, at most: what later versions of the text allow, and twice the block of the HMACs.
pub const SYMMETRIC_KEY: usize = 128;

/// ExtensionData in clear, at most: what the text asks a token to support at least. getDeviceInfo reports it.
pub const EXTENSION_DATA: u32 = 65536;

/// How much longer Encrypted Data is than its clear text, at most: an IV of 16 and PKCS#7 padding of up to 16.
pub const ENCRYPTION_OVERHEAD: usize = 32;

/// Encrypted Data, at least: an IV and one block.
pub const ENCRYPTED_DATA_MIN: usize = 32;

/// Data to encrypt with padding in symmetricKeyEncrypt, at most: with a block more the result would not fit `byte[]`.
pub const PADDED_DATA: usize = 65519;
