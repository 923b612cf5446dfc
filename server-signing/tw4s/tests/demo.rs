//! The demo, as the README's reader runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

#[test]
fn tells_its_story_to_the_end_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_tw4s")).arg("demo").env("TMPDIR", folder.path()).output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    assert_eq!((ran.status.code(), String::from_utf8(ran.stderr).unwrap().as_str()), (Some(0), ""), "{text}");
    let last = text.lines().last().unwrap();
    let checks = text.lines().filter(|line| line.starts_with("    ok  ")).count();
    assert!(last.starts_with(&format!("{checks} checks passed in ")), "{text}");
    assert!(last.ends_with("the processes have stopped and their folder is removed."), "{text}");
    assert!(checks >= 20 && !text.contains("FAILED"), "{text}");
    for scenario in ["US1, ", "US2, ", "US3, ", "US4, ", "US5, ", "US6, ", "US7, "] {
        assert!(text.contains(scenario), "{text}");
    }
    assert!(text.contains("InvalidAuthentication: already used (in the audit log)"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_subsystem_that_does_not_start_is_told() {
    let ran = Command::new(env!("CARGO_BIN_EXE_tw4s")).arg("demo").env("TMPDIR", "/nonexistent").output().unwrap();
    assert_eq!(ran.status.code(), Some(4));
    assert!(String::from_utf8(ran.stderr).unwrap().contains("making a temporary folder"));
}
