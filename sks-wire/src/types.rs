//! The closed vocabularies of the text, and the field types that carry its rules.
//!
//! Source: SKS API V0.35, "Data Types" and "Key Policy Attributes".

use std::fmt;

use crate::codec::{Field, Kind, Parsed};

mod field;
mod id;
mod list;

pub use field::{AnyText, BackupAndHandle, Blob, Code, FriendlyName, IssuerUri, KeyAlgorithm, Octet, Text, VendorText};
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
