//! `Id` against the productions of the XML recommendation, read from their own text.

use sks_wire::Kind;
use sks_wire::codec::{Message, read_all};
use sks_wire::method::get_key_handle;
use sks_wire::types::Id;

/// XML 1.0 (Fifth Edition), production 4, as printed.
const NAME_START_CHAR: &str = r##"":" | [A-Z] | "_" | [a-z] | [#xC0-#xD6] | [#xD8-#xF6] | [#xF8-#x2FF] |
    [#x370-#x37D] | [#x37F-#x1FFF] | [#x200C-#x200D] | [#x2070-#x218F] | [#x2C00-#x2FEF] | [#x3001-#xD7FF] |
    [#xF900-#xFDCF] | [#xFDF0-#xFFFD] | [#x10000-#xEFFFF]"##;

/// Production 4a, as printed, without its reference to the one above.
const NAME_CHAR: &str = r##""-" | "." | [0-9] | #xB7 | [#x0300-#x036F] | [#x203F-#x2040]"##;

#[test]
fn every_character_is_judged_as_the_recommendation_does() {
    let (start, more) = (ranges(NAME_START_CHAR), ranges(NAME_CHAR));
    let within = |ranges: &[(u32, u32)], c: char| ranges.iter().any(|&(a, b)| (a..=b).contains(&u32::from(c)));
    for c in '\0'..=char::MAX {
        // Namespaces in XML 1.0, production 4: an NCName is a Name without a colon.
        let starts = c != ':' && within(&start, c);
        let continues = starts || within(&more, c);
        assert_eq!(Id::new(&c.to_string()).is_ok(), starts, "{c:?} first");
        assert_eq!(Id::new(&format!("_{c}")).is_ok(), continues, "{c:?} later");
    }
}

#[test]
fn the_bound_is_32_bytes_not_characters() {
    assert!(Id::new("").is_err());
    assert!(Id::new(&"a".repeat(32)).is_ok());
    assert!(Id::new(&"a".repeat(33)).is_err());
    assert!(Id::new(&"å".repeat(16)).is_ok());
    assert!(Id::new(&format!("{}a", "å".repeat(16))).is_err());
}

#[test]
fn what_new_refuses_is_refused_on_the_wire_at_that_character() {
    for (text, at) in [("a b", 1), ("åå:", 4), ("-", 0), ("a\u{10FFFF}b", 1)] {
        assert!(Id::new(text).is_err());
        let length = u8::try_from(text.len()).unwrap_or_default();
        let bytes = [&[0, 0, 0, 1, 0, length], text.as_bytes()].concat();
        let refused = read_all::<get_key_handle::Request>(&bytes, 1).map(|request| request.size());
        assert_eq!(refused.map_err(|e| (e.kind, e.at, e.field)), Err((Kind::NcName, 7 + at, "id")));
    }
}

/// The ranges of a production: `"x"`, `[a-z]`, `#xB7`, `[#xC0-#xD6]`.
fn ranges(production: &str) -> Vec<(u32, u32)> {
    production
        .split('|')
        .map(str::trim)
        .map(|part| {
            let part = part.trim_matches(['"', '[', ']']);
            match part.split_once('-') {
                Some((from, to)) if !from.is_empty() => (character(from), character(to)),
                _ => (character(part), character(part)),
            }
        })
        .collect()
}

fn character(text: &str) -> u32 {
    match text.strip_prefix("#x") {
        Some(hex) => u32::from_str_radix(hex, 16).unwrap_or_default(),
        None => text.chars().next().map_or(0, u32::from),
    }
}
