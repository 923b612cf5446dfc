//! Field types that carry their bounds: a value that exists can be encoded and will be read again.

mod list;
mod octets;
mod set_of;
mod text;
mod version;

pub use list::List;
pub use octets::{Bits, Octets};
pub use set_of::SetOf;
pub use text::Text;
pub use version::V1;

use der::{Encode, ErrorKind, Length, Reader, Tag, TagNumber, Writer};

use crate::error::{Error, Kind};

/// Says that a length or count is out of bounds.
pub(crate) const fn out_of_bounds(tag: Tag) -> Error {
    Error::value(Kind::Field(ErrorKind::Length { tag }))
}

/// The tag `[number]` with an element inside.
pub(crate) const fn tagged(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// Reads what stands inside an element of the tag.
pub(crate) fn inside<'a, R, T>(reader: &mut R, tag: Tag, read: impl FnOnce(&mut R) -> der::Result<T>) -> der::Result<T>
where
    R: Reader<'a>,
{
    let header = der::Header::peek(reader)?;
    if header.tag() != tag {
        return Err(reader.error(ErrorKind::TagUnexpected { expected: Some(tag), actual: header.tag() }));
    }
    let header = <der::Header as der::Decode<'_>>::decode(reader)?;
    reader.read_nested(header.length(), read)
}

/// `[number] EXPLICIT` around anything, also around a CHOICE, which is never IMPLICIT (row 2).
pub(crate) struct Explicit<'a, T>(pub(crate) u32, pub(crate) &'a T);

impl<T: Encode> Encode for Explicit<'_, T> {
    fn encoded_len(&self) -> der::Result<Length> {
        self.1.encoded_len()?.for_tlv(tagged(self.0))
    }

    fn encode(&self, writer: &mut impl Writer) -> der::Result<()> {
        der::Header::new(tagged(self.0), self.1.encoded_len()?).encode(writer)?;
        self.1.encode(writer)
    }
}
