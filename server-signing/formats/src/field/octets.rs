//! OCTET STRING and BIT STRING between two lengths.

use std::fmt;

use der::{DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};

use super::out_of_bounds;
use crate::error::Error;

/// An OCTET STRING of `MIN` to `MAX` bytes. Debug shows its length alone: it may be a signature or a bearer token.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Octets<const MIN: usize, const MAX: usize>(Vec<u8>);

/// A BIT STRING of `MIN` to `MAX` whole bytes, as signatures have them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Bits<const MIN: usize, const MAX: usize>(Vec<u8>);

impl<const MIN: usize, const MAX: usize> FixedTag for Octets<MIN, MAX> {
    const TAG: Tag = Tag::OctetString;
}

impl<const MIN: usize, const MAX: usize> FixedTag for Bits<MIN, MAX> {
    const TAG: Tag = Tag::BitString;
}

impl<'a, const MIN: usize, const MAX: usize> DecodeValue<'a> for Octets<MIN, MAX> {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        read(reader, header.length(), Self::TAG, MIN, MAX).map(Self)
    }
}

impl<const MIN: usize, const MAX: usize> EncodeValue for Octets<MIN, MAX> {
    fn value_len(&self) -> der::Result<Length> {
        self.0.len().try_into()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(&self.0)
    }
}

impl<'a, const MIN: usize, const MAX: usize> DecodeValue<'a> for Bits<MIN, MAX> {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        if reader.read_byte()? != WHOLE_BYTES {
            return Err(reader.error(Self::TAG.value_error()));
        }
        read(reader, header.length().saturating_sub(Length::ONE), Self::TAG, MIN, MAX).map(Self)
    }
}

impl<const MIN: usize, const MAX: usize> EncodeValue for Bits<MIN, MAX> {
    fn value_len(&self) -> der::Result<Length> {
        Length::try_from(self.0.len())? + Length::ONE
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write_byte(WHOLE_BYTES)?;
        writer.write(&self.0)
    }
}

/// Bounds the length before it takes memory for it.
fn read<'a, R: Reader<'a>>(reader: &mut R, length: Length, tag: Tag, min: usize, max: usize) -> der::Result<Vec<u8>> {
    if !(min..=max).contains(&usize::try_from(length)?) {
        return Err(reader.error(tag.length_error()));
    }
    reader.read_vec(length)
}

macro_rules! common {
    ($name:ident) => {
        impl<const MIN: usize, const MAX: usize> $name<MIN, MAX> {
            /// Takes the bytes.
            ///
            /// # Errors
            /// [`Kind::Field`](crate::Kind::Field) outside the bounds.
            pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
                let bytes = bytes.into();
                if (MIN..=MAX).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(out_of_bounds(Self::TAG)) }
            }

            /// The bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// The bytes, given away.
            #[must_use]
            pub fn into_bytes(self) -> Vec<u8> {
                self.0
            }
        }

        impl<const MIN: usize, const MAX: usize> AsRef<[u8]> for $name<MIN, MAX> {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl<const MIN: usize, const MAX: usize> fmt::Debug for $name<MIN, MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

common!(Octets);
common!(Bits);

/// The number of unused bits that stands in front of a BIT STRING's bytes.
const WHOLE_BYTES: u8 = 0;
