//! The PKCS#11 module through the binary: init, start, enrolment, a key and signatures, with SoftHSM2 as the HSM.
//! Skipped, with a line, where it is not installed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::scene::Scene;
use crate::support::{Said, Stage};

const LIBRARIES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];
const PIN: &str = "71826354";
const INIT: &[&str] = &["manageFW", "init", "LogonPass=anna,file:$anna", "LogonPass=bert,file:$bert", "tw4s"];
const INIT_OK: &str = "Initialization of SAM Firmware ... ok\n";
const INIT_FAILED: &str = "Initialization of SAM Firmware ... failed\n";

/// A stage whose commands have a SoftHSM2 with one token.
fn stage() -> Option<Stage> {
    let library = LIBRARIES.into_iter().find(|path| Path::new(path).exists());
    let util = Command::new("softhsm2-util").arg("--version").output();
    let (Some(library), Ok(_)) = (library, util) else {
        eprintln!("SKIPPED: SoftHSM2 is not installed (apt-get install softhsm2)");
        return None;
    };
    let mut stage = Stage::new();
    let (conf, tokens) = (stage.path("softhsm2.conf"), stage.path("tokens"));
    fs::create_dir(&tokens).unwrap();
    fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let args = ["--init-token", "--free", "--label", "tw4s", "--pin", PIN, "--so-pin", "12345678"];
    let made = Command::new("softhsm2-util").args(args).env("SOFTHSM2_CONF", &conf).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    stage.secret("pin", format!("{PIN}\n").as_bytes());
    stage.set("SOFTHSM2_CONF", conf);
    stage.set("TW4S_PKCS11_LIBRARY", library);
    // As it may be given: the processes run in another folder.
    stage.set("TW4S_PKCS11_PIN_FILE", "pin");
    stage.ok(&["checksumSAM"]);
    Some(stage)
}

#[test]
fn a_person_signs_with_a_key_in_an_hsm() {
    let Some(stage) = stage() else { return };
    assert_eq!(stage.ok(INIT), INIT_OK);
    assert!(fs::read_to_string(stage.path("home/firmware/slot")).unwrap().starts_with("pkcs11\ntw4s\n"));
    let scene = Scene::on(stage);
    scene.sign();
    // Its state, and the wrapped keys, are found again. What was set for init is not needed any more.
    scene.stage.ok(&["manageSAM", "stop", "1"]);
    scene.stage.ok(&["manageSAM", "start", "1"]);
    scene.sign();
    assert_eq!(scene.stage.ok(&["manageSAM", "integrity", "data"]), "Data integrity check ... ok\n");
    scene.stage.ok(&["manageSAM", "stop", "1"]);
    for name in ["firmware/log", "sam1/log", "firmware/slot"] {
        assert!(!fs::read_to_string(scene.stage.path("home").join(name)).unwrap().contains(PIN), "{name}");
    }
    // The keys are of this HSM and no other: without it nothing starts.
    scene.stage.secret("pin", b"99999999");
    assert_eq!(scene.stage.says(&["manageSAM", "start", "1"]).code, Some(1));
    scene.stage.secret("pin", PIN.as_bytes());
    scene.stage.ok(&["manageSAM", "start", "1"]);
    scene.sign();
}

#[test]
fn an_hsm_that_does_not_open_is_not_initialised_and_no_pin_is_told() {
    let Some(mut stage) = stage() else { return };
    let failed = Said { stdout: INIT_FAILED.to_owned(), code: Some(1) };
    stage.secret("pin", b"11112222");
    let ran = stage.run(&[&["-v"], INIT].concat());
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert_eq!((ran.status.code(), &*ran.stdout), (Some(1), INIT_FAILED.as_bytes()));
    assert!(stderr.contains("PinIncorrect") && !stderr.contains("11112222"), "{stderr}");
    stage.secret("pin", PIN.as_bytes());
    let other = [&INIT[..4], &["no such token"]].concat();
    assert_eq!(stage.says(&other), failed);
    fs::set_permissions(stage.path("pin"), Permissions::from_mode(0o640)).unwrap();
    assert_eq!(stage.says(INIT), failed, "a PIN that others may read");
    fs::remove_file(stage.path("pin")).unwrap();
    assert_eq!(stage.says(INIT), failed);
    stage.secret("pin", PIN.as_bytes());
    stage.set("TW4S_PKCS11_PIN_FILE", "");
    assert_eq!(stage.says(INIT).code, Some(2), "an HSM without a PIN");
    stage.set("TW4S_PKCS11_PIN_FILE", "pin");
    stage.set("TW4S_PKCS11_LIBRARY", "/nowhere.so");
    assert_eq!(stage.says(INIT), failed);
    assert!(!stage.path("home/firmware/state").exists());
}
