//! The console lines of server-signing.md 1.8, byte for byte, with their exit codes: what stands in the tables is what
//! the guide prints, quirks included.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::{Said, Stage};

/// A call, what it prints, and its exit code.
type Row<'a> = (&'a [&'a str], &'a str, i32);

fn check(stage: &Stage, rows: &[Row<'_>]) {
    for (arguments, stdout, code) in rows {
        let expected = Said { stdout: (*stdout).to_owned(), code: Some(*code) };
        assert_eq!(stage.says(arguments), expected, "{arguments:?}");
    }
}

pub(crate) const INIT: &[&str] = &["manageFW", "init", "LogonPass=anna,file:$anna", "LogonPass=bert,file:$bert", "0"];
const START: &[&str] = &["manageSAM", "start", "1"];
const STOP: &[&str] = &["manageSAM", "stop", "1"];
const CODE: &[&str] = &["manageSAM", "integrity", "code", "1"];
const DATA: &[&str] = &["manageSAM", "integrity", "data"];

const STARTED: &str = "SAM Service code integrity check ... ok\nSAM MAN code integrity check ... ok\n\
                       The subsystem \"sam1\" has been started ... ok\n";
const NOT_STARTED: &str = "SAM Service code integrity check ... ok\nSAM MAN code integrity check ... ok\n\
                           Starting the subsystem \"sam1 has been abandoned ... failed\n";
const TAMPERED: &str = "SAM Service code integrity check ... failed\nSAM MAN code integrity check ... failed\n\
                        Starting the subsystem \"sam1 has been abandoned ... failed\n";
const CODE_OK: &str = "SAM Service code integrity check ... ok\nSAM MAN code integrity check ... ok\n";
const CODE_FAILED: &str = "SAM Service code integrity check ... failed.\nSAM MAN code integrity check ... failed.\n";
const RUNNING: &str = "The subsystem \"sam1\" is already running ... warning\n";
const STOPPED: &str = "The subsystem \"sam1\" has been stopped ... ok\n";
const NOT_RUNNING: &str = "The subsystem \"sam1\" is not running ... warning\n";
const DATA_OK: &str = "Data integrity check ... ok\n";
const DATA_FAILED: &str = "Data integrity check ... failed\n";
const INIT_OK: &str = "Initialization of SAM Firmware ... ok\n";
const INIT_FAILED: &str = "Initialization of SAM Firmware ... failed\n";
const IMPORT_OK: &str = "Import of IdP Public Keys ... ok\n";
const IMPORT_FAILED: &str = "Import of Public Keys ... failed\n";

#[test]
fn a_life_of_an_instance() {
    let stage = Stage::new();
    let rows: &[Row<'_>] = &[
        (STOP, NOT_RUNNING, 0),
        (DATA, DATA_FAILED, 1),
        (CODE, CODE_FAILED, 1),
        (START, TAMPERED, 1),
        (&["checksumSAM"], "", 0),
        (CODE, CODE_OK, 0),
        (START, NOT_STARTED, 1),
        (INIT, INIT_OK, 0),
        (INIT, INIT_FAILED, 1),
        (START, STARTED, 0),
        (START, RUNNING, 0),
        (DATA, DATA_OK, 0),
        (STOP, STOPPED, 0),
        (STOP, NOT_RUNNING, 0),
        (DATA, DATA_OK, 0),
        (START, STARTED, 0),
        (STOP, STOPPED, 0),
    ];
    check(&stage, rows);
}

#[test]
fn a_tampered_binary_is_not_started() {
    let stage = Stage::with_copy();
    check(&stage, &[(&["checksumSAM"], "", 0), (INIT, INIT_OK, 0), (START, STARTED, 0), (STOP, STOPPED, 0)]);
    stage.append("tw4s");
    check(&stage, &[(CODE, CODE_FAILED, 1), (START, TAMPERED, 1), (STOP, NOT_RUNNING, 0)]);
}

#[test]
fn a_tampered_or_exposed_checksum_is_none() {
    let stage = Stage::initialised();
    let file = stage.path("home/checksum.sha512");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    stage.flip("home/checksum.sha512");
    check(&stage, &[(CODE, CODE_FAILED, 1), (START, TAMPERED, 1), (&["checksumSAM"], "", 0), (CODE, CODE_OK, 0)]);
    fs::set_permissions(&file, Permissions::from_mode(0o620)).unwrap();
    check(&stage, &[(CODE, CODE_FAILED, 1), (START, TAMPERED, 1)]);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "no checksum").unwrap();
    check(&stage, &[(CODE, CODE_FAILED, 1)]);
}

