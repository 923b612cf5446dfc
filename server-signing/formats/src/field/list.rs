//! SEQUENCE OF between two counts.

use std::ops::Deref;

use der::{Decode, DecodeValue, Encode, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};

use super::out_of_bounds;
use crate::error::Error;

/// A SEQUENCE OF with `MIN` to `MAX` elements, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    /// Takes the elements.
    ///
    /// # Errors
    /// [`Kind::Field`](crate::Kind::Field) outside the bounds.
    pub fn new(items: Vec<T>) -> Result<Self, Error> {
        if (MIN..=MAX).contains(&items.len()) { Ok(Self(items)) } else { Err(out_of_bounds(Self::TAG)) }
    }

    /// The elements, given away.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MIN: usize, const MAX: usize> Deref for List<T, MIN, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MIN: usize, const MAX: usize> FixedTag for List<T, MIN, MAX> {
    const TAG: Tag = Tag::Sequence;
}

impl<'a, T, const MIN: usize, const MAX: usize> DecodeValue<'a> for List<T, MIN, MAX>
where
    T: Decode<'a, Error = der::Error>,
{
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        let mut items = Vec::new();
        while !reader.is_finished() {
            if items.len() == MAX {
                return Err(reader.error(Self::TAG.length_error()));
            }
            items.push(T::decode(reader)?);
        }
        if items.len() < MIN {
            return Err(reader.error(Self::TAG.length_error()));
        }
        Ok(Self(items))
    }
}

impl<T: Encode, const MIN: usize, const MAX: usize> EncodeValue for List<T, MIN, MAX> {
    fn value_len(&self) -> der::Result<Length> {
        self.0.iter().try_fold(Length::ZERO, |length, item| length + item.encoded_len()?)
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.0.iter().try_for_each(|item| item.encode(writer))
    }
}
