//! The door for bytes: [`Format::parse`], and the way back, [`Format::to_bytes`].

use der::{Decode, Encode, ErrorKind, Writer};

use crate::error::{Error, Kind};
use crate::tlv;

/// A format that stands alone: it is read from, and written to, the whole of a byte string.
///
/// The types implement the `der` crate's traits as well, because they stand in each other's fields. Reading input with
/// those traits' methods would leave out the length bound, the walk over open types and the comparison.
pub trait Format: Encode + for<'a> Decode<'a, Error = der::Error> {
    /// The longest encoding, in bytes.
    const MAX_LEN: usize;

    /// Reads the whole of `bytes`.
    ///
    /// # Errors
    /// [`Kind::TooLong`], [`Kind::NotDer`], [`Kind::Trailing`] or [`Kind::Depth`] before any field is looked at;
    /// [`Kind::Field`] for what a field refuses; [`Kind::NotCanonical`] where writing the value gives other bytes.
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        bound::<Self>(bytes)?;
        tlv::check(bytes)?;
        let value = Self::from_der(bytes)?;
        let mut again = Compared { with: bytes, same: 0, differs: false };
        match value.encode(&mut again) {
            Ok(()) if again.same == bytes.len() => Ok(value),
            Err(error) if !again.differs => Err(error.into()),
            _ => Err(Error::new(Kind::NotCanonical, again.same)),
        }
    }

    /// Writes the value.
    ///
    /// # Errors
    /// [`Kind::TooLong`], or [`Kind::NotDer`] for an algorithm's parameters that are not DER.
    fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let bytes = self.to_der()?;
        bound::<Self>(&bytes)?;
        tlv::check(&bytes)?;
        Ok(bytes)
    }
}

/// Takes what is written only to compare it.
struct Compared<'a> {
    with: &'a [u8],
    /// Bytes written so far, all of them the same.
    same: usize,
    differs: bool,
}

impl Writer for Compared<'_> {
    fn write(&mut self, slice: &[u8]) -> der::Result<()> {
        let expected = self.with.get(self.same..).unwrap_or_default();
        if expected.starts_with(slice) {
            self.same += slice.len();
            return Ok(());
        }
        self.same += expected.iter().zip(slice).take_while(|(a, b)| a == b).count();
        self.differs = true;
        Err(ErrorKind::Failed.into())
    }
}

fn bound<T: Format>(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > T::MAX_LEN {
        return Err(Error::new(Kind::TooLong { max: T::MAX_LEN }, T::MAX_LEN));
    }
    Ok(())
}
