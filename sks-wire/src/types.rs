//! The closed vocabularies of the text, and the field types that carry its rules.
//!
//! Source: SKS API V0.35, "Data Types" and "Key Policy Attributes".

use std::fmt;
use std::marker::PhantomData;

use crate::codec::{Breach, Field, Kind, Parsed, name, refuse, short_array, size_of_short_array, write_short_array};
use crate::limit;
use crate::secret::Secret;

mod id;
mod list;

pub use id::{Id, IdError};
pub use list::{Enumerated, List8, List16, Path};

macro_rules! handle {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl Field for $name {
            fn parse(input: &[u8]) -> Parsed<'_, Self> {
                let (rest, value) = u32::parse(input)?;
                Ok((rest, Self(value)))
            }

            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn size(&self) -> usize {
                self.0.size()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    )*};
}

handle! {
    /// Names a provisioning session, open or closed.
    ProvisioningHandle;
    /// Names a key.
    KeyHandle;
    /// Names a PIN policy object of an open session; 0 is none, 0xFFFFFFFF the device PIN.
    PinPolicyHandle;
    /// Names a PUK policy object of an open session; 0 is none.
    PukPolicyHandle;
}

/// The input that starts an enumeration, the output that ends it, and the handle of the device PIN.
pub const NO_HANDLE: u32 = 0xFFFF_FFFF;

/// A value outside the table of its option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutOfRange(pub Kind);

/// A vocabulary whose values are the bytes 0 to [`Choice::LAST`].
pub trait Choice: Copy + Sized {
    /// The largest value.
    const LAST: u8;

    /// The variant of this value.
    fn from_value(value: u8) -> Option<Self>;

    /// The byte on the wire.
    fn value(self) -> u8;

    /// The name that KeyGen2 gives it.
    fn name(self) -> &'static str;
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $value:literal $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $value),* }

        impl $name {
            /// Every value of the table, ascending.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
        }

        impl Choice for $name {
            const LAST: u8 = Self::ALL.len() as u8 - 1;

            fn from_value(value: u8) -> Option<Self> {
                match value { $($value => Some(Self::$variant),)* _ => None }
            }

            fn value(self) -> u8 {
                self as u8
            }

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    )*};
}

choices! {
    /// "Export Control": what exporting a key asks for.
    ExportPolicy {
        /// The key is never exported.
        NonExportable = 0 "non-exportable",
        /// The PIN is asked for.
        Pin = 1 "pin",
        /// The PUK is asked for.
        Puk = 2 "puk",
        /// Nothing is asked for.
        None = 3 "none",
    }
    /// "Delete Control": what deleting a key asks for.
    DeletePolicy {
        /// Nothing is asked for.
        None = 0 "none",
        /// The PIN is asked for.
        Pin = 1 "pin",
        /// The PUK is asked for.
        Puk = 2 "puk",
    }
    /// "PIN Input Control": a wish to middleware; the token reports it and enforces nothing.
    InputMethod {
        /// No restrictions.
        Any = 0 "any",
        /// PINs come through the User API only.
        Programmatic = 1 "programmatic",
        /// A trusted GUI asks for the PIN.
        TrustedGui = 2 "trusted-gui",
    }
    /// "PIN Grouping Control": how the PINs of one policy's keys relate.
    Grouping {
        /// They do not.
        None = 0 "none",
        /// All keys share one PIN and one error counter.
        Shared = 1 "shared",
        /// Signature keys share one, all others another.
        SignatureStandard = 2 "signature+standard",
        /// All PINs differ.
        Unique = 3 "unique",
    }
    /// "PIN and PUK Formats".
    Format {
        /// 0-9.
        Numeric = 0 "numeric",
        /// 0-9 and A-Z.
        Alphanumeric = 1 "alphanumeric",
        /// Any UTF-8.
        String = 2 "string",
        /// Any bytes.
        Binary = 3 "binary",
    }
    /// "Biometric Protection".
    BiometricProtection {
        /// None.
        None = 0 "none",
        /// PIN or biometrics.
        Alternative = 1 "alternative",
        /// PIN and biometrics.
        Combined = 2 "combined",
        /// Biometrics only.
        Exclusive = 3 "exclusive",
    }
    /// "Key Usage".
    KeyUsage {
        /// Signatures only.
        Signature = 0 "signature",
        /// Authentication only.
        Authentication = 1 "authentication",
        /// Decryption and key agreement only.
        Encryption = 2 "encryption",
        /// Anything.
        Universal = 3 "universal",
        /// Not for the User API.
        Transport = 4 "transport",
        /// The key is a piggybacked symmetric one; the private key is disabled.
        SymmetricKey = 5 "symmetric-key",
    }
    /// The kinds of extension objects that addExtensionData stores.
    BaseType {
        /// `Extension`: clear data.
        Extension = 0 "extension",
        /// `EncryptedExtension`: encrypted on its way, clear in the token.
        EncryptedExtension = 1 "encrypted-extension",
        /// `PropertyBag`.
        PropertyBag = 2 "property-bag",
        /// `Logotype`, whose Qualifier is a MIME type.
        Logotype = 3 "logotype",
    }
}

