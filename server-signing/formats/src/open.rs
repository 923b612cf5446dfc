//! Open types: one element of any type, kept as it came (row 6).

use std::fmt;

use der::{Decode, Encode, ErrorKind, Length, Reader, Writer};

use crate::error::{Error, Kind};
use crate::format::Format;
use crate::limit::MAX_TOKEN_LEN;
use crate::tlv;

/// One DER element of any type, no longer than a token: the largest that we read out of one is a token.
///
/// The `der` crate's `Any` is not used: it refuses UniversalString, and its Debug prints content.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Open(Vec<u8>);

impl Open {
    /// Takes one element, tag and length included.
    ///
    /// # Errors
    /// [`Kind::NotDer`], [`Kind::Trailing`], [`Kind::Depth`] or [`Kind::TooLong`].
    pub fn new(der: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let der = der.into();
        tlv::check(&der)?;
        Self::bounded(der)
    }

    /// Writes `value` as an open type.
    ///
    /// # Errors
    /// What [`Format::to_bytes`] refuses, and [`Kind::TooLong`].
    pub fn from_value<T: Format>(value: &T) -> Result<Self, Error> {
        Self::bounded(value.to_bytes()?)
    }

    fn bounded(der: Vec<u8>) -> Result<Self, Error> {
        if der.len() > MAX_TOKEN_LEN {
            return Err(Error::new(Kind::TooLong { max: MAX_TOKEN_LEN }, MAX_TOKEN_LEN));
        }
        Ok(Self(der))
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
        let length = (header + length)?;
        if usize::try_from(length)? > MAX_TOKEN_LEN {
            return Err(reader.error(ErrorKind::Overlength));
        }
        Ok(Self(reader.read_vec(length)?))
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
