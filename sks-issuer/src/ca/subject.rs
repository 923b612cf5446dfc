//! A certificate's subject.
//!
//! Source: RFC 4514 for the text form, RFC 5280 for bounds and string types. Parsed here, since a subject comes from
//! whoever labels a key.

use std::fmt;
use std::str::FromStr;

use const_oid::ObjectIdentifier;
use der::asn1::SetOfVec;
use der::{Any, Decode, Encode, Tag};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use super::CaError;

/// A certificate's subject: a distinguished name that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(Name);

/// The longest text of an attribute, in characters (ub-common-name and its like).
const MAX_CHARACTERS: usize = 64;

impl Subject {
    /// A name of one attribute, CN: 1 to 64 characters without control characters, of any script.
    ///
    /// # Errors
    /// [`CaError::Subject`] for any other text.
    pub fn common_name(text: &str) -> Result<Self, CaError> {
        Self::new(vec![attribute("CN", text)?])
    }

    /// As [`Subject::common_name`], from any text at all: control characters become U+FFFD, what is over 64 characters
    /// is cut, and nothing becomes "unnamed".
    ///
    /// # Errors
    /// None that is known; the encoder's are passed on.
    pub fn from_label(label: &str) -> Result<Self, CaError> {
        let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        let text: String = label.trim().chars().map(shown).take(MAX_CHARACTERS).collect();
        Self::common_name(if text.is_empty() { "unnamed" } else { &text })
    }

    fn new(attributes: Vec<AttributeTypeAndValue>) -> Result<Self, CaError> {
        let single = |attribute| Ok(RelativeDistinguishedName::from(SetOfVec::try_from(vec![attribute])?));
        let sequence: Vec<RelativeDistinguishedName> =
            attributes.into_iter().map(single).collect::<Result<_, der::Error>>()?;
        Ok(Self(Name::from_der(&RdnSequence::from(sequence).to_der()?)?))
    }

    pub(super) fn name(&self) -> &Name {
        &self.0
    }
}

/// Reads `CN=Alice,O=Example\, Inc.,C=SE`: the most specific attribute first, as in RFC 4514. Known are CN, O, OU, L,
/// ST and C; a backslash takes the next character as it is, or two hexadecimal digits as a byte.
impl FromStr for Subject {
    type Err = CaError;

    fn from_str(text: &str) -> Result<Self, CaError> {
        let mut attributes = Vec::new();
        let mut rest = text;
        loop {
            let (name, value) = rest.split_once('=').ok_or(CaError::Subject("an attribute is written NAME=value"))?;
            let (value, after) = unescape(value)?;
            attributes.push(attribute(name.trim(), value.trim())?);
            match after {
                Some(next) => rest = next,
                None => break,
            }
        }
        attributes.reverse();
        Self::new(attributes)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The value up to the next comma that is not escaped, and what follows that comma.
fn unescape(text: &str) -> Result<(String, Option<&str>), CaError> {
    let mut value = Vec::new();
    let mut chars = text.char_indices();
    let mut after = None;
    while let Some((at, c)) = chars.next() {
        match c {
            ',' => {
                after = text.get(at + 1..);
                break;
            }
            '+' | ';' | '"' | '<' | '>' => return Err(CaError::Subject("a special character needs a backslash")),
            '\\' => {
                if let Some(byte) = text.get(at + 1..at + 3).and_then(hex_byte) {
                    value.push(byte);
                    chars.next();
                    chars.next();
                } else {
                    let (_, escaped) = chars.next().ok_or(CaError::Subject("it ends with a backslash"))?;
                    value.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            c => value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    let value = String::from_utf8(value).map_err(|_| CaError::Subject("the escaped bytes are not UTF-8"))?;
    Ok((value, after))
}

/// Two hexadecimal digits.
fn hex_byte(digits: &str) -> Option<u8> {
    let all = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

fn attribute(name: &str, text: &str) -> Result<AttributeTypeAndValue, CaError> {
    use const_oid::db::rfc4519 as oid;
    let oid: ObjectIdentifier = match name.to_ascii_uppercase().as_str() {
        "CN" => oid::CN,
        "O" => oid::O,
        "OU" => oid::OU,
        "L" => oid::L,
        "ST" => oid::ST,
        "C" => oid::C,
        _ => return Err(CaError::Subject("known attributes are CN, O, OU, L, ST and C")),
    };
    let characters = text.chars().count();
    if characters == 0 || characters > MAX_CHARACTERS {
        return Err(CaError::Subject("an attribute has 1 to 64 characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(CaError::Subject("control characters are not allowed"));
    }
    let country = oid == oid::C;
    if country && !(text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_alphabetic())) {
        return Err(CaError::Subject("a country is two letters"));
    }
    let tag = if country { Tag::PrintableString } else { Tag::Utf8String };
    Ok(AttributeTypeAndValue { oid, value: Any::new(tag, text.as_bytes())? })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_and_shown_as_written() {
        let text = "CN=Alice,O=Example\\, Inc.,C=SE";
        assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
    }

    #[test]
    fn any_script_is_a_common_name() {
        assert_eq!(Subject::common_name("Åsa 秘密 🔑").unwrap(), "CN=Åsa 秘密 🔑".parse().unwrap());
        assert_eq!(Subject::common_name("Å").unwrap(), "CN=\\C3\\85".parse().unwrap());
    }

    #[test]
    fn a_common_name_is_data_not_syntax() {
        let subject = Subject::common_name("Alice,O=Bank+OU=x\\").unwrap();
        assert_eq!(subject.name().iter().count(), 1);
    }

    #[test]
    fn refuses_what_is_no_subject() {
        let long = format!("CN={}", "x".repeat(65));
        let bad = ["", "Alice", "CN=", "CN=a\0b", "X=1", "CN=a,", "CN=a\\", "C=Sweden", "CN=a+O=b", "CN=\\FF", &long];
        for text in bad {
            assert!(matches!(text.parse::<Subject>(), Err(CaError::Subject(_))), "{text:?}");
        }
    }

    #[test]
    fn any_label_becomes_a_subject() {
        for (label, name) in [("", "unnamed"), (" \n", "unnamed"), ("a\0b", "a\u{FFFD}b"), ("Key 1", "Key 1")] {
            assert_eq!(Subject::from_label(label).unwrap(), Subject::common_name(name).unwrap());
        }
        assert_eq!(Subject::from_label(&"é".repeat(100)).unwrap(), Subject::common_name(&"é".repeat(64)).unwrap());
    }
}
