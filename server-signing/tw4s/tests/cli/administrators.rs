//! Administrators who change: one leaves, one comes, one has another credential; and what they alone may accept.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::console::INIT;
use crate::scene::Scene;
use crate::support::{Said, Stage};

const ANNA: &str = "LogonPass=anna,file:$anna";
const BERT: &str = "LogonPass=bert,file:$bert";
const CHANGED: &str = "Change of the administrators ... ok\n";
const NOT_CHANGED: &str = "Change of the administrators ... failed\n";

fn fails(stage: &Stage, arguments: &[&str], stdout: &str) {
    assert_eq!(stage.says(arguments), Said { stdout: stdout.to_owned(), code: Some(1) }, "{arguments:?}");
}

#[test]
fn two_administrators_replace_one_who_leaves() {
    let stage = Stage::initialised();
    let idp = crate::support::idp();
    fs::write(stage.path("idp.der"), idp.certificate()).unwrap();
    stage.secret("carl", b"vier\n");
    let setadmins = |arguments: &[&'static str]| [&["manageFW", "setadmins"], arguments].concat();
    fails(&stage, &setadmins(&[ANNA, "--enrol", "carl,file:$carl"]), NOT_CHANGED);
    fails(&stage, &setadmins(&[ANNA, "LogonPass=bert,file:$wrong", "--enrol", "carl,file:$carl"]), NOT_CHANGED);
    fails(&stage, &setadmins(&[ANNA, BERT, "--drop", "anna"]), NOT_CHANGED);
    fails(&stage, &setadmins(&[ANNA, BERT, "--drop", "dora", "--enrol", "carl,file:$carl"]), NOT_CHANGED);
    let change = setadmins(&[ANNA, BERT, "--drop", "anna", "--enrol", "carl,file:$carl"]);
    assert_eq!(stage.ok(&change), CHANGED);
    assert!(!stage.path("home/firmware/socket").exists(), "the firmware was lent");
    let import = |who: &[&'static str]| [&["manageFW", "setidpkeys"], who, &["$idp.der"]].concat();
    fails(&stage, &import(&[ANNA, BERT]), "Import of Public Keys ... failed\n");
    stage.ok(&import(&[BERT, "LogonPass=carl,file:$carl"]));
    // Also while an instance runs, which goes on.
    stage.ok(&["manageSAM", "start", "1"]);
    stage.ok(&setadmins(&[BERT, "LogonPass=carl,file:$carl", "--enrol", "carl,file:$wrong"]));
    stage.ok(&["manageSAM", "integrity", "data"]);
    fails(&stage, &import(&[BERT, "LogonPass=carl,file:$carl"]), "Import of Public Keys ... failed\n");
    stage.ok(&import(&[BERT, "LogonPass=carl,file:$wrong"]));
    for wrong in
        [&[ANNA, BERT][..], &["--drop", "anna"], &[ANNA, BERT, "--enrol", "carl,geheim"], &[ANNA, BERT, "carl"]]
    {
        let ran = stage.run(&[&["manageFW", "setadmins"], wrong].concat());
        assert_eq!((ran.status.code(), ran.stdout.len()), (Some(2), 0), "{wrong:?}");
        assert!(!String::from_utf8(ran.stderr).unwrap().contains("geheim"));
    }
}

/// Where no two administrators are left who know their credentials: init anew with the same master backup key. The
/// identity providers have to be imported again; users and keys are as they were.
#[test]
fn init_anew_with_the_same_master_backup_key_keeps_the_keys() {
    let scene = Scene::new();
    scene.sign();
    scene.stage.ok(&["manageSAM", "stop", "1"]);
    fs::remove_file(scene.stage.path("home/firmware/state")).unwrap();
    scene.stage.secret("anna", b"new\n");
    assert_eq!(scene.stage.ok(INIT), "Initialization of SAM Firmware ... ok\n");
    scene.stage.ok(&["manageFW", "setidpkeys", ANNA, BERT, "$idp.der"]);
    scene.stage.ok(&["manageSAM", "start", "1"]);
    scene.stage.ok(&["manageSAM", "integrity", "data"]);
    scene.sign();
}

const FORGET_ANCHOR: &str = "Forget_Anchor";

/// The audit records of an action.
fn log(stage: &Stage, action: &str) -> Vec<serde_json::Value> {
    let found = stage.ok(&["audit", "search", "1", "--action", action]);
    found.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// The firmware keeps the last row that it signed. Consumed hashes come back with an old database, so nothing starts on
/// it until two administrators accept it.
#[test]
fn a_database_that_was_put_back_is_not_started_until_two_administrators_accept_it() {
    let scene = Scene::new();
    let stage = &scene.stage;
    stage.ok(&["manageSAM", "stop", "1"]);
    let (state, backup) = (stage.path("home/sam1/state"), stage.path("backup"));
    copy(&state, &backup);
    stage.ok(&["manageSAM", "start", "1"]);
    scene.sign();
    stage.ok(&["manageSAM", "stop", "1"]);
    copy(&state, &stage.path("newest"));
    copy(&backup, &state);
    let abandoned = "Starting the subsystem \"sam1 has been abandoned ... failed\n";
    let ran = stage.run(&["manageSAM", "-v", "start", "1"]);
    assert!(ran.status.code() == Some(1) && String::from_utf8(ran.stdout).unwrap().ends_with(abandoned));
    assert!(String::from_utf8(ran.stderr).unwrap().contains("the database was put back"));
    fails(stage, &["manageSAM", "integrity", "data"], "Data integrity check ... failed\n");
    let Said { stdout, code } = stage.says(&["audit", "verify", "1"]);
    assert!(code == Some(1) && stdout.ends_with("it is missing, and is known from elsewhere ... failed\n"), "{stdout}");
    // A database that is gone is one from before its first row.
    fs::remove_dir_all(&state).unwrap();
    assert_eq!(stage.says(&["manageSAM", "start", "1"]).code, Some(1));
    // The newest one starts.
    copy(&stage.path("newest"), &state);
    stage.ok(&["manageSAM", "start", "1"]);
    stage.ok(&["manageSAM", "stop", "1"]);
    copy(&backup, &state);
    let failed = "Forgetting of the anchor ... failed\n";
    fails(stage, &["manageFW", "forgetanchor", ANNA, "--instance", "1"], failed);
    fails(stage, &["manageFW", "forgetanchor", ANNA, "LogonPass=bert,file:$wrong", "--instance", "1"], failed);
    fails(stage, &["manageFW", "forgetanchor", ANNA, BERT, "--instance", "2"], failed);
    assert_eq!(stage.says(&["manageSAM", "start", "1"]).code, Some(1));
    let anchor = log(stage, "Checkpoint").pop().unwrap();
    let forgotten = stage.ok(&["manageFW", "forgetanchor", ANNA, BERT, "--instance", "1"]);
    assert_eq!(forgotten, "Forgetting of the anchor ... ok\n");
    // Whatever is put there before it starts: who accepted it is told in the log that goes on.
    fs::remove_dir_all(&state).unwrap();
    copy(&backup, &state);
    stage.ok(&["manageSAM", "start", "1"]);
    let [told] = log(stage, FORGET_ANCHOR).try_into().unwrap();
    assert_eq!(told["administrators"], serde_json::json!(["anna", "bert"]));
    assert!(told["covers"].as_u64() > anchor["covers"].as_u64(), "the newest database's row: {told}");
    assert!(told["done"].as_str() <= told["time"].as_str() && told["outcome"] == "success", "{told}");
    let start = log(stage, "Start").pop().unwrap();
    assert_eq!(told["number"].as_u64().unwrap(), start["number"].as_u64().unwrap() + 1, "before any request");
    assert_eq!(log(stage, "Checkpoint").pop().unwrap()["covers"], told["number"], "and signed");
    scene.sign();
    stage.ok(&["manageSAM", "stop", "1"]);
    stage.ok(&["manageSAM", "start", "1"]);
    assert_eq!(log(stage, FORGET_ANCHOR), [told], "once");
    stage.ok(&["manageSAM", "integrity", "data"]);
    assert!(
        fs::read_to_string(stage.path("home/firmware/log")).unwrap().contains("anchor of an audit log was forgotten")
    );
}

/// What is not caught: a database that was put back to a moment behind the last checkpoint.
#[test]
fn killed_and_started_again_the_log_goes_on_from_its_anchor() {
    let scene = Scene::new();
    scene.stage.ok(&["audit", "anchor", "1"]);
    scene.sign();
    scene.kill("sam1");
    while scene.stage.ok(&["manageSAM", "start", "1"]).contains("is already running") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    scene.stage.ok(&["manageSAM", "integrity", "data"]);
    assert!(scene.stage.ok(&["audit", "verify", "1"]).ends_with(" ... ok\n"));
}
