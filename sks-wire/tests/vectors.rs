//! The byte vectors of ../vectors, found by glob: vectors/README.md tells their format.
//!
//! They are made from the text's tables by vectors/make.py, without this crate's encoder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a vector that cannot be read must fail the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use sks_wire::method::encode_refusal;
use sks_wire::{DecodeError, Kind, MethodId, Request, Response};

/// Folders of `vectors/` that are not a method's.
const SHARED: [&str; 2] = ["error_answer", "no_method"];
/// Folders that other tests read.
const OTHERS: [&str; 2] = ["dialogues", "store"];

#[test]
fn every_folder_is_a_methods() {
    for folder in folders() {
        let name = name_of(&folder);
        let known = MethodId::ALL.iter().any(|id| id.module() == name);
        assert!(known || SHARED.contains(&name) || OTHERS.contains(&name), "orphan folder {name}");
    }
}

#[test]
fn every_method_has_good_and_bad_vectors_both_ways() {
    for id in MethodId::ALL {
        let files = files(&root().join(id.module()));
        for good in ["ok", "bad"] {
            for direction in ["request", "response"] {
                let found = files
                    .iter()
                    .any(|file| name_of(file).starts_with(&format!("{good}-")) && read(file).direction == direction);
                assert!(found, "{}: no {good} {direction}", id.module());
            }
        }
    }
}

#[test]
fn good_vectors_are_accepted_and_encode_to_the_same_bytes() {
    for (file, id) in all("ok-") {
        let vector = read(&file);
        let [case] = &vector.cases[..] else { panic!("{}: not one case", file.display()) };
        let bytes = &case.bytes;
        if vector.direction == "request" {
            let request = Request::decode(bytes).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            assert_eq!(Some(request.id()), id, "{}", file.display());
            assert_eq!(&*request.encode(), bytes, "{}", file.display());
            continue;
        }
        for id in id.map_or(MethodId::ALL.to_vec(), |id| vec![id]) {
            match Response::decode(id, bytes).unwrap_or_else(|e| panic!("{}: {e}", file.display())) {
                Ok(response) => assert_eq!(&*response.encode(), bytes, "{}", file.display()),
                Err(refused) => {
                    assert!(file.starts_with(root().join("error_answer")), "{}", file.display());
                    assert_eq!(&encode_refusal(&refused), bytes, "{}", file.display());
                }
            }
        }
    }
}

#[test]
fn bad_vectors_are_refused_for_their_reason_at_their_position() {
    for (file, id) in all("bad-") {
        let vector = read(&file);
        assert!(!vector.cases.is_empty(), "{}: no case", file.display());
        for (number, case) in vector.cases.iter().enumerate() {
            let label = format!("{}, case {}", file.display(), number + 1);
            if vector.direction == "request" {
                check_bad_request(case, &label);
            }
            for id in id.map_or(MethodId::ALL.to_vec(), |id| vec![id]) {
                if vector.direction == "response" {
                    let error = Response::decode(id, &case.bytes).expect_err(&label);
                    assert_eq!(shown(error), case.shown(), "{label}");
                }
            }
        }
    }
}

fn check_bad_request(case: &Case, label: &str) {
    assert_eq!(shown(Request::decode(&case.bytes).expect_err(label)), case.shown(), "{label}");
    let parsed = Request::parse(&case.bytes);
    match case.stage.as_str() {
        "parse" => assert!(parsed.is_err(), "{label}: parsed"),
        "range" => assert_eq!(&*parsed.expect(label).encode(), &case.bytes, "{label}"),
        other => panic!("{label}: stage {other}"),
    }
}

/// A case's refusal, in the words of the files.
fn shown(error: DecodeError) -> String {
    let kind = match error.kind {
        Kind::Truncated => "truncated".into(),
        Kind::Trailing => "trailing".into(),
        Kind::UnknownMethod => "unknown-method".into(),
        Kind::Bool => "bool".into(),
        Kind::Length { expected } => format!("length {expected}"),
        Kind::NcName => "ncname".into(),
        Kind::KeyAlgorithmType => "key-algorithm-type".into(),
        Kind::Terminator => "terminator".into(),
        Kind::Utf8 => "utf8".into(),
        Kind::Size { min, max } => format!("size {min} {max}"),
        Kind::Value { min, max } => format!("value {min} {max}"),
        other => panic!("no word for {other:?}"),
    };
    format!("{kind} at {} in {}", error.at, error.field)
}

#[derive(Default)]
struct Case {
    stage: String,
    kind: String,
    at: String,
    field: String,
    bytes: Vec<u8>,
}

impl Case {
    fn shown(&self) -> String {
        format!("{} at {} in {}", self.kind, self.at, self.field)
    }
}

struct Vector {
    direction: String,
    cases: Vec<Case>,
}

fn read(file: &Path) -> Vector {
    let text = fs::read_to_string(file).unwrap();
    let mut vector = Vector { direction: String::new(), cases: Vec::new() };
    for block in text.split("\n\n") {
        let mut case = Case::default();
        let mut empty = true;
        for line in block.lines().map(|line| line.split('#').next().unwrap().trim()).filter(|line| !line.is_empty()) {
            let (key, value) = line.split_once(": ").unwrap_or(("", line));
            match key {
                "direction" => {
                    vector.direction = value.to_owned();
                    continue;
                }
                "stage" => case.stage = value.to_owned(),
                "kind" => case.kind = value.to_owned(),
                "at" => case.at = value.to_owned(),
                "field" => case.field = value.to_owned(),
                "" => case.bytes.extend(unhex(line, file)),
                other => panic!("{}: unknown key {other}", file.display()),
            }
            empty = false;
        }
        if !empty {
            vector.cases.push(case);
        }
    }
    assert!(["request", "response"].contains(&vector.direction.as_str()), "{}: no direction", file.display());
    vector
}

/// Hex with blanks; `61*3` is 616161.
fn unhex(line: &str, file: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    for word in line.split_whitespace() {
        let (digits, times) = word.split_once('*').map_or((word, 1), |(byte, times)| (byte, times.parse().unwrap()));
        assert!(digits.len() % 2 == 0, "{}: odd number of hex digits", file.display());
        let bytes: Vec<u8> = (0..digits.len() / 2)
            .map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap_or_else(|e| panic!("{line}: {e}")))
            .collect();
        out.extend(bytes.repeat(times));
    }
    out
}

/// Every vector whose name starts so, with the method of its folder.
fn all(start: &str) -> Vec<(PathBuf, Option<MethodId>)> {
    let mut out = Vec::new();
    for folder in folders().into_iter().filter(|folder| !OTHERS.contains(&name_of(folder))) {
        let id = MethodId::ALL.iter().copied().find(|id| id.module() == name_of(&folder));
        out.extend(files(&folder).into_iter().filter(|file| name_of(file).starts_with(start)).map(|file| (file, id)));
    }
    assert!(out.len() > MethodId::ALL.len(), "the vectors are missing");
    out
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

fn folders() -> Vec<PathBuf> {
    files(&root()).into_iter().filter(|path| path.is_dir()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    out.sort();
    out
}

fn name_of(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}