/// "PIN Pattern Control": bits of PatternRestrictions.
pub mod pattern {
    /// Two equal bytes in a row.
    pub const TWO_IN_A_ROW: u8 = 0x01;
    /// Three equal bytes in a row.
    pub const THREE_IN_A_ROW: u8 = 0x02;
    /// The whole PIN counts up or down by one.
    pub const SEQUENCE: u8 = 0x04;
    /// A byte that occurs twice.
    pub const REPEATED: u8 = 0x08;
    /// A group of characters is missing.
    pub const MISSING_GROUP: u8 = 0x10;
    /// Every bit that has a meaning.
    pub const ALL: u8 = 0x1F;
}

/// Bits of getKeyProtectionInfo's ProtectionStatus.
pub mod protection {
    /// A local PIN policy protects the key.
    pub const PIN: u8 = 0x01;
    /// A local PUK policy protects the PIN.
    pub const PUK: u8 = 0x02;
    /// Locked by wrong PINs.
    pub const PIN_LOCKED: u8 = 0x04;
    /// The PUK is locked.
    pub const PUK_LOCKED: u8 = 0x08;
    /// A device PIN protects the key.
    pub const DEVICE_PIN: u8 = 0x10;
}

/// One byte of a vocabulary, as received: [`Code::get`] gives the variant or the refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code<C> {
    value: u8,
    vocabulary: PhantomData<C>,
}

impl<C: Choice> Code<C> {
    /// Wraps a byte that may be out of range.
    #[must_use]
    pub fn raw(value: u8) -> Self {
        Self { value, vocabulary: PhantomData }
    }

    /// The byte as received.
    #[must_use]
    pub fn value(self) -> u8 {
        self.value
    }

    /// The variant.
    ///
    /// # Errors
    /// [`OutOfRange`] when the table does not have it.
    pub fn get(self) -> Result<C, OutOfRange> {
        C::from_value(self.value).ok_or(OutOfRange(Kind::Value { min: 0, max: C::LAST }))
    }
}

impl<C: Choice> From<C> for Code<C> {
    fn from(choice: C) -> Self {
        Self::raw(choice.value())
    }
}

impl<C: Choice> fmt::Debug for Code<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match C::from_value(self.value) {
            Some(choice) => f.write_str(choice.name()),
            None => write!(f, "{}", self.value),
        }
    }
}

impl<C: Choice> Field for Code<C> {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, value) = u8::parse(input)?;
        Ok((rest, Self::raw(value)))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.value);
    }

    fn size(&self) -> usize {
        1
    }

    fn check(&self) -> Result<(), Breach> {
        self.get().map(|_| ()).map_err(|e| Breach::new(e.0))
    }
}

/// One byte with bounds, as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octet<const MIN: u8, const MAX: u8>(pub u8);

impl<const MIN: u8, const MAX: u8> Octet<MIN, MAX> {
    /// The value.
    ///
    /// # Errors
    /// [`OutOfRange`] outside MIN to MAX.
    pub fn get(self) -> Result<u8, OutOfRange> {
        if (MIN..=MAX).contains(&self.0) { Ok(self.0) } else { Err(OutOfRange(Kind::Value { min: MIN, max: MAX })) }
    }
}

impl<const MIN: u8, const MAX: u8> Field for Octet<MIN, MAX> {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, value) = u8::parse(input)?;
        Ok((rest, Self(value)))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }

    fn size(&self) -> usize {
        1
    }

    fn check(&self) -> Result<(), Breach> {
        self.get().map(|_| ()).map_err(|e| Breach::new(e.0))
    }
}

/// A `byte[]` that holds UTF-8 text of MIN to MAX bytes, as received.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<const MIN: usize, const MAX: usize>(pub Vec<u8>);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The text.
    ///
    /// # Errors
    /// [`OutOfRange`] for bytes that are not UTF-8 or a length outside MIN to MAX.
    pub fn get(&self) -> Result<&str, OutOfRange> {
        if !(MIN..=MAX).contains(&self.0.len()) {
            let bound = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            return Err(OutOfRange(Kind::Size { min: bound(MIN), max: bound(MAX) }));
        }
        std::str::from_utf8(&self.0).map_err(|_| OutOfRange(Kind::Utf8))
    }
}

impl<const MIN: usize, const MAX: usize> From<&str> for Text<MIN, MAX> {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), f)
    }
}

