//! Exit codes: 1 is refused (the other files have those), 2 wrong usage, 3 no token, 4 anything else.

use std::fs::File;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ran, Token, command};

#[test]
fn without_a_token_every_command_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for line in ["info", "sessions", "keys", "key 1", "unlock 1", "change-pin 1", "delete 1", "export 1", "abort 1"] {
        run(&folder, line).fails(3, "no token listens on");
    }
    let hash = "00".repeat(32);
    run(&folder, &format!("sign 1 --hash {hash}")).fails(3, "sks.sock");
    run(&folder, "decrypt 1").fails(3, "sks.sock");
    run(&folder, "enroll --name Alice").fails(3, "sks.sock");
    run(&folder, "info --socket elsewhere").fails(3, "elsewhere");
}

#[test]
fn errors_are_json_where_json_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(&folder, "--json keys").fails(3, "");
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["error"]["exit_code"], 3);
    assert_eq!(error["error"]["status"], Value::Null);
    let token = Token::start();
    let ran = token.run("key 7 --json").fails(1, "");
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["error"]["status"], "ERROR_NO_KEY");
    assert_eq!(error["error"]["status_value"], 8);
    assert_eq!(error["error"]["text"], "there is no key with this handle");
}

#[test]
fn wrong_usage_is_told_before_the_token_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = format!("sign 1 --hash {}", "00".repeat(32));
    for (line, words) in [
        ("", "Usage"),
        ("juggle", "unrecognized subcommand"),
        ("keys --colour", "unexpected argument"),
        ("key", "required"),
        ("key 0", "a handle is a number from 1"),
        ("key 4294967295", "a handle is a number from 1"),
        ("key one", "a handle is a number from 1"),
        ("sign 1 --hash 0g", "--hash is not hexadecimal"),
        ("sign 1 file --hash 00", "cannot be used with"),
        ("sign 1 --algorithm rot13", "neither a URI nor one of"),
        ("decrypt 1 --algorithm rsa-sha256", "neither a URI nor one of"),
        ("sign 1 --pin-file -", "stdin can be read for one thing only"),
        ("change-pin 1 --pin-file - --new-pin-file -", "stdin can be read for one thing only"),
        ("change-pin 1 --pin-file a --puk-file b", "the PIN or the PUK authorises"),
        ("enroll", "--name"),
        ("enroll --name x --type rsa1000", "possible values"),
        ("enroll --name x --no-pin --new-pin-file pin", "cannot be used with"),
        ("enroll --name x --no-pin --delete-policy pin", "needs a PIN"),
        ("enroll --name x --delete-policy puk", "needs --puk-file"),
        ("enroll --name x --ca-key k", "--ca-cert"),
        ("demo --json", "takes no options"),
    ] {
        run(&folder, line).fails(2, words);
    }
    // There is no such option, and never will be: others can read a command line.
    for option in ["--pin", "--puk", "--new-pin"] {
        let ran = run(&folder, &format!("{zeros} {option} 1563")).fails(2, "unexpected argument");
        assert!(!ran.stderr.contains("1563"));
    }
}

#[test]
fn texts_that_no_certificate_takes_are_wrong_usage() {
    let token = Token::start();
    let long = "x".repeat(65);
    for arguments in [&["--name", "\u{1b}[2J"][..], &["--name", ""], &["--name", &long]] {
        let all = ["enroll", "--no-pin"].iter().chain(arguments).copied();
        Ran::of(token.command(all), b"").fails(2, "--name: not a subject");
    }
    token.run("enroll --no-pin --name Alice --email nobody").fails(2, "not an e-mail address or DNS name");
    assert_eq!(token.json("sessions").as_array().unwrap().len(), 0);
}

#[test]
fn files_that_hold_no_pin_are_not_tried() {
    let token = Token::start();
    let key = token.enroll("");
    token.write("empty", b"\n");
    token.write("long", &[b'1'; 2000]);
    let sign = format!("sign {key} --hash {}", "00".repeat(32));
    token.run(&format!("{sign} --pin-file @empty")).fails(2, "it is empty");
    token.run(&format!("{sign} --pin-file @long")).fails(2, "it has over 1024 bytes");
    token.run(&format!("{sign} --pin-file @missing")).fails(4, "No such file");
    assert_eq!(token.protection(key)["pin_error_count"], 0);
}

#[test]
fn a_reader_that_leaves_is_no_failure_but_a_full_disk_is() {
    let token = Token::start();
    let mut child = token.command(["info"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ran = token.command(["info"]).stdout(full).output().unwrap();
    assert_eq!(ran.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("writing to stdout"), "{ran:?}");
}

fn run(folder: &TempDir, line: &str) -> Ran {
    Ran::of(command(folder, line.split_whitespace()), b"")
}
