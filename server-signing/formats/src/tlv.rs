//! The shape of DER: what holds for every element, known or not.
//!
//! Source: ITU-T X.690 (02/2021), sections 8.1 and 10.1: definite lengths in their shortest form, strings in one piece.
//! The `der` crate holds it for the fields that a type names; this walk holds it for the content of open types as well
//! (unknown extensions, algorithm parameters, credentials), and knows UniversalString, whose tag the crate does not.

use crate::error::{Error, Kind};
use crate::limit::MAX_DEPTH;

/// Walks over exactly one element and all within it, without recursion.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Error> {
    let whole = element(bytes, 0, bytes.len())?.end;
    if whole != bytes.len() {
        return Err(Error::new(Kind::Trailing, whole));
    }
    // As many as it may ever hold.
    let mut ends = Vec::with_capacity(MAX_DEPTH + 1);
    ends.push(whole);
    let mut at = 0;
    while let Some(&end) = ends.last() {
        if at == end {
            ends.pop();
            continue;
        }
        let element = element(bytes, at, end)?;
        at = element.content;
        if element.constructed {
            if ends.len() > MAX_DEPTH {
                return Err(Error::new(Kind::Depth, at));
            }
            ends.push(element.end);
        } else {
            at = element.end;
        }
    }
    Ok(())
}

struct Element {
    constructed: bool,
    content: usize,
    end: usize,
}

fn element(bytes: &[u8], at: usize, end: usize) -> Result<Element, Error> {
    let refuse = |at| Error::new(Kind::NotDer, at);
    let within = bytes.get(at..end).ok_or_else(|| refuse(at))?;
    let (&tag, after_tag) = within.split_first().ok_or_else(|| refuse(at))?;
    let constructed = tag & CONSTRUCTED != 0;
    let number = tag & NUMBER;
    // No format here has a tag number above 30.
    if number == NUMBER {
        return Err(refuse(at));
    }
    let universal = tag & CLASS == 0;
    // A string in parts is BER.
    if universal && (number == 0 || constructed != WITH_PARTS.contains(&number)) {
        return Err(refuse(at));
    }
    let (length, taken) = length(after_tag).ok_or_else(|| refuse(at.saturating_add(1)))?;
    let content = at.saturating_add(1).saturating_add(taken);
    let element_end = content.checked_add(length).filter(|e| *e <= end);
    let element_end = element_end.ok_or_else(|| refuse(at.saturating_add(1)))?;
    let value = bytes.get(content..element_end).ok_or_else(|| refuse(content))?;
    if universal && !constructed && !simple_value_fits(number, value) {
        return Err(refuse(content));
    }
    Ok(Element { constructed, content, end: element_end })
}

/// The length and the number of bytes that it took.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), 1));
    }
    let count = usize::from(first & 0x7F);
    if !(1..=4).contains(&count) {
        return None;
    }
    let octets = rest.get(..count)?;
    let length = octets.iter().fold(0_u64, |length, octet| (length << 8) | u64::from(*octet));
    let shortest = octets.first() != Some(&0) && length >= 0x80;
    shortest.then_some((usize::try_from(length).ok()?, count + 1))
}

/// Where DER leaves one way to write a value, by universal tag number. The `der` crate takes an object identifier's bytes
/// as they are, so that here alone `2A 80 01` is not another way to write `2A 01`.
fn simple_value_fits(number: u8, value: &[u8]) -> bool {
    match (number, value) {
        (BOOLEAN, value) => matches!(value, [0x00 | 0xFF]),
        (INTEGER | ENUMERATED, []) => false,
        (INTEGER | ENUMERATED, [0x00, second, ..]) => second & 0x80 != 0,
        (INTEGER | ENUMERATED, [0xFF, second, ..]) => second & 0x80 == 0,
        (BIT_STRING, [unused, bits @ ..]) => match bits.last() {
            None => *unused == 0,
            Some(last) => *unused < 8 && last.trailing_zeros() >= u32::from(*unused),
        },
        (BIT_STRING, []) => false,
        (NULL, value) => value.is_empty(),
        (OBJECT_IDENTIFIER, value) => arcs_are_shortest(value),
        (UTF8_STRING, value) => std::str::from_utf8(value).is_ok(),
        _ => true,
    }
}

/// X.690 8.19.2: "the leading octet of the subidentifier shall not have the value 80".
fn arcs_are_shortest(value: &[u8]) -> bool {
    let mut starts = true;
    for octet in value {
        if starts && *octet == 0x80 {
            return false;
        }
        starts = octet & 0x80 == 0;
    }
    starts && !value.is_empty()
}

const BOOLEAN: u8 = 1;
const INTEGER: u8 = 2;
const BIT_STRING: u8 = 3;
const NULL: u8 = 5;
const OBJECT_IDENTIFIER: u8 = 6;
const ENUMERATED: u8 = 10;
const UTF8_STRING: u8 = 12;

/// EXTERNAL, EMBEDDED PDV, SEQUENCE, SET and CHARACTER STRING.
const WITH_PARTS: [u8; 5] = [8, 11, 16, 17, 29];
const CLASS: u8 = 0xC0;
const CONSTRUCTED: u8 = 0x20;
const NUMBER: u8 = 0x1F;

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Vec<u8> {
        (0..depth).fold(Vec::new(), |inner, _| {
            let mut outer = vec![0x30];
            match u8::try_from(inner.len()) {
                Ok(short @ 0..=0x7F) => outer.push(short),
                _ => outer.extend([0x82, (inner.len() >> 8) as u8, inner.len() as u8]),
            }
            outer.extend(inner);
            outer
        })
    }

    #[test]
    fn refuses_each_break_of_der() {
        let cases: [&[u8]; 22] = [
            &[],
            &[0x30],
            &[0x30, 0x80, 0x00, 0x00],
            &[0x04, 0x81, 0x01, 0x00],
            &[0x04, 0x82, 0x00, 0x80],
            &[0x04, 0x02, 0x00],
            &[0x30, 0x02, 0x04, 0x01],
            &[0x24, 0x03, 0x04, 0x01, 0x00],
            &[0x10, 0x00],
            &[0x01, 0x01, 0x01],
            &[0x02, 0x02, 0x00, 0x7F],
            &[0x02, 0x00],
            &[0x05, 0x01, 0x00],
            &[0x1F, 0x81, 0x01, 0x00],
            &[0x03, 0x00],
            &[0x03, 0x01, 0x01],
            &[0x03, 0x02, 0x04, 0x08],
            &[0x03, 0x02, 0x08, 0x00],
            &[0x06, 0x00],
            &[0x06, 0x03, 0x2A, 0x80, 0x01],
            &[0x06, 0x02, 0x2A, 0x81],
            &[0x0C, 0x01, 0xFF],
        ];
        for bytes in cases {
            assert_eq!(check(bytes).map_err(|e| e.kind), Err(Kind::NotDer), "{bytes:02x?}");
        }
    }

    #[test]
    fn bounds_the_depth() {
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(check(&nested(MAX_DEPTH + 1)).map_err(|e| e.kind), Err(Kind::Depth));
    }
}
