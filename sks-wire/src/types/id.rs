//! The text's `id`: 1 to 32 bytes of NCName (XML 1.0, fifth edition; Namespaces in XML 1.0).

use std::fmt;

use crate::codec::{Field, Kind, Parsed, refuse, short_array, size_of_short_array, write_short_array};

/// An external name: of a session, a policy or a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

/// The text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is an XML NCName of 1 to 32 bytes")]
pub struct IdError;

impl Id {
    /// The longest id, in bytes.
    pub const MAX: usize = 32;

    /// Takes a text that is an NCName of 1 to 32 bytes.
    ///
    /// # Errors
    /// [`IdError`] for anything else.
    pub fn new(text: &str) -> Result<Self, IdError> {
        let fits = (1..=Self::MAX).contains(&text.len());
        if fits && misfit(text).is_none() { Ok(Self(text.to_owned())) } else { Err(IdError) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes, as MACs and attestations take them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Where the first character is that an NCName cannot have there.
fn misfit(text: &str) -> Option<usize> {
    text.char_indices().find(|&(at, c)| !if at == 0 { starts_name(c) } else { continues_name(c) }).map(|(at, _)| at)
}

/// NameStartChar without the colon.
fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// NameChar without the colon.
fn continues_name(c: char) -> bool {
    starts_name(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{0300}'..='\u{036F}' | '\u{203F}'..='\u{2040}')
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl Field for Id {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, bytes) = short_array(input)?;
        // A wrong length is refused at the length, a wrong character at its first byte.
        if !(1..=Self::MAX).contains(&bytes.len()) {
            return refuse(input, Kind::NcName);
        }
        let wrong = match std::str::from_utf8(bytes) {
            Ok(text) => match misfit(text) {
                None => return Ok((rest, Self(text.to_owned()))),
                Some(at) => at,
            },
            Err(bad) => {
                let valid = bytes.get(..bad.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok());
                valid.and_then(misfit).unwrap_or(bad.valid_up_to())
            }
        };
        refuse(input.get(2 + wrong..).unwrap_or(input), Kind::NcName)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_short_array(self.as_bytes(), out);
    }

    fn size(&self) -> usize {
        size_of_short_array(self.as_bytes())
    }
}
