//! UserID and KeyID: UUIDs.

use std::fmt;
use std::str::FromStr;

/// Not a UUID in its text form of 36 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct IdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// From the UUID's bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The UUID's bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }

        /// Reads the text form, in lower case alone: so an id has one text, which the firmware can compare as text.
        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                read_uuid(text).map(Self)
            }
        }
    };
}

id! {
    /// A UserID (Table 17: "The 'UserID' is a UUID").
    UserId
}
id! {
    /// A KeyID: a UUID that the module makes.
    KeyId
}

impl KeyId {
    /// A random UUID (RFC 9562, version 4) from random bytes.
    #[must_use]
    pub const fn random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }
}

fn write_uuid(bytes: &[u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // In one write: each request writes several.
    let digits = hex::encode(bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits.get(part).unwrap_or_default());
    f.write_str(&parts.join("-"))
}

fn read_uuid(text: &str) -> Result<[u8; 16], IdError> {
    let mut from = text.bytes();
    let mut bytes = [0; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        if HYPHEN_BEFORE.contains(&at) && from.next() != Some(b'-') {
            return Err(IdError);
        }
        *byte = digit(from.next())? << 4 | digit(from.next())?;
    }
    if from.next().is_some() { Err(IdError) } else { Ok(bytes) }
}

fn digit(byte: Option<u8>) -> Result<u8, IdError> {
    match byte {
        Some(byte @ b'0'..=b'9') => Ok(byte - b'0'),
        Some(byte @ b'a'..=b'f') => Ok(byte - b'a' + 10),
        _ => Err(IdError),
    }
}

const HYPHEN_BEFORE: [usize; 4] = [4, 6, 8, 10];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let text = "6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0";
        let id: UserId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
    }

    #[test]
    fn refuses_what_is_no_uuid() {
        for text in [
            "",
            "6f1e2d3c4b5a49788695a4b3c2d1e0f0",
            "6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f",
            "6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f00",
            "6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0fg",
            "6F1E2D3C-4B5A-4978-8695-A4B3C2D1E0F0",
            "+f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0",
            "{6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0}",
        ] {
            assert_eq!(text.parse::<UserId>(), Err(IdError), "{text}");
        }
    }

    #[test]
    fn a_random_key_id_is_a_version_4_uuid() {
        assert_eq!(KeyId::random([0xff; 16]).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(KeyId::random([0; 16]).to_string(), "00000000-0000-4000-8000-000000000000");
    }
}
