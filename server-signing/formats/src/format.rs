//! The door for bytes: [`Format::parse`], and the way back, [`Format::to_bytes`].

use der::{Decode, Encode};

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
        let again = value.to_der()?;
        if again == bytes {
            return Ok(value);
        }
        let same = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        Err(Error::new(Kind::NotCanonical, same))
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

fn bound<T: Format>(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > T::MAX_LEN {
        return Err(Error::new(Kind::TooLong { max: T::MAX_LEN }, T::MAX_LEN));
    }
    Ok(())
}
