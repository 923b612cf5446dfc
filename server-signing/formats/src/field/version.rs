//! Version numbers.

use der::{DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};

/// `INTEGER (1)`: the version of our own formats. Any other number is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct V1;

impl FixedTag for V1 {
    const TAG: Tag = Tag::Integer;
}

impl<'a> DecodeValue<'a> for V1 {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        match u8::decode_value(reader, header)? {
            1 => Ok(Self),
            _ => Err(reader.error(Self::TAG.value_error())),
        }
    }
}

impl EncodeValue for V1 {
    fn value_len(&self) -> der::Result<Length> {
        Ok(Length::ONE)
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write_byte(1)
    }
}
