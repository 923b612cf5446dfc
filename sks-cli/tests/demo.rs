//! The demo, as the README's reader runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

#[test]
fn tells_its_story_to_the_end_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_sks")).arg("demo").env("TMPDIR", folder.path()).output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    assert_eq!((ran.status.code(), String::from_utf8(ran.stderr).unwrap().as_str()), (Some(0), ""), "{text}");
    let last = text.lines().last().unwrap();
    let checks = text.lines().filter(|line| line.starts_with("    ok  ")).count();
    assert!(last.starts_with(&format!("{checks} checks passed in ")), "{text}");
    assert!(last.ends_with("the token has stopped and its store is removed."), "{text}");
    assert!(
        checks >= 14 && text.lines().count() <= 90 && text.lines().all(|line| line.chars().count() <= 104),
        "{text}"
    );
    let steps = text.lines().filter_map(|line| line.split_at_checked(2).filter(|(_, rest)| rest.starts_with("  ")));
    let steps = steps.filter_map(|(number, _)| number.trim().parse::<u32>().ok());
    assert_eq!(steps.collect::<Vec<_>>(), (1..=16).collect::<Vec<_>>());
    for method in ["createProvisioningSession (1)", "closeProvisioningSession (2)", "signHashedData (100)"] {
        assert!(text.contains(method), "{text}");
    }
    for status in ["ERROR_AUTHORIZATION", "ERROR_NOT_ALLOWED", "ERROR_MAC"] {
        assert!(text.contains(status), "{text}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_token_that_does_not_start_is_told() {
    let ran = Command::new(env!("CARGO_BIN_EXE_sks")).arg("demo").env("TMPDIR", "/nonexistent").output().unwrap();
    assert_eq!(ran.status.code(), Some(4));
    assert!(String::from_utf8(ran.stderr).unwrap().contains("making a temporary folder"));
}
