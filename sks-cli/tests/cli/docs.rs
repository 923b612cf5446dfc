//! docs/cli.md says what the program does: its commands, their options, and the shape of each JSON answer.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::support::{SKS, Token};

/// The page.
const PAGE: &str = include_str!("../../../docs/cli.md");

#[test]
fn names_every_command_and_no_other() {
    let help = help(&[]);
    let listed: BTreeSet<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // The description may go on in lines that are indented further.
        .filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(listed.contains("serve") && listed.contains("raw"), "{help}");
    let written: BTreeSet<&str> = sections().map(|(name, _)| name).collect();
    assert_eq!(written, listed);
}

#[test]
fn names_every_option() {
    let common = options(&help(&["keys"]));
    assert!(common.contains("--pin-file"));
    let shared = PAGE.split("\n## sks ").next().unwrap();
    for option in common.iter().filter(|option| *option != "--help") {
        assert!(shared.contains(&format!("| `{option}")), "{option} is not among the common options");
    }
    for (name, section) in sections().filter(|(name, _)| *name != "bench") {
        let own = options(&help(&[name]));
        for option in own.difference(&common) {
            assert!(section.contains(&format!("`{option}")), "{option} is missing at sks {name}");
        }
        for written in options(section) {
            let known = own.contains(&written) || shared.contains(&format!("`{written}"));
            assert!(known, "sks {name} has no {written}");
        }
    }
}

#[test]
fn shows_the_shape_of_every_answer() {
    let token = Token::start();
    let key = token.enroll("--exportable --type rsa2048");
    let hash = "00".repeat(32);
    let rest = "--pin-file @pin --json";
    let check = |name: &str, line: &str| {
        let ran = token.run(line).ok();
        assert_same_shape(name, &documented(name), &serde_json::from_slice(&ran.stdout).unwrap());
    };
    check("info", "info --json");
    check("sessions", "sessions --json");
    check("keys", "keys --json");
    check("key", &format!("key {key} --json"));
    check("sign", &format!("sign {key} --hash {hash} {rest}"));
    check("export", &format!("export {key} {rest}"));
    check("unlock", &format!("unlock {key} --puk-file @puk --json"));
    check("change-pin", &format!("change-pin {key} --new-pin-file @pin {rest}"));
    // Of 1.5, every block of the modulus' length has a clear text.
    token.write("block", &[1; 256]);
    check("decrypt", &format!("decrypt {key} @block --algorithm rsa-1_5 {rest}"));
    check("enroll", "enroll --name Other --no-pin --json");
    check("raw", "raw 79 --json");
    token.write("module.so", b"a file is enough");
    check("pkcs11", "pkcs11 --module @module.so --json");
    check("delete", &format!("delete {key} --json"));
    // An abort's answer names its session; foreign.rs makes one to abort.
    assert_eq!(documented("abort"), serde_json::json!({ "provisioning_handle": 2 }));

    let refused = token.run(&format!("key {key} --json"));
    let shared = PAGE.split("\n## sks ").next().unwrap();
    assert_same_shape("an error", &first_json(shared), &serde_json::from_str(&refused.stderr).unwrap());
}

/// The page's sections, one a command.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    let sections = PAGE.split("\n## sks ").skip(1);
    sections.map(|section| (section.split_whitespace().next().unwrap(), section))
}

fn documented(name: &str) -> Value {
    first_json(sections().find(|(found, _)| *found == name).unwrap().1)
}

fn first_json(section: &str) -> Value {
    let text = section.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    serde_json::from_str(text).unwrap()
}

/// The long options that a text names.
fn options(text: &str) -> BTreeSet<String> {
    let named = text.split("--").skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    named
        .map(|rest| format!("--{}", rest.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next().unwrap()))
        .collect()
}

fn help(command: &[&str]) -> String {
    let ran = Command::new(SKS).args(command).arg("--help").output().unwrap();
    String::from_utf8(ran.stdout).unwrap()
}

/// Same names and types at every depth; of a list its first item stands for all, and an empty one fits any.
fn assert_same_shape(place: &str, written: &Value, real: &Value) {
    match (written, real) {
        (Value::Object(written), Value::Object(real)) => {
            let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(written), names(real), "{place}");
            for (name, value) in written {
                assert_same_shape(&format!("{place}.{name}"), value, &real[name]);
            }
        }
        (Value::Array(written), Value::Array(real)) => {
            if let (Some(written), Some(real)) = (written.first(), real.first()) {
                assert_same_shape(&format!("{place}[0]"), written, real);
            }
        }
        (written, real) => {
            assert_eq!(std::mem::discriminant(written), std::mem::discriminant(real), "{place}: {real}");
        }
    }
}
