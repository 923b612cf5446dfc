//! What administrators change besides the identity providers: themselves, and anchors of audit logs.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[macro_use]
mod support;

use std::fs;
use std::slice::from_ref;
use std::sync::Barrier;
use std::thread;

use support::{World, administrators, checkpoint, logon, master};
use tw4s_firmware::{Changes, Firmware, FirmwareError, KeySpec, Logon, SoftwareModule};
use tw4s_formats::OidArc;

fn world() -> World {
    World::new(&master(), || Box::new(SoftwareModule::new(&master()).unwrap()))
}

/// As it is in its file.
fn reopened(world: &World) -> Firmware {
    let module = Box::new(SoftwareModule::new(&master()).unwrap());
    Firmware::open(&world.state(), &master(), module, OidArc::default()).unwrap()
}

fn enrol(enrolled: &[(&str, &str)], dropped: &[&str]) -> Changes {
    Changes {
        enrolled: enrolled.iter().map(|(name, credential)| logon(name, credential)).collect(),
        dropped: dropped.iter().map(|name| (*name).to_owned()).collect(),
        forgotten: Vec::new(),
    }
}

/// Whether these two may import an identity provider.
fn may(firmware: &Firmware, world: &World, logons: [(&str, &str); 2]) -> bool {
    let logons: Vec<Logon> = logons.into_iter().map(|(name, credential)| logon(name, credential)).collect();
    match firmware.set_idp_keys(&logons, from_ref(&world.idp.certificate)) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error, FirmwareError::Logon);
            false
        }
    }
}

#[test]
fn two_administrators_replace_one_and_keys_stay_usable() {
    let world = world();
    let [anna, bert, carl] = [("anna", "correct horse"), ("bert", "battery staple"), ("carl", "new here")];
    world.firmware.administer(&administrators(), &enrol(&[carl], &["anna"])).unwrap();
    for firmware in [&world.firmware, &reopened(&world)] {
        assert!(!may(firmware, &world, [anna, bert]), "one who left");
        assert!(may(firmware, &world, [carl, bert]));
    }
    world.admit(&world.signing(KeySpec::P256)).unwrap();
    // A new credential is an enrolment under a name that is there.
    let changed = ("bert", "another staple");
    let logons = [logon(carl.0, carl.1), logon(bert.0, bert.1)];
    world.firmware.administer(&logons, &enrol(&[changed], &[])).unwrap();
    let firmware = reopened(&world);
    assert!(!may(&firmware, &world, [carl, bert]), "the old credential");
    assert!(may(&firmware, &world, [carl, changed]));
}

/// Two changes at once, ordered by the same administrators: what one was told to have done, the other did not undo.
#[test]
fn of_two_changes_at_once_none_is_lost() {
    let world = world();
    let barrier = Barrier::new(2);
    let change = |name: &'static str| {
        barrier.wait();
        world.firmware.administer(&administrators(), &enrol(&[(name, "new here")], &[]))
    };
    let [carl, dora] = thread::scope(|scope| {
        [scope.spawn(|| change("carl")), scope.spawn(|| change("dora"))].map(|change| change.join().unwrap())
    });
    assert!(carl.is_ok() || dora.is_ok());
    for (name, changed) in [("carl", carl), ("dora", dora)] {
        let is_there = may(&world.firmware, &world, [("anna", "correct horse"), (name, "new here")]);
        assert_eq!(changed, if is_there { Ok(()) } else { Err(FirmwareError::Administrators) }, "{name}");
    }
}

#[test]
fn an_administrator_alone_changes_nothing() {
    let world = world();
    let before = fs::read(world.state()).unwrap();
    let [anna, bert] = administrators();
    let changes = enrol(&[("carl", "new here")], &[]);
    for logons in [
        vec![anna],
        vec![logon("anna", "correct horse"), logon("anna", "correct horse")],
        vec![bert, logon("anna", "wrong")],
        vec![logon("carl", "new here"), logon("bert", "battery staple")],
        vec![],
    ] {
        assert_eq!(world.firmware.administer(&logons, &changes), Err(FirmwareError::Logon));
    }
    assert_eq!(fs::read(world.state()).unwrap(), before);
}

