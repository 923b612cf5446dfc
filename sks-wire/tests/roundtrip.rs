//! Properties of every method, both ways: what its field types allow is accepted, what is accepted encodes to the
//! same bytes, nothing panics, and a refusal points into the bytes.
//!
//! Calls and answers are drawn as bytes, field by field from the declared types, without this crate's encoder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a property that cannot be tested must fail the test"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use sks_wire::codec::Message;
use sks_wire::method::encode_refusal;
use sks_wire::types::{
    BaseType, BiometricProtection, Choice, DeletePolicy, ExportPolicy, Format, Grouping, InputMethod, KeyUsage, pattern,
};
use sks_wire::{MethodId, Request, Response, for_each_method, limit, method};

type Fields = &'static [(&'static str, &'static str)];

struct Row {
    id: MethodId,
    request: Fields,
    response: Fields,
}

macro_rules! rows {
    ($($number:literal $module:ident $variant:ident $name:literal,)*) => {
        const ROWS: &[Row] = &[$(Row {
            id: MethodId::$variant,
            request: method::$module::Request::FIELDS,
            response: method::$module::Response::FIELDS,
        }),*];
    };
}
for_each_method!(rows);

#[test]
fn a_call_in_range_reads_and_encodes_to_the_same_bytes() {
    for row in ROWS {
        run(&message(row.id.number(), row.request), |bytes| {
            let request = Request::decode(&bytes).map_err(|e| TestCaseError::fail(format!("{:?}: {e}", row.id)))?;
            prop_assert_eq!(request.id(), row.id);
            let again = request.encode();
            prop_assert_eq!(&*again, &bytes);
            prop_assert_eq!(again.capacity(), bytes.len(), "the buffer was not allocated once");
            prop_assert_eq!(Request::decode(&again), Ok(request));
            Ok(())
        });
    }
}

#[test]
fn an_answer_in_range_reads_and_encodes_to_the_same_bytes() {
    for row in ROWS {
        run(&message(0, row.response), |bytes| {
            let answer = Response::decode(row.id, &bytes);
            let response = answer.map_err(|e| TestCaseError::fail(format!("{:?}: {e}", row.id)))?.unwrap();
            let again = response.encode();
            prop_assert_eq!(&*again, &bytes);
            prop_assert_eq!(again.capacity(), bytes.len(), "the buffer was not allocated once");
            prop_assert_eq!(Response::decode(row.id, &again), Ok(Ok(response)));
            Ok(())
        });
    }
}

#[test]
fn an_error_answer_reads_and_encodes_to_the_same_bytes() {
    let answer = (select(MethodId::ALL), 1..=11u8, text(0, 65535));
    run(&answer, |(id, status, text)| {
        let bytes = [vec![status], text].concat();
        let refused = Response::decode(id, &bytes).unwrap().unwrap_err();
        prop_assert_eq!(refused.status.value(), status);
        prop_assert_eq!(encode_refusal(&refused), bytes);
        Ok(())
    });
}

#[test]
fn a_changed_call_is_refused_in_its_bytes_or_encodes_to_them() {
    for row in ROWS {
        run(&(message(row.id.number(), row.request), change()), |(bytes, change)| calls(&change.apply(bytes)));
    }
}

#[test]
fn a_changed_answer_is_refused_in_its_bytes_or_encodes_to_them() {
    for row in ROWS {
        run(&(message(0, row.response), change()), |(bytes, change)| answers(row.id, &change.apply(bytes)));
    }
}

#[test]
fn any_bytes_are_refused_in_them_or_encode_to_them() {
    let numbers: Vec<u8> = MethodId::ALL.iter().map(|id| id.number()).collect();
    let first = prop_oneof![9 => select(numbers), 1 => prop::num::u8::ANY];
    // Small numbers make plausible lengths and counts.
    let byte = prop_oneof![3 => 0..4u8, 1 => prop::num::u8::ANY];
    run(&(first, vec(byte, 0..200)), |(first, rest)| {
        calls(&[vec![first], rest.clone()].concat())?;
        MethodId::ALL.iter().try_for_each(|id| answers(*id, &[vec![0], rest.clone()].concat()))
    });
}

