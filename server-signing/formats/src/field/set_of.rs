//! SET OF, sorted and free of duplicates (row 7).

use std::ops::Deref;

use der::{Decode, DecodeValue, Encode, EncodeValue, ErrorKind, FixedTag, Header, Length, Reader, Tag, Writer};

use super::out_of_bounds;
use crate::error::{Error, Kind};

/// A SET OF with at most `MAX` elements.
///
/// X.690 11.6: "the encodings of the component values of a set-of value shall appear in ascending order, the encodings
/// being compared as octet strings". The `der` crate's `SetOfVec` sorts on input and lets duplicates stand; this one
/// refuses both on input, and duplicates in [`new`](Self::new).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetOf<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> SetOf<T, MAX> {
    /// Takes the elements and sorts them.
    ///
    /// # Errors
    /// [`Kind::Field`] for too many elements or two that are equal.
    pub fn new(items: Vec<T>) -> Result<Self, Error>
    where
        T: Encode,
    {
        if items.len() > MAX {
            return Err(out_of_bounds(Self::TAG));
        }
        let mut keyed = items.into_iter().map(|item| Ok((item.to_der()?, item))).collect::<Result<Vec<_>, Error>>()?;
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        let pairs = keyed.iter().zip(keyed.iter().skip(1));
        if pairs.into_iter().any(|((a, _), (b, _))| a == b) {
            return Err(Error::value(Kind::Field(ErrorKind::SetOrdering)));
        }
        Ok(Self(keyed.into_iter().map(|(_, item)| item).collect()))
    }
}

impl<T, const MAX: usize> Default for SetOf<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Deref for SetOf<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize> FixedTag for SetOf<T, MAX> {
    const TAG: Tag = Tag::Set;
}

impl<'a, T, const MAX: usize> DecodeValue<'a> for SetOf<T, MAX>
where
    T: Decode<'a, Error = der::Error>,
{
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        let mut items = Vec::new();
        let mut last: &[u8] = &[];
        while !reader.is_finished() {
            if items.len() == MAX {
                return Err(reader.error(Self::TAG.length_error()));
            }
            let mut start = reader.clone();
            items.push(T::decode(reader)?);
            let encoded = start.read_slice(reader.position().saturating_sub(start.position()))?;
            // Neither of two elements is a prefix of the other, so X.690's padding never matters.
            if encoded <= last {
                return Err(reader.error(ErrorKind::SetOrdering));
            }
            last = encoded;
        }
        Ok(Self(items))
    }
}

impl<T: Encode, const MAX: usize> EncodeValue for SetOf<T, MAX> {
    fn value_len(&self) -> der::Result<Length> {
        self.0.iter().try_fold(Length::ZERO, |length, item| length + item.encoded_len()?)
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.0.iter().try_for_each(|item| item.encode(writer))
    }
}
