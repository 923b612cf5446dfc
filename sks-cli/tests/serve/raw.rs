//! `sks raw` against a daemon.

use std::fs::File;
use std::io::{Seek, Write};
use std::process::Output;

use crate::daemon::{Home, sks};

fn raw(home: &Home, arguments: &[&str], stdin: &str) -> (Option<i32>, String, String) {
    let mut file: File = tempfile::tempfile().unwrap();
    file.write_all(stdin.as_bytes()).unwrap();
    file.rewind().unwrap();
    let mut command = sks();
    command.arg("raw").arg("--socket").arg(home.socket()).args(arguments).stdin(file);
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn answers_each_call_in_a_line() {
    let home = Home::new();
    let _daemon = home.start(&[]);
    let (code, out, _) = raw(&home, &["1f", "79"], "");
    let lines: Vec<_> = out.lines().collect();
    assert!(code == Some(0) && lines.len() == 2 && lines[0].starts_with("000001"), "{out}");
    assert_eq!(lines[1], "0000000000");
    // Spaces and empty lines do not matter, nor does the missing end of the last line.
    assert_eq!(raw(&home, &[], " 1 F\r\n\n79"), (Some(0), out, String::new()));
}

#[test]
fn goes_on_after_a_refusal_and_tells_of_it_at_the_end() {
    let home = Home::new();
    let _daemon = home.start(&[]);
    let (code, out, words) = raw(&home, &["67000000090000", "79"], "");
    assert!(code == Some(1) && words.contains("ERROR_NO_KEY"), "{code:?} {words}");
    assert!(out.starts_with("08") && out.lines().count() == 2, "{out}");
    let (code, out, _) = raw(&home, &["--json", "67000000090000"], "");
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(code == Some(1) && shown["status"] == 8 && shown["response"].as_str().unwrap().starts_with("08"), "{out}");
}

#[test]
fn refuses_what_is_not_hexadecimal_by_its_line() {
    let home = Home::new();
    let _daemon = home.start(&[]);
    for wrong in ["1f\n\n1", "1f\n\n77zz31353633"] {
        let (code, out, words) = raw(&home, &[], wrong);
        assert!(code == Some(2) && words.contains("line 3") && out.lines().count() == 1, "{code:?} {words}");
        assert!(!words.contains("zz"), "no part of a call is shown: {words}");
    }
    assert!(raw(&home, &["1f", "x"], "").2.contains("argument 2"));
}

#[test]
fn tells_when_no_token_is_there() {
    assert_eq!(raw(&Home::new(), &["1f"], "").0, Some(3));
}
