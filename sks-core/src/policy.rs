//! What a PIN or PUK must look like.
//!
//! Source: SKS API V0.35, "PIN Grouping Control", "PIN Pattern Control" and "PIN and PUK Formats".

use sks_wire::Secret;
use sks_wire::types::{Format, Grouping, KeyUsage, pattern};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::key;
use crate::ports::Read;
use crate::record::PinPolicy;
use crate::refusal::Refusal;
use crate::work::Typed;

/// Longest PIN or PUK in bytes ("Length of the clear-text binary value MUST NOT exceed 100 bytes").
pub(crate) const MAX_LENGTH: usize = 100;

/// Compares PINs or PUKs in a time that tells neither where they differ nor how long the kept one is.
pub(crate) fn same_secret(kept: &Secret, given: &Secret) -> bool {
    let pad = |secret: &Secret| {
        let mut padded = Zeroizing::new([0u8; MAX_LENGTH]);
        padded.iter_mut().zip(secret.expose()).for_each(|(to, from)| *to = *from);
        padded
    };
    let bytes: Choice = pad(kept).as_slice().ct_eq(pad(given).as_slice());
    let length = (kept.len() as u64).ct_eq(&(given.len() as u64));
    (bytes & length).into()
}

/// Whether bytes have a format.
pub(crate) fn has_format(value: &[u8], format: Format) -> bool {
    match format {
        Format::Numeric => value.iter().all(u8::is_ascii_digit),
        Format::Alphanumeric => value.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()),
        Format::String => std::str::from_utf8(value).is_ok(),
        Format::Binary => true,
    }
}

/// Checks a PUK.
pub(crate) fn check_puk(puk: &Secret, format: Format) -> Result<(), Refusal> {
    if puk.is_empty() || puk.len() > MAX_LENGTH {
        return Err(Refusal::PukLength);
    }
    if has_format(puk.expose(), format) { Ok(()) } else { Err(Refusal::PukFormat) }
}

/// Checks length, format and patterns of a PIN; [`check_grouping`] is the rest.
pub(crate) fn check_pin(pin: &Secret, policy: &PinPolicy) -> Result<(), Refusal> {
    if !(usize::from(policy.min_length)..=usize::from(policy.max_length)).contains(&pin.len()) {
        return Err(Refusal::PinLength);
    }
    if !has_format(pin.expose(), policy.format) {
        return Err(Refusal::PinFormat);
    }
    match forbidden_pattern(pin.expose(), policy.format, policy.pattern_restrictions) {
        Some(name) => Err(Refusal::PinPattern(name)),
        None => Ok(()),
    }
}

/// Whether a PIN of a format has a pattern.
type Rule = fn(&[u8], Format) -> bool;

/// The first pattern of the mask that a PIN has.
fn forbidden_pattern(pin: &[u8], format: Format, mask: u8) -> Option<&'static str> {
    let rules: [(u8, &str, Rule); 5] = [
        (pattern::TWO_IN_A_ROW, "two-in-a-row", |pin, _| pin.windows(2).any(all_equal)),
        (pattern::THREE_IN_A_ROW, "three-in-a-row", |pin, _| pin.windows(3).any(all_equal)),
        (pattern::SEQUENCE, "sequence", |pin, _| is_sequence(pin)),
        (pattern::REPEATED, "repeated", |pin, _| has_repetition(pin)),
        (pattern::MISSING_GROUP, "missing-group", misses_group),
    ];
    rules.iter().find(|(bit, _, has)| mask & bit != 0 && has(pin, format)).map(|(_, name, _)| *name)
}

fn all_equal(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| Some(b) == bytes.first())
}

/// The whole PIN counts up, or down, by one.
fn is_sequence(pin: &[u8]) -> bool {
    let steps = |up: bool| {
        pin.iter().zip(pin.iter().skip(1)).all(|(a, b)| {
            let (low, high) = if up { (a, b) } else { (b, a) };
            low.checked_add(1) == Some(*high)
        })
    };
    pin.len() >= 2 && (steps(true) || steps(false))
}

fn has_repetition(pin: &[u8]) -> bool {
    let mut rest = pin;
    while let Some((first, after)) = rest.split_first() {
        if after.contains(first) {
            return true;
        }
        rest = after;
    }
    false
}