#[test]
fn the_checksum_file_is_read_by_sha512sum_too() {
    let stage = Stage::initialised();
    let file = stage.path("home/checksum.sha512");
    let Ok(ran) = std::process::Command::new("sha512sum").arg("--check").arg(&file).output() else {
        return eprintln!("skipped: there is no sha512sum");
    };
    assert!(ran.status.success(), "{ran:?}");
}

#[test]
fn init_needs_two_administrators_and_a_sound_master_backup_key() {
    let stage = Stage::new();
    let anna = "LogonPass=anna,file:$anna";
    let bert = "LogonPass=bert,file:$bert";
    let rows: &[Row<'_>] = &[
        (&["manageFW", "init", anna, "0"], INIT_FAILED, 1),
        (&["manageFW", "init", anna, anna, "0"], INIT_FAILED, 1),
        (&["manageFW", "init", anna, bert, "1"], INIT_FAILED, 1),
        (&["manageFW", "init", anna, bert, "short"], INIT_FAILED, 1),
        (&["manageFW", "init", anna, bert, "../0"], INIT_FAILED, 1),
        // The guide prints the word with and without `=`.
        (&["manageFW", "init", anna, "LogonPassbert,file:$bert", "0"], INIT_OK, 0),
    ];
    check(&stage, rows);
    let exposed = Stage::new();
    fs::set_permissions(exposed.path("home/slots/0"), Permissions::from_mode(0o640)).unwrap();
    check(&exposed, &[(INIT, INIT_FAILED, 1)]);
}

#[test]
fn another_master_backup_key_starts_nothing() {
    let stage = Stage::initialised();
    stage.secret("home/slots/0", &[8; 32]);
    check(&stage, &[(START, NOT_STARTED, 1), (STOP, NOT_RUNNING, 0)]);
    stage.secret("home/slots/0", &[7; 32]);
    check(&stage, &[(START, STARTED, 0)]);
}

#[test]
fn setidpkeys_takes_certificates_from_two_administrators() {
    let stage = Stage::initialised();
    let idp = crate::support::idp();
    fs::write(stage.path("idp.der"), idp.certificate()).unwrap();
    fs::write(stage.path("bad.der"), &idp.certificate()[1..]).unwrap();
    let [anna, bert] = ["LogonPassanna,file:$anna", "LogonPassbert,file:$bert"];
    let rows: &[Row<'_>] = &[
        (&["manageFW", "setidpkeys", anna, "$idp.der"], IMPORT_FAILED, 1),
        (&["manageFW", "setidpkeys", anna, anna, "$idp.der"], IMPORT_FAILED, 1),
        (&["manageFW", "setidpkeys", anna, "LogonPassbert,file:$wrong", "$idp.der"], IMPORT_FAILED, 1),
        (&["manageFW", "setidpkeys", anna, "LogonPasscarl,file:$bert", "$idp.der"], IMPORT_FAILED, 1),
        (&["manageFW", "setidpkeys", anna, bert, "$bad.der"], IMPORT_FAILED, 1),
        (&["manageFW", "setidpkeys", anna, bert, "$missing.der"], IMPORT_FAILED, 1),
        (&["manageFW", "setidpkeys", anna, bert, "$idp.der"], IMPORT_OK, 0),
        (START, STARTED, 0),
        (
            &["manageFW", "setidpkeys", "LogonPass=anna,file:$anna", "LogonPass=bert,file:$bert", "$idp.der"],
            IMPORT_OK,
            0,
        ),
    ];
    check(&stage, rows);
}

