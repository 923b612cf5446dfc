//! Status codes and the error answer.
//!
//! Source: SKS API V0.35, "Return Values" and "Error Codes".

use std::fmt;

macro_rules! statuses {
    ($($value:literal $variant:ident $name:literal $text:literal),* $(,)?) => {
        /// A non-zero status of an answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Status { $(#[doc = concat!("`", $name, "`: ", $text, ".")] $variant = $value),* }

        impl Status {
            /// Every status of the table, ascending.
            pub const ALL: &'static [Status] = &[$(Status::$variant),*];

            /// The name in the text's table.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The status of this value, if the table has one.
            #[must_use]
            pub fn from_value(value: u8) -> Option<Self> {
                match value { $($value => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

statuses! {
    0x01 Authorization "ERROR_AUTHORIZATION" "something is wrong with a supplied PIN or PUK; non-fatal",
    0x02 NotAllowed "ERROR_NOT_ALLOWED" "the operation is not allowed",
    0x03 Storage "ERROR_STORAGE" "no persistent storage is available for the operation",
    0x04 Mac "ERROR_MAC" "a MAC does not match the supplied data",
    0x05 Crypto "ERROR_CRYPTO" "a cryptographic error",
    0x06 NoSession "ERROR_NO_SESSION" "there is no such provisioning session",
    0x07 SessionVerify "ERROR_SESSION_VERIFY" "closing the session failed to verify",
    0x08 NoKey "ERROR_NO_KEY" "there is no such key",
    0x09 Algorithm "ERROR_ALGORITHM" "the algorithm is unknown or does not fit",
    0x0A Option "ERROR_OPTION" "an option is invalid or not supported",
    0x0B Internal "ERROR_INTERNAL" "an internal error",
}

impl Status {
    /// The byte on the wire.
    #[must_use]
    pub fn value(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error answer: a status, and an English text for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {text}")]
pub struct Refused {
    /// What went wrong.
    pub status: Status,
    /// What exactly, and what to do.
    pub text: String,
}