/// An alphanumeric PIN needs a letter and a digit, a string PIN an upper, a lower, a digit and any other byte.
fn misses_group(pin: &[u8], format: Format) -> bool {
    let has = |group: fn(&u8) -> bool| pin.iter().any(group);
    match format {
        Format::Alphanumeric => !(has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)),
        Format::String => {
            !(has(u8::is_ascii_uppercase)
                && has(u8::is_ascii_lowercase)
                && has(u8::is_ascii_digit)
                && has(|b| !b.is_ascii_alphanumeric()))
        }
        Format::Numeric | Format::Binary => false,
    }
}

/// The half of a `signature+standard` policy that a usage belongs to.
pub(crate) fn is_signature_half(policy: &PinPolicy, usage: KeyUsage) -> bool {
    policy.grouping == Grouping::SignatureStandard && usage == KeyUsage::Signature
}

/// Checks the grouping rule for a PIN under a policy: for a new key (`own` is none), or a new PIN of the group `own`.
/// Returns the group that a new key joins, if it joins one.
pub(crate) fn check_grouping(
    read: &(impl Read + ?Sized),
    handle: u32,
    policy: &PinPolicy,
    signature: bool,
    own: Option<u32>,
    pin: &Secret,
) -> Result<Option<u32>, Refusal> {
    if policy.grouping == Grouping::None {
        return Ok(None);
    }
    let mut joined = None;
    for number in key::groups(read, handle)?.into_iter().filter(|number| Some(*number) != own) {
        let Some(group) = read.pin_group(number)? else { continue };
        let same = same_secret(&group.pin, pin);
        // Under `shared` there is one group, under `signature+standard` one for each half.
        let together = policy.grouping != Grouping::Unique && group.signature == signature;
        match (together, same) {
            (true, true) => joined = Some(number),
            (true, false) => return Err(Refusal::PinGrouping("keys that share a PIN must have the same")),
            (false, true) => return Err(Refusal::PinGrouping("another key has this PIN already")),
            (false, false) => {}
        }
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern_of(pin: &str, format: Format, mask: u8) -> Option<&'static str> {
        forbidden_pattern(pin.as_bytes(), format, mask)
    }

    #[test]
    fn patterns_are_those_of_the_table() {
        let n = Format::Numeric;
        assert!(pattern_of("1124", n, pattern::TWO_IN_A_ROW).is_some());
        assert!(pattern_of("1214", n, pattern::TWO_IN_A_ROW).is_none());
        assert!(pattern_of("1114", n, pattern::THREE_IN_A_ROW).is_some());
        assert!(pattern_of("1124", n, pattern::THREE_IN_A_ROW).is_none());
        for sequence in ["1234", "9876", "12", "21"] {
            assert!(pattern_of(sequence, n, pattern::SEQUENCE).is_some(), "{sequence}");
        }
        for none in ["1235", "1", "8901", "1357", "1212"] {
            assert!(pattern_of(none, n, pattern::SEQUENCE).is_none(), "{none}");
        }
        assert!(pattern_of("1231", n, pattern::REPEATED).is_some());
        assert!(pattern_of("1234", n, pattern::REPEATED).is_none());
        assert!(pattern_of("135674", Format::Alphanumeric, pattern::MISSING_GROUP).is_some());
        assert!(pattern_of("AB12", Format::Alphanumeric, pattern::MISSING_GROUP).is_none());
        assert!(pattern_of("aB1.", Format::String, pattern::MISSING_GROUP).is_none());
        assert!(pattern_of("aB12", Format::String, pattern::MISSING_GROUP).is_some());
        assert!(pattern_of("aB1ä", Format::String, pattern::MISSING_GROUP).is_none());
    }

    #[test]
    fn formats_are_those_of_the_table() {
        assert!(has_format(b"0189", Format::Numeric) && !has_format(b"01A", Format::Numeric));
        assert!(has_format(b"0A9Z", Format::Alphanumeric) && !has_format(b"0a", Format::Alphanumeric));
        assert!(has_format("ä".as_bytes(), Format::String) && !has_format(b"\xFF", Format::String));
        assert!(has_format(b"\xFF\x00", Format::Binary));
    }

    #[test]
    fn secrets_of_other_lengths_differ() {
        let secret = |bytes: &[u8]| Secret::from(bytes);
        assert!(same_secret(&secret(b"1563"), &secret(b"1563")));
        assert!(!same_secret(&secret(b"1563"), &secret(b"1563\0")));
        assert!(!same_secret(&secret(b"1563"), &secret(b"")));
        assert!(!same_secret(&secret(&[7; 100]), &secret(&[7; 101])));
    }
}