#[test]
fn no_secret_stands_on_a_command_line() {
    let stage = Stage::new();
    for bad in ["LogonPass=anna,geheim", "LogonPass=anna,", "LogonPass=anna", "LogonPass=anna,file:"] {
        let ran = stage.run(&["manageFW", "init", bad, "LogonPass=bert,file:$bert", "0"]);
        let stderr = String::from_utf8(ran.stderr).unwrap();
        assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(2), &b""[..]));
        assert!(stderr.contains("ask") && stderr.contains("file:PATH") && !stderr.contains("geheim"), "{stderr}");
    }
}

#[test]
fn a_credential_that_others_can_read_is_not_taken() {
    let stage = Stage::new();
    stage.ok(&["checksumSAM"]);
    fs::set_permissions(stage.path("bert"), Permissions::from_mode(0o640)).unwrap();
    let ran = stage.run(INIT);
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.code() == Some(4) && stderr.contains("bert is open to others than its owner"), "{stderr}");
    fs::set_permissions(stage.path("bert"), Permissions::from_mode(0o600)).unwrap();
    stage.ok(INIT);
}

#[test]
fn wrong_usage_is_2_and_prints_no_line() {
    let stage = Stage::new();
    let rows: &[Row<'_>] = &[
        (&[], "", 2),
        (&["manageSAM"], "", 2),
        (&["manageSAM", "start"], "", 2),
        (&["manageSAM", "start", "../1"], "", 2),
        (&["manageSAM", "start", "1", "2"], "", 2),
        (&["manageSAM", "restart", "1"], "", 2),
        (&["manageSAM", "integrity", "code"], "", 2),
        (&["manageSAM", "integrity", "data", "1"], "", 2),
        (&["manageFW", "init", "0"], "", 2),
        (&["manageFW", "init", "0", "1"], "", 2),
        (&["manageFW", "init", "LogonPass=anna,file:$anna", "LogonPass=bert,file:$bert"], "", 2),
    ];
    check(&stage, rows);
}

#[test]
fn the_guides_names_are_commands_and_v_goes_to_stderr() {
    let stage = Stage::initialised();
    for (link, arguments, stdout) in [
        ("manageSAM", &["stop", "1"][..], NOT_RUNNING),
        ("manageSAM.sh", &["-v", "integrity", "code", "1"], CODE_OK),
        ("checksumSAM.sh", &[], ""),
    ] {
        let path = stage.path(link);
        symlink(env!("CARGO_BIN_EXE_tw4s"), &path).unwrap();
        let ran = stage.run_as(&path, arguments);
        assert_eq!((ran.status.code(), String::from_utf8(ran.stdout).unwrap().as_str()), (Some(0), stdout));
        assert_eq!(ran.stderr.is_empty(), !arguments.contains(&"-v"));
    }
    let ran = stage.run(&["manageSAM", "-v", "integrity", "data"]);
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), DATA_FAILED);
    assert!(String::from_utf8(ran.stderr).unwrap().contains("there is no instance"));
}

#[test]
fn a_tampered_database_fails_the_check() {
    let stage = Stage::initialised();
    check(&stage, &[(START, STARTED, 0), (DATA, DATA_OK, 0), (STOP, STOPPED, 0)]);
    // Another firmware's database: the roots are not made with this one's key.
    let other = Stage::new();
    other.secret("home/slots/0", &[9; 32]);
    check(&other, &[(&["checksumSAM"], "", 0), (INIT, INIT_OK, 0), (START, STARTED, 0), (STOP, STOPPED, 0)]);
    fs::remove_dir_all(stage.path("home/sam1/state")).unwrap();
    fs::rename(other.path("home/sam1/state"), stage.path("home/sam1/state")).unwrap();
    check(&stage, &[(START, NOT_STARTED, 1), (DATA, DATA_FAILED, 1)]);
}