#[test]
fn debug_shows_no_secret() {
    let mut found = 0;
    for row in ROWS {
        for (first, fields) in [(row.id.number(), row.request), (0, row.response)] {
            if !fields.iter().any(|(_, type_)| is_secret(type_)) {
                continue;
            }
            found += 1;
            let bytes = fields.iter().fold(Just(vec![first]).boxed(), |before, (_, type_)| match *type_ {
                "Secret" => joined(before, Just(array(SECRET.to_vec())).boxed()),
                "Blob" => joined(before, Just([&[0, 0], &array(SECRET.to_vec())[..]].concat()).boxed()),
                other => joined(before, field(other)),
            });
            run(&bytes, |bytes| {
                let shown = if first == 0 {
                    let response = Response::decode(row.id, &bytes).unwrap().unwrap();
                    format!("{response:?} {response:#?}")
                } else {
                    let request = Request::decode(&bytes).unwrap();
                    format!("{request:?} {request:#?}")
                };
                prop_assert!(shown.contains("Secret(8 bytes)"), "{shown}");
                // As text, as a list of numbers, and as hex.
                let shown: String = shown.chars().filter(|c| !c.is_whitespace()).collect();
                for leak in ["S3cr", "83,51,99", "0x53,0x33,0x63", "533363"] {
                    prop_assert!(!shown.contains(leak), "{:?} shows {leak}", row.id);
                }
                Ok(())
            });
        }
    }
    assert!(found > 10, "the secrets were not found");
}

#[test]
fn what_must_not_be_seen_has_a_type_that_hides_it() {
    for row in ROWS {
        for (name, type_) in row.request.iter().chain(row.response) {
            let hidden = [
                "authorization",
                "extension_data",
                "new_pin",
                "optional_authorization",
                "pin",
                "pin_value",
                "puk",
                "raw_key",
                "shared_secret",
            ];
            assert!(!hidden.contains(name) || is_secret(type_), "{:?}: {name} is a {type_}", row.id);
        }
    }
}

const SECRET: &[u8] = b"S3cr3t!?";

fn is_secret(type_: &str) -> bool {
    ["Secret", "Blob"].contains(&type_)
}

fn calls(bytes: &[u8]) -> TestCaseResult {
    match Request::parse(bytes) {
        Ok(request) => {
            prop_assert_eq!(&*request.encode(), bytes);
            match request.check() {
                Ok(()) => prop_assert_eq!(Request::decode(bytes), Ok(request)),
                Err(error) => {
                    prop_assert!(error.at < bytes.len(), "{error}");
                    prop_assert!(!error.field.is_empty());
                    prop_assert_eq!(Request::decode(bytes), Err(error));
                }
            }
        }
        Err(error) => {
            prop_assert!(error.at <= bytes.len(), "{error}");
            prop_assert!(!error.field.is_empty());
        }
    }
    Ok(())
}

fn answers(id: MethodId, bytes: &[u8]) -> TestCaseResult {
    match Response::decode(id, bytes) {
        Ok(Ok(response)) => prop_assert_eq!(&*response.encode(), bytes),
        Ok(Err(refused)) => prop_assert_eq!(encode_refusal(&refused), bytes),
        Err(error) => {
            prop_assert!(error.at <= bytes.len(), "{error}");
            prop_assert!(!error.field.is_empty());
        }
    }
    Ok(())
}

/// Runs a property on some dozens of cases: there are 34 methods, and each has its own.
fn run<S: Strategy>(strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(strategy, property).unwrap_or_else(|e| panic!("{e}"));
}

/// A change to a byte string.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Cut(Index),
    Remove(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = || any::<Index>();
    prop_oneof![
        (at(), 1..=255u8).prop_map(|(at, mask)| Change::Flip(at, mask)),
        (at(), vec(prop::num::u8::ANY, 1..4)).prop_map(|(at, more)| Change::Insert(at, more)),
        at().prop_map(Change::Cut),
        at().prop_map(Change::Remove),
    ]
}

impl Change {
    fn apply(self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Flip(at, mask) => *at.get_mut(&mut bytes) ^= mask,
            Self::Insert(at, more) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, more);
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Remove(at) => {
                bytes.remove(at.index(bytes.len()));
            }
        }
        bytes
    }
}

/// The bytes of a call (or an answer) whose fields are in range.
fn message(first: u8, fields: Fields) -> BoxedStrategy<Vec<u8>> {
    fields.iter().fold(Just(vec![first]).boxed(), |before, (_, type_)| joined(before, field(type_)))
}

