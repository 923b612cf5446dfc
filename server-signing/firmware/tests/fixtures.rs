//! State files that earlier firmware wrote open, and go on as today's. Each was made by the firmware of its time, with
//! [`support::master`], [`support::administrators`] and two identity providers; `2-anchors` has seen a checkpoint, and in
//! `3-forgotten` the anchor of that was forgotten. Whoever changes the file's content adds one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[macro_use]
mod support;

use std::fs;
use std::path::Path;

use support::{SAM, administrators, checkpoint, logon, master};
use tw4s_firmware::{Changes, Firmware, FirmwareError, SoftwareModule};
use tw4s_formats::OidArc;

/// A firmware on a copy of a fixture, and what opens it again.
fn on(name: &str) -> (tempfile::TempDir, impl Fn() -> Firmware) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/states").join(name), &path).unwrap();
    let open = move || {
        let module = Box::new(SoftwareModule::new(&master()).unwrap());
        Firmware::open(&path, &master(), module, OidArc::default()).unwrap()
    };
    (folder, open)
}

fn forget(firmware: &Firmware) -> Result<(), FirmwareError> {
    firmware.administer(&administrators(), &Changes { forgotten: vec![[1; 32]], ..Changes::default() })
}

fn rows(firmware: &Firmware) -> Vec<u64> {
    firmware.forgotten(&[1; 32]).unwrap().anchors.iter().map(|it| it.row().0).collect()
}

#[test]
fn the_state_of_each_version_goes_on() {
    for (name, generation, anchor, forgotten) in
        [("1-first", 2, None, vec![]), ("2-anchors", 3, Some((5, [5; 32])), vec![]), ("3-forgotten", 4, None, vec![5])]
    {
        let (_folder, open) = on(name);
        let firmware = open();
        let status = firmware.status();
        assert_eq!((status.sam_id.as_str(), status.generation, status.idps), (SAM, generation, 2), "{name}");
        assert_eq!((firmware.anchor(&[1; 32]), rows(&firmware)), (anchor, forgotten.clone()), "{name}");
        if anchor.is_none() {
            assert_eq!(forget(&firmware), Err(FirmwareError::NoAnchor), "{name}");
        }
        firmware.sign_checkpoint(&checkpoint(1, 7, 7)).unwrap();
        assert_eq!(open().anchor(&[1; 32]), Some((7, [7; 32])), "{name}");
        forget(&firmware).unwrap();
        assert_eq!((open().anchor(&[1; 32]), rows(&open())), (None, [&forgotten[..], &[7]].concat()), "{name}");
    }
}

/// Its administrators are those of then: in a file without anchors too, one alone is nobody.
#[test]
fn the_first_state_s_administrators_administer() {
    let (_folder, open) = on("1-first");
    let idp = support::idp::Idp::new("IdP", support::idp::Pair::p256());
    let import = |logons: &[_]| open().set_idp_keys(logons, std::slice::from_ref(&idp.certificate));
    let [anna, bert] = administrators();
    assert_eq!(import(&[anna]), Err(FirmwareError::Logon));
    assert_eq!(import(&[bert, logon("anna", "wrong")]), Err(FirmwareError::Logon));
    import(&administrators()).unwrap();
    assert_eq!(open().status().idps, 1);
}

#[test]
fn no_fixture_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/states");
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["1-first", "2-anchors", "3-forgotten"]);
}
