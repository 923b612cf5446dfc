//! UTF8String between two lengths.

use std::fmt;

use der::{DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};

use super::out_of_bounds;
use crate::error::{Error, Kind};
use crate::limit::MAX_TEXT_LEN;

/// A UTF8String of `MIN` to `MAX` bytes without control characters, which have no place in an identifier and would
/// forge lines in a log.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const MIN: usize = 1, const MAX: usize = MAX_TEXT_LEN>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// Takes the text.
    ///
    /// # Errors
    /// [`Kind::Field`] outside the bounds or with a control character.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if !(MIN..=MAX).contains(&text.len()) {
            return Err(out_of_bounds(Self::TAG));
        }
        if text.chars().any(char::is_control) {
            return Err(Error::value(Kind::Field(Self::TAG.value_error())));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> AsRef<str> for Text<MIN, MAX> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MIN: usize, const MAX: usize> FixedTag for Text<MIN, MAX> {
    const TAG: Tag = Tag::Utf8String;
}

impl<'a, const MIN: usize, const MAX: usize> DecodeValue<'a> for Text<MIN, MAX> {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        if !(MIN..=MAX).contains(&usize::try_from(header.length())?) {
            return Err(reader.error(Self::TAG.length_error()));
        }
        let text = String::from_utf8(reader.read_vec(header.length())?).ok();
        text.and_then(|text| Self::new(text).ok()).ok_or_else(|| reader.error(Self::TAG.value_error()))
    }
}

impl<const MIN: usize, const MAX: usize> EncodeValue for Text<MIN, MAX> {
    fn value_len(&self) -> der::Result<Length> {
        self.0.len().try_into()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(self.0.as_bytes())
    }
}