impl<const MIN: usize, const MAX: usize> Field for Text<MIN, MAX> {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, bytes) = short_array(input)?;
        Ok((rest, Self(bytes.to_vec())))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_short_array(&self.0, out);
    }

    fn size(&self) -> usize {
        size_of_short_array(&self.0)
    }

    fn check(&self) -> Result<(), Breach> {
        self.get().map(|_| ()).map_err(|e| match (e.0, std::str::from_utf8(&self.0)) {
            // A text that is not UTF-8 is refused at its first bad byte, behind the length.
            (Kind::Utf8, Err(bad)) => Breach::new(e.0).behind(2 + bad.valid_up_to()),
            _ => Breach::new(e.0),
        })
    }
}

/// Any text that fits a `byte[]`: algorithm URIs and other values that are compared, not stored.
pub type AnyText = Text<0, 65535>;

/// IssuerURI: 1 to 1024 bytes.
pub type IssuerUri = Text<1, { limit::ISSUER_URI }>;

/// FriendlyName: 0 to 100 bytes.
pub type FriendlyName = Text<0, { limit::FRIENDLY_NAME }>;

/// VendorName and VendorDescription: 1 to 100 bytes.
pub type VendorText = Text<1, { limit::VENDOR_TEXT }>;

/// `blob`: a four-byte length, then the bytes. It may hold a decrypted extension, so it is treated as a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob(pub Secret);

impl Field for Blob {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, length) = u32::parse(input)?;
        let taken: Parsed<'_, &[u8]> = nom::bytes::complete::take(length)(rest);
        let (rest, bytes) = taken.or_else(|_| refuse(input, Kind::Truncated))?;
        Ok((rest, Self(Secret::from(bytes))))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let bytes = self.0.expose();
        u32::try_from(bytes.len()).unwrap_or(u32::MAX).write(out);
        out.extend_from_slice(bytes);
    }

    fn size(&self) -> usize {
        4 + self.0.len()
    }
}

/// createKeyPair's last arguments: KeyAlgorithmType, and what that type needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// 0x00.
    Rsa {
        /// RSAKeySize in bits.
        size: u16,
        /// RSAExponent; 0 is the default.
        exponent: u32,
    },
    /// 0x01.
    Ecc {
        /// NamedCurve, a URI.
        curve: AnyText,
    },
}

impl Field for KeyAlgorithm {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        match name(u8::parse(input), "key_algorithm_type")? {
            (rest, 0) => {
                let (rest, size) = name(u16::parse(rest), "rsa_key_size")?;
                let (rest, exponent) = name(u32::parse(rest), "rsa_exponent")?;
                Ok((rest, Self::Rsa { size, exponent }))
            }
            (rest, 1) => {
                let (rest, curve) = name(AnyText::parse(rest), "named_curve")?;
                Ok((rest, Self::Ecc { curve }))
            }
            _ => name(refuse(input, Kind::KeyAlgorithmType), "key_algorithm_type"),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Rsa { size, exponent } => {
                out.push(0);
                size.write(out);
                exponent.write(out);
            }
            Self::Ecc { curve } => {
                out.push(1);
                curve.write(out);
            }
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            Self::Rsa { size, exponent } => size.size() + exponent.size(),
            Self::Ecc { curve } => curve.size(),
        }
    }

    fn check(&self) -> Result<(), Breach> {
        match self {
            Self::Rsa { .. } => Ok(()),
            Self::Ecc { curve } => curve.check().map_err(|breach| breach.behind(1).named("named_curve")),
        }
    }
}

/// createKeyPair's PrivateKey and KeyHandle: the private key is there only if a backup was asked for, and nothing on
/// the wire tells but the length of what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupAndHandle {
    /// PrivateKey, encrypted for the issuer.
    pub private_key: Option<Vec<u8>>,
    /// KeyHandle.
    pub key_handle: KeyHandle,
}

impl Field for BackupAndHandle {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, private_key) = if input.len() > 4 {
            let (rest, key) = name(<Vec<u8> as Field>::parse(input), "private_key")?;
            (rest, Some(key))
        } else {
            (input, None)
        };
        let (rest, key_handle) = name(KeyHandle::parse(rest), "key_handle")?;
        Ok((rest, Self { private_key, key_handle }))
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some(key) = &self.private_key {
            key.write(out);
        }
        self.key_handle.write(out);
    }

    fn size(&self) -> usize {
        self.private_key.as_ref().map_or(0, Field::size) + self.key_handle.size()
    }

    fn check(&self) -> Result<(), Breach> {
        match &self.private_key {
            // A key that is not there takes no bytes at all, not even a length.
            Some(key) if !(1..=usize::from(u16::MAX)).contains(&key.len()) => {
                Err(Breach::new(Kind::Size { min: 1, max: u32::from(u16::MAX) }).named("private_key"))
            }
            _ => Ok(()),
        }
    }
}