#[test]
fn what_would_leave_too_few_or_an_unfit_one_is_refused() {
    let world = world();
    let before = fs::read(world.state()).unwrap();
    let many: Vec<String> = (0..7).map(|number| format!("n{number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "credential")).collect();
    for (changes, what) in [
        (enrol(&[], &["anna"]), "one would be left"),
        (enrol(&[], &["anna", "bert"]), "nobody would"),
        (enrol(&[("anna", "new")], &["anna"]), "both at once"),
        (enrol(&[("carl", "new"), ("carl", "newer")], &[]), "one twice"),
        (enrol(&[("carl", "new")], &["dora"]), "one who is none"),
        (enrol(&[("carl", "")], &[]), "an empty credential"),
        (enrol(&[("", "credential")], &[]), "an empty name"),
        (enrol(&many, &[]), "nine"),
    ] {
        let refused = world.firmware.administer(&administrators(), &changes);
        assert_eq!(refused, Err(FirmwareError::Administrators), "{what}");
    }
    assert_eq!(fs::read(world.state()).unwrap(), before);
    world.firmware.administer(&administrators(), &enrol(&many[..6], &[])).unwrap();
}

/// Logons are checked before the state is locked, and eight of them take longer than the change in between. Where the import
/// was quicker all the same there is nothing to be seen.
#[test]
fn one_who_is_dropped_meanwhile_imports_nothing() {
    let world = world();
    let idps = || world.firmware.status().idps;
    let before = idps();
    let many: Vec<Logon> = (0..4).flat_map(|_| administrators()).collect();
    thread::scope(|scope| {
        let import = scope.spawn(|| world.firmware.set_idp_keys(&many, from_ref(&world.stranger.certificate)));
        world.firmware.administer(&administrators(), &enrol(&[("carl", "new here")], &["anna"])).unwrap();
        let was_quicker = idps() != before;
        let imported = import.join().unwrap();
        assert!(was_quicker || (imported == Err(FirmwareError::Logon) && idps() == before), "{imported:?}");
    });
}

#[test]
fn an_anchor_goes_forwards_and_is_durable_before_the_signature() {
    let world = world();
    let sign = |sam, number, hash| world.firmware.sign_checkpoint(&checkpoint(sam, number, hash)).map(drop);
    assert_eq!(world.firmware.anchor(&[1; 32]), None);
    sign(1, 5, 0xA5).unwrap();
    sign(2, 9, 0xB9).unwrap();
    for firmware in [&world.firmware, &reopened(&world)] {
        assert_eq!(firmware.anchor(&[1; 32]), Some((5, [0xA5; 32])));
        assert_eq!(firmware.anchor(&[2; 32]), Some((9, [0xB9; 32])));
        assert_eq!(firmware.anchor(&[3; 32]), None);
    }
    sign(1, 4, 0xA4).unwrap();
    sign(1, 5, 0xA5).unwrap();
    assert_eq!(world.firmware.anchor(&[1; 32]), Some((5, [0xA5; 32])), "an earlier row, or the same again");
    assert_eq!(sign(1, 5, 0xFF), Err(FirmwareError::Failed), "the row of the anchor, and another");
    sign(1, 6, 0xA6).unwrap();
    assert_eq!(reopened(&world).anchor(&[1; 32]), Some((6, [0xA6; 32])));
}

#[test]
fn what_is_no_checkpoint_is_not_signed() {
    let world = world();
    let whole = checkpoint(1, 5, 5);
    for bad in [&b""[..], b"checkpoint", &whole[1..], &whole[..whole.len() - 1], &[&whole[..], &[0]].concat()] {
        assert_eq!(world.firmware.sign_checkpoint(bad).map(drop), Err(FirmwareError::Malformed));
    }
    assert_eq!(world.firmware.anchor(&[1; 32]), None);
}

#[test]
fn two_administrators_forget_an_anchor() {
    let world = world();
    world.firmware.sign_checkpoint(&checkpoint(1, 5, 5)).unwrap();
    world.firmware.sign_checkpoint(&checkpoint(2, 9, 9)).unwrap();
    let forget = |sam| Changes { forgotten: vec![[sam; 32]], ..Changes::default() };
    assert_eq!(world.firmware.administer(&administrators()[..1], &forget(1)), Err(FirmwareError::Logon));
    assert_eq!(world.firmware.administer(&administrators(), &forget(3)), Err(FirmwareError::NoAnchor));
    world.firmware.administer(&administrators(), &forget(1)).unwrap();
    let firmware = reopened(&world);
    assert_eq!((firmware.anchor(&[1; 32]), firmware.anchor(&[2; 32])), (None, Some((9, [9; 32]))));
    firmware.sign_checkpoint(&checkpoint(1, 2, 2)).unwrap();
    assert_eq!(firmware.anchor(&[1; 32]), Some((2, [2; 32])));
}

/// Who ordered what, and when, for the audit log: it is dropped when the log has it and not before.
#[test]
fn what_was_forgotten_is_kept_until_it_is_recorded() {
    let world = world();
    let forget = |firmware: &Firmware, sam: u8, number| {
        firmware.sign_checkpoint(&checkpoint(sam, number, 0xA5)).unwrap();
        firmware.administer(&administrators(), &Changes { forgotten: vec![[sam; 32]], ..Changes::default() }).unwrap();
    };
    let rows = |firmware: &Firmware, sam| -> Vec<u64> {
        firmware.forgotten(&[sam; 32]).unwrap().anchors.iter().map(|it| it.row().0).collect()
    };
    assert_eq!(rows(&world.firmware, 1), [0; 0]);
    let before = support::now();
    forget(&world.firmware, 1, 5);
    let first = world.firmware.forgotten(&[1; 32]).unwrap();
    // One more, after an earlier row was signed again: the administrators accept another database.
    forget(&world.firmware, 1, 3);
    forget(&world.firmware, 2, 9);
    world.firmware.sign_checkpoint(&checkpoint(1, 6, 6)).unwrap();
    let firmware = reopened(&world);
    assert_eq!((rows(&firmware, 1), rows(&firmware, 2)), (vec![5, 3], vec![9]), "a checkpoint drops none");
    let told = &firmware.forgotten(&[1; 32]).unwrap().anchors[0];
    assert_eq!((told.row(), told.administrators().collect::<Vec<_>>()), ((5, [0xA5; 32]), vec!["anna", "bert"]));
    assert!((before..=support::now()).contains(&told.time().unix()));
    for _ in 0..2 {
        firmware.forgotten_is_recorded(&first).unwrap();
        assert_eq!((rows(&reopened(&world), 1), rows(&firmware, 2)), (vec![3], vec![9]));
    }
    let generation = firmware.status().generation;
    for sam in [1, 2, 3] {
        firmware.forgotten_is_recorded(&firmware.forgotten(&[sam; 32]).unwrap()).unwrap();
    }
    assert_eq!(firmware.status().generation, generation + 2, "what changes nothing is not written");
    assert_eq!(rows(&reopened(&world), 1), [0; 0]);
}

#[test]
fn so_many_forgotten_anchors_wait_and_the_next_is_not_forgotten() {
    let world = world();
    let forget = |sam: u8| Changes { forgotten: vec![[sam; 32]], ..Changes::default() };
    for sam in 0..17 {
        world.firmware.sign_checkpoint(&checkpoint(sam, 5, 5)).unwrap();
    }
    let many = Changes { forgotten: (0..16).map(|sam| [sam; 32]).collect(), ..Changes::default() };
    world.firmware.administer(&administrators(), &many).unwrap();
    assert_eq!(world.firmware.administer(&administrators(), &forget(16)), Err(FirmwareError::Failed));
    assert_eq!(world.firmware.anchor(&[16; 32]), Some((5, [5; 32])));
    world.firmware.forgotten_is_recorded(&world.firmware.forgotten(&[0; 32]).unwrap()).unwrap();
    world.firmware.administer(&administrators(), &forget(16)).unwrap();
    assert_eq!(reopened(&world).forgotten(&[16; 32]).unwrap().anchors.len(), 1);
}
