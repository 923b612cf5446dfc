//! Bytes that must not be seen: PINs, PUKs, private and symmetric keys.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::codec::{Breach, Field, Parsed, check_short_array, short_array, size_of_short_array, write_short_array};

/// A `byte[]` that is wiped when dropped, compared in constant time, and never printed.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes over; the caller's copy is gone.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes. Whoever copies them wipes the copy.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes, which for a PIN or PUK means that none was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(mut bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(std::mem::take(&mut *bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// In constant time for values of the same length; the length itself is no secret.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl Field for Secret {
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
        check_short_array(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_byte() {
        let shown = format!("{:?}", Secret::new(b"1563".to_vec()));
        assert_eq!(shown, "Secret(4 bytes)");
    }
}
