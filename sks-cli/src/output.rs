//! Tables for people, JSON for programs.
//!
//! What a token says is not trusted by the terminal: every text goes through [`safe`], and JSON through the like.

use base64ct::{Base64, Encoding};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::exit::Failure;

pub(crate) mod algorithm;
pub(crate) mod certificate;
pub(crate) mod file;
mod table;
pub(crate) mod time;

pub(crate) use table::{Fields, Table};

/// Prints bytes as they are.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    program::output::bytes(bytes).map_err(Failure::doing("writing to stdout"))
}

/// Prints a line.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints a JSON value, indented.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    bytes(&json_text(value)?)
}

/// A JSON value as text with a line's end, wiped when dropped: it may hold an exported key.
pub(crate) fn json_text(value: &Value) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let text = Zeroizing::new(serde_json::to_string_pretty(value).map_err(Failure::doing("writing JSON"))?);
    // Every escape is at most six bytes for a character of at least one.
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() * 6 + 1));
    for c in text.chars() {
        if c != '\n' && disturbs(c) {
            // All of them are in the Basic Multilingual Plane, and inside strings.
            out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    out.push(b'\n');
    Ok(out)
}

/// A text from a token, fit for a terminal: control characters, and what changes the direction of the text, are
/// written as escapes.
pub(crate) fn safe(text: &str) -> String {
    text.chars().map(|c| if disturbs(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// As [`safe`], for bytes that should be UTF-8.
pub(crate) fn safe_bytes(bytes: &[u8]) -> String {
    safe(&String::from_utf8_lossy(bytes))
}

/// Whether a terminal would act on this character instead of showing it.
fn disturbs(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Bytes in JSON: base64, standard alphabet, padded.
pub(crate) fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Bytes in a table, where a few are enough to tell them apart.
pub(crate) fn short_hex(bytes: &[u8]) -> String {
    let head: String = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > 8 { format!("{head}...") } else { head }
}

/// Whether, in a word.
pub(crate) fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_act_on() {
        let nasty = "a\u{1b}[31mb\u{7f}\u{9b}c\u{202e}d\r\n\u{2066}é";
        assert_eq!(safe(nasty), "a\\u{1b}[31mb\\u{7f}\\u{9b}c\\u{202e}d\\r\\n\\u{2066}é");
        let text = json_text(&json!({ "name": nasty })).unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && disturbs(c)), "{text:?}");
        let back: Value = serde_json::from_str(text).unwrap();
        assert_eq!(back, json!({ "name": nasty }));
    }

    #[test]
    fn base64_is_padded() {
        assert_eq!(base64(b"ab"), "YWI=");
    }
}
