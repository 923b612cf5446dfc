//! Open types: one element of any type, kept as it came (row 6).

use std::fmt;

use der::{Decode, Encode, Length, Reader, Writer};

use crate::error::Error;
use crate::format::Format;
use crate::tlv;

/// One DER element of any type.
///
/// The `der` crate's `Any` is not used: it refuses UniversalString, and its Debug prints content.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Open(Vec<u8>);

impl Open {
    /// Takes one element, tag and length included.
    ///
    /// # Errors
    /// [`Kind::NotDer`](crate::Kind::NotDer) or [`Kind::Depth`](crate::Kind::Depth).
    pub fn new(der: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let der = der.into();
        tlv::check_one(&der)?;
        Ok(Self(der))
    }

    /// Writes `value` as an open type.
    ///
    /// # Errors
    /// What [`Format::to_bytes`] refuses.
    pub fn from_value<T: Format>(value: &T) -> Result<Self, Error> {
        value.to_bytes().map(Self)
    }

    /// Reads it as `T`.
    ///
    /// # Errors
    /// What [`Format::parse`] refuses; positions count from this element's first byte.
    pub fn parse_as<T: Format>(&self) -> Result<T, Error> {
        T::parse(&self.0)
    }

    /// The element, tag and length included.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Open({} bytes)", self.0.len())
    }
}

impl<'a> Decode<'a> for Open {
    type Error = der::Error;

    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        let mut ahead = reader.clone();
        ahead.read_byte()?;
        let length = Length::decode(&mut ahead)?;
        let header = ahead.position().saturating_sub(reader.position());
        Ok(Self(reader.read_vec((header + length)?)?))
    }
}

impl Encode for Open {
    fn encoded_len(&self) -> der::Result<Length> {
        self.0.len().try_into()
    }

    fn encode(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(&self.0)
    }
}