/// The bytes of a field of this type, in range. A type without a strategy fails the test.
fn field(type_: &str) -> BoxedStrategy<Vec<u8>> {
    let type_: String = type_.chars().filter(|c| !c.is_whitespace()).collect();
    let (name, arguments) = match type_.split_once('<') {
        Some((name, rest)) => (name, rest.strip_suffix('>').expect("a closing bracket")),
        None => (type_.as_str(), ""),
    };
    match name {
        "bool" => (0..=1u8).prop_map(|b| vec![b]).boxed(),
        "u8" => integer(1),
        "u16" => integer(2),
        "u32" | "ProvisioningHandle" | "KeyHandle" | "PinPolicyHandle" | "PukPolicyHandle" => integer(4),
        "[u8;8]" => vec(prop::num::u8::ANY, 8).prop_map(array).boxed(),
        "[u8;32]" => vec(prop::num::u8::ANY, 32).prop_map(array).boxed(),
        "Vec" | "Secret" => content().prop_map(array).boxed(),
        "Blob" => content().prop_map(|b| [u32::try_from(b.len()).unwrap().to_be_bytes().to_vec(), b].concat()).boxed(),
        "Id" => "[a-zA-Z_é\u{10000}][a-z0-9.é·-]{0,13}".prop_map(|text| array(text.into_bytes())).boxed(),
        "AnyText" => text(0, 65535),
        "IssuerUri" => text(1, limit::ISSUER_URI),
        "FriendlyName" => text(0, limit::FRIENDLY_NAME),
        "VendorText" => text(1, limit::VENDOR_TEXT),
        "Octet" => {
            let (low, high) = arguments.split_once(',').expect("two bounds");
            (bound(low)..=bound(high)).prop_map(|b| vec![b]).boxed()
        }
        "Code" => (0..=last(arguments)).prop_map(|b| vec![b]).boxed(),
        "Path" => list(1, field("Vec<u8>").prop_filter("not empty", |item| item.len() > 2).boxed(), 1),
        "List8" | "List16" => {
            let (item, low) = arguments.split_once(',').map_or((arguments, 0), |(item, low)| (item, bound(low)));
            list(if name == "List8" { 1 } else { 2 }, field(item), low)
        }
        "KeyAlgorithm" => prop_oneof![
            joined(joined(Just(vec![0]).boxed(), integer(2)), integer(4)),
            joined(Just(vec![1]).boxed(), text(0, 65535)),
        ]
        .boxed(),
        "BackupAndHandle" => {
            let key =
                prop_oneof![Just(vec![]), content().prop_filter("not empty", |key| !key.is_empty()).prop_map(array)];
            joined(key.boxed(), integer(4))
        }
        "Enumerated" => {
            let fields = match arguments {
                "Key" => method::enumerate_keys::Key::FIELDS,
                "Session" => method::enumerate_provisioning_sessions::Session::FIELDS,
                other => panic!("no strategy for what is told of a {other}"),
            };
            let item = message(0, fields).prop_map(|bytes| bytes.into_iter().skip(1).collect());
            let handle = (0..0xFFFF_FFFFu32).prop_map(|handle| handle.to_be_bytes().to_vec());
            prop_oneof![1 => Just(vec![0xFF; 4]), 4 => joined(handle.boxed(), item.boxed())].boxed()
        }
        other => panic!("no strategy for the field type {other}"),
    }
}

fn joined(before: BoxedStrategy<Vec<u8>>, after: BoxedStrategy<Vec<u8>>) -> BoxedStrategy<Vec<u8>> {
    (before, after).prop_map(|(before, after)| [before, after].concat()).boxed()
}

fn integer(size: usize) -> BoxedStrategy<Vec<u8>> {
    vec(prop::num::u8::ANY, size).boxed()
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![60 => vec(prop::num::u8::ANY, 0..40), 1 => Just(vec![0xA5; 65535])]
}

fn array(content: Vec<u8>) -> Vec<u8> {
    [u16::try_from(content.len()).unwrap().to_be_bytes().to_vec(), content].concat()
}

fn text(low: usize, high: usize) -> BoxedStrategy<Vec<u8>> {
    let some = "[ -~åß€\u{10000}]{0,12}".prop_map(move |text| format!("{}{text}", "u".repeat(low)));
    prop_oneof![60 => some, 1 => Just("u".repeat(high))].prop_map(|text| array(text.into_bytes())).boxed()
}

fn list(prefix: usize, item: BoxedStrategy<Vec<u8>>, low: u8) -> BoxedStrategy<Vec<u8>> {
    vec(item, usize::from(low)..usize::from(low) + 4)
        .prop_map(move |items| {
            let count = items.len().to_be_bytes();
            [count.get(count.len() - prefix..).unwrap().to_vec(), items.concat()].concat()
        })
        .boxed()
}

fn bound(text: &str) -> u8 {
    match text.trim_start_matches('{').trim_end_matches('}') {
        "limit::PIN" => limit::PIN,
        "pattern::ALL" => pattern::ALL,
        number => number.parse().unwrap_or_else(|_| panic!("no value for the bound {number}")),
    }
}

fn last(vocabulary: &str) -> u8 {
    match vocabulary {
        "BaseType" => BaseType::LAST,
        "BiometricProtection" => BiometricProtection::LAST,
        "DeletePolicy" => DeletePolicy::LAST,
        "ExportPolicy" => ExportPolicy::LAST,
        "Format" => Format::LAST,
        "Grouping" => Grouping::LAST,
        "InputMethod" => InputMethod::LAST,
        "KeyUsage" => KeyUsage::LAST,
        other => panic!("no last value for {other}"),
    }
}
