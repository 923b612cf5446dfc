//! DirectoryString: one of five kinds of string, compared as text (row 1).
//!
//! Source: ITU-T X.520, `DirectoryString {INTEGER:maxSize} ::= CHOICE { teletexString, printableString, bmpString,
//! universalString, uTF8String }`. We write UTF8String; what comes in another kind is kept in it, so that it re-encodes
//! to the same bytes.

use std::fmt;

use der::{Decode, Encode, ErrorKind, Length, Reader, Tag, Writer};
use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Kind};
use crate::field::out_of_bounds;
use crate::limit::{MAX_DIRECTORY_STRING_LEN, MAX_TEXT_LEN};

/// The kind that a [`DirectoryString`] came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum StringKind {
    /// UTF8String, the kind that we write.
    Utf8 = 0x0C,
    /// PrintableString.
    Printable = 0x13,
    /// TeletexString, read as Latin-1, as everyone does: T.61's own character sets have fallen out of use.
    Teletex = 0x14,
    /// UniversalString: UCS-4.
    Universal = 0x1C,
    /// BMPString: UCS-2.
    Bmp = 0x1E,
}

/// An identifier of 1 to 256 characters, none of them a control character.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DirectoryString {
    kind: StringKind,
    content: Vec<u8>,
    text: String,
}

impl DirectoryString {
    /// Takes the text, in NFC, to be written as UTF8String.
    ///
    /// # Errors
    /// [`Kind::Field`] outside the bounds or with a control character.
    pub fn new(text: &str) -> Result<Self, Error> {
        Self::with_kind(StringKind::Utf8, text.nfc().collect::<String>().into_bytes())
    }

    /// Takes a string's content as another kind writes it.
    ///
    /// # Errors
    /// [`Kind::Field`] for content that the kind cannot have, and as [`new`](Self::new).
    pub fn with_kind(kind: StringKind, content: Vec<u8>) -> Result<Self, Error> {
        if content.len() > MAX_DIRECTORY_STRING_LEN {
            return Err(out_of_bounds(Tag::Utf8String));
        }
        let refused = Error::value(Kind::Field(Tag::Utf8String.value_error()));
        let raw = text(kind, &content).ok_or(refused)?;
        if !(1..=MAX_TEXT_LEN).contains(&raw.chars().count()) {
            return Err(out_of_bounds(Tag::Utf8String));
        }
        if raw.chars().any(char::is_control) {
            return Err(refused);
        }
        // ASCII is in NFC.
        let text = if raw.is_ascii() { raw } else { raw.nfc().collect() };
        Ok(Self { kind, content, text })
    }

    /// The text, in NFC: two identifiers are the same if these are.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The kind it came in.
    #[must_use]
    pub fn kind(&self) -> StringKind {
        self.kind
    }
}

impl fmt::Debug for DirectoryString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({:?})", self.kind, self.text)
    }
}

impl fmt::Display for DirectoryString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'a> Decode<'a> for DirectoryString {
    type Error = der::Error;

    /// By hand, from the tag on: the `der` crate has no UniversalString.
    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        let kind = match reader.peek_byte() {
            Some(0x0C) => StringKind::Utf8,
            Some(0x13) => StringKind::Printable,
            Some(0x14) => StringKind::Teletex,
            Some(0x1C) => StringKind::Universal,
            Some(0x1E) => StringKind::Bmp,
            Some(byte) => return Err(reader.error(ErrorKind::TagUnknown { byte })),
            None => return Err(der::Error::incomplete(reader.position())),
        };
        reader.read_byte()?;
        let length = Length::decode(reader)?;
        // Before memory is taken for it.
        if usize::try_from(length)? > MAX_DIRECTORY_STRING_LEN {
            return Err(reader.error(ErrorKind::Length { tag: Tag::Utf8String }));
        }
        let content = reader.read_vec(length)?;
        Self::with_kind(kind, content).map_err(|error| match error.kind {
            Kind::Field(kind) => reader.error(kind),
            _ => reader.error(Tag::Utf8String.value_error()),
        })
    }
}

impl Encode for DirectoryString {
    fn encoded_len(&self) -> der::Result<Length> {
        Length::try_from(self.content.len())?.for_tlv(Tag::Utf8String)
    }

    fn encode(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write_byte(self.kind as u8)?;
        Length::try_from(self.content.len())?.encode(writer)?;
        writer.write(&self.content)
    }
}

fn text(kind: StringKind, content: &[u8]) -> Option<String> {
    match kind {
        StringKind::Utf8 => std::str::from_utf8(content).ok().map(str::to_owned),
        StringKind::Printable => content.iter().map(|b| is_printable(*b).then_some(char::from(*b))).collect(),
        StringKind::Teletex => Some(content.iter().copied().map(char::from).collect()),
        StringKind::Universal => units(content, |unit| Some(u32::from_be_bytes(unit))),
        StringKind::Bmp => units(content, |unit| Some(u32::from(u16::from_be_bytes(unit)))),
    }
}

/// Characters of `N` bytes each; a surrogate is none.
fn units<const N: usize>(content: &[u8], number: impl Fn([u8; N]) -> Option<u32>) -> Option<String> {
    let (units, rest) = content.as_chunks::<N>();
    if !rest.is_empty() {
        return None;
    }
    units.iter().map(|unit| number(*unit).and_then(char::from_u32)).collect()
}

/// X.680, Table 10.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn reads_the_five_kinds_as_the_same_text() {
        let kinds: [(StringKind, &[u8]); 5] = [
            (StringKind::Utf8, "Z\u{fc}".as_bytes()),
            (StringKind::Utf8, "Zu\u{308}".as_bytes()),
            (StringKind::Teletex, b"Z\xfc"),
            (StringKind::Universal, b"\0\0\0Z\0\0\0\xfc"),
            (StringKind::Bmp, b"\0Z\0\xfc"),
        ];
        for (kind, content) in kinds {
            let string = DirectoryString::with_kind(kind, content.to_vec()).unwrap();
            assert_eq!(string.text(), "Z\u{fc}", "{kind:?}");
            let der = string.to_der().unwrap();
            assert_eq!(der.first(), Some(&(kind as u8)));
            assert_eq!(DirectoryString::from_der(&der).unwrap(), string, "kept in its kind");
        }
        assert_eq!(DirectoryString::with_kind(StringKind::Printable, b"Zu".to_vec()).unwrap().text(), "Zu");
    }

    #[test]
    fn refuses_content_that_the_kind_cannot_have() {
        let cases: [(StringKind, &[u8]); 9] = [
            (StringKind::Utf8, b"\xff"),
            (StringKind::Utf8, b""),
            (StringKind::Utf8, b"a\0b"),
            (StringKind::Printable, b"a@b"),
            (StringKind::Teletex, b"a\x1b"),
            (StringKind::Universal, b"\0\0\0"),
            (StringKind::Universal, b"\0\x11\0\0"),
            (StringKind::Bmp, b"\xd8\x00"),
            (StringKind::Bmp, b"\0a\0"),
        ];
        for (kind, content) in cases {
            assert!(DirectoryString::with_kind(kind, content.to_vec()).is_err(), "{kind:?} {content:02x?}");
        }
        assert!(DirectoryString::new(&"a".repeat(257)).is_err());
        assert!(DirectoryString::new(&"a".repeat(256)).is_ok());
    }
}
