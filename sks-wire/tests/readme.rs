//! README.md and docs/wire.md repeat the method table for people: they must not drift from it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a document that cannot be read must fail the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use sks_wire::algorithm::Algorithm;
use sks_wire::codec::Message;
use sks_wire::{MethodId, Status, for_each_method, method};

#[test]
fn the_wire_document_has_the_table_of_methods() {
    let text = read("docs/wire.md");
    let all = methods(section(&text, "Methods"));
    assert_eq!(all, table());
    // The extension methods have a table of their own rules.
    let extensions: Vec<_> = table().into_iter().filter(|(id, _)| *id == 19 || (111..=122).contains(id)).collect();
    assert_eq!(methods(section(&text, "Extension methods (ours)")), extensions);
}

#[test]
fn the_wire_document_has_every_argument_in_its_place() {
    let text = read("docs/wire.md");
    for row in rows(section(&text, "Methods")) {
        let [number, _, input, output] = &row[..] else { continue };
        let Some((request, response)) = number.parse().ok().and_then(MethodId::from_number).map(fields) else {
            continue;
        };
        for (cell, fields) in [(input, request), (output, response)] {
            let said: Vec<String> = cell.split([' ', ',', ';', ':']).map(snake).collect();
            let mut left = said.as_slice();
            for field in fields {
                let at = left.iter().position(|word| *word == field);
                left = &left[at.unwrap_or_else(|| panic!("method {number}: {field} is not where it should be")) + 1..];
            }
        }
    }
}

#[test]
fn the_wire_document_has_statuses_and_algorithms() {
    let text = read("docs/wire.md");
    let statuses = rows(section(&text, "Status codes"));
    for (row, status) in statuses.iter().skip(2).zip(Status::ALL) {
        assert_eq!(row[..2], [format!("0x{:02X}", status.value()), status.name().to_owned()]);
    }
    assert_eq!(statuses.len(), 2 + Status::ALL.len());
    let algorithms = rows(section(&text, "Algorithms"));
    let uris: Vec<&str> = algorithms.iter().skip(2).map(|row| row[0].as_str()).collect();
    assert_eq!(uris, Algorithm::ALL.iter().map(|algorithm| algorithm.uri()).collect::<Vec<_>>());
}

#[test]
fn the_readme_has_the_table_of_methods() {
    assert_eq!(methods(&read("README.md")), table());
}

fn table() -> Vec<(u8, String)> {
    MethodId::ALL.iter().map(|id| (id.number(), id.name().to_owned())).collect()
}

/// A method's arguments and results by name; what stands for several fields is resolved into them.
fn fields(id: MethodId) -> (Vec<&'static str>, Vec<&'static str>) {
    macro_rules! of {
        ($($number:literal $module:ident $variant:ident $name:literal,)*) => {
            match id { $(MethodId::$variant => (names::<method::$module::Request>(), names::<method::$module::Response>())),* }
        };
    }
    let (request, mut response) = for_each_method!(of);
    if response == ["next"] {
        response = match id {
            MethodId::EnumerateKeys => [vec!["key_handle"], names::<method::enumerate_keys::Key>()].concat(),
            _ => {
                let told = names::<method::enumerate_provisioning_sessions::Session>();
                [vec!["provisioning_handle"], told].concat()
            }
        };
    }
    (request, response)
}

fn names<M: Message>() -> Vec<&'static str> {
    let parts = |name| match name {
        "key_algorithm" => vec!["key_algorithm_type", "rsa_key_size", "rsa_exponent", "named_curve"],
        "private_key_and_handle" => vec!["private_key", "key_handle"],
        name => vec![name],
    };
    M::FIELDS.iter().flat_map(|(name, _)| parts(*name)).collect()
}

/// `PINPolicyHandle` as `pin_policy_handle`; what is no letter or digit is dropped.
fn snake(word: &str) -> String {
    let chars: Vec<char> = word.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let after_small = i > 0 && !chars[i - 1].is_ascii_uppercase();
        let before_small = i > 0 && chars.get(i + 1).is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && (after_small || before_small) {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The rows of Markdown tables that begin with a number and a word of a method's shape.
fn methods(text: &str) -> Vec<(u8, String)> {
    rows(text)
        .into_iter()
        .filter_map(|row| {
            let name = row.get(1)?.trim_matches('`').to_owned();
            let shaped = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(char::is_alphanumeric);
            Some((row[0].parse().ok()?, name)).filter(|_| shaped)
        })
        .collect()
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    text.lines().map(str::trim).filter(|line| line.starts_with('|')).map(cells).collect()
}

/// What stands under a heading of the second level.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let start = format!("\n## {heading}\n");
    let (_, after) = text.split_once(&start).unwrap_or_else(|| panic!("no section {heading}"));
    after.split("\n## ").next().unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}
