//! The text's method name is written in code once, in the table: it is the label in session MACs, and a second place
//! could differ.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a source that cannot be read must fail the test")]

use std::fs;
use std::path::{Path, PathBuf};

use sks_wire::MethodId;

#[test]
fn a_methods_name_is_written_in_code_only_in_the_table() {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    assert!(files.iter().any(|file| file.ends_with("sks-wire/src/codec.rs")), "the sources were not found");
    for file in files.iter().filter(|file| !file.ends_with("sks-wire/src/method.rs")) {
        for literal in literals(&fs::read_to_string(file).unwrap()) {
            let written = MethodId::ALL.iter().any(|id| id.name() == literal);
            assert!(!written, "{}: write MethodId::...name() for \"{literal}\"", file.display());
        }
    }
}

#[test]
fn literals_are_found_and_comments_are_not() {
    let code = r####"
        //! "a comment"
        /* "another /* nested */ one" */
        fn f<'a>(x: &'a str) { g("plain", b"bytes", r#"raw "quoted""#, '"', '\'', "esc\"aped"); } // "end"
    "####;
    assert_eq!(literals(code), ["plain", "bytes", "raw \"quoted\"", "esc\\\"aped"]);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust source below `folder`, build output and hidden folders apart.
fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && !name.starts_with('.') {
                sources(&path, out);
            }
        } else if name.ends_with(".rs") {
            out.push(path);
        }
    }
}

/// The contents of the string literals in Rust code, as written, comments left out.
fn literals(code: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        let raw = rest.strip_prefix('r').map(|rest| rest.len() - rest.trim_start_matches('#').len());
        at += if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(hashes) = raw.filter(|hashes| rest[1 + hashes..].starts_with('"')) {
            let end = format!("\"{}", "#".repeat(hashes));
            let length = rest[hashes + 2..].find(&end).unwrap_or(rest.len() - hashes - 2);
            out.push(&rest[hashes + 2..hashes + 2 + length]);
            hashes + 2 + length + end.len()
        } else if let Some(content) = rest.strip_prefix('"') {
            let length = until_quote(content, '"');
            out.push(&content[..length]);
            length + 2
        } else if rest.starts_with("'\\") {
            2 + until_quote(&rest[1..], '\'')
        } else if rest.starts_with('\'') && rest.chars().nth(2) == Some('\'') {
            rest.chars().take(3).map(char::len_utf8).sum()
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
    }
    out
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let (step, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        (at, depth) = (at + step, depth + change);
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of what stands before the next quote that no backslash hides.
fn until_quote(rest: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, c) in rest.char_indices() {
        if c == quote && !hidden {
            return at;
        }
        hidden = c == '\\' && !hidden;
    }
    rest.len()
}
