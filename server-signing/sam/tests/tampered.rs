//! The rows that have no MAC, changed behind the module's back: consumed hashes and open intents. What the other tables'
//! check finds is in `audit.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use tw4s_formats::operation::CreateNewSigner;
use tw4s_sam::audit::Outcome as Recorded;
use tw4s_sam::testing::{NOW, Outcome, Tables, World, uuid};
use tw4s_sam::{Config, Refusal, Sam};

fn hashes(count: u8) -> Vec<Vec<u8>> {
    (0..count).map(|byte| vec![byte; 32]).collect()
}

fn signed(count: u8) -> World {
    let world = World::default();
    assert!(matches!(world.sign(&world.sad(&hashes(count))), Outcome::Result(_)));
    assert_eq!(faults(&world), [""; 0]);
    world
}

fn faults(world: &World) -> Vec<String> {
    world.sam.check_data(None).unwrap().faults
}

#[track_caller]
fn finds(world: &World, what: &str) {
    let faults = faults(world);
    assert!(matches!(&faults[..], [fault] if fault.contains(what)), "{faults:?}");
}

/// A signing that ended between its reservation and its result.
fn interrupted() -> World {
    let world = World::default();
    let store = world.store.clone();
    world.firmware.set_before_sign(move || store.set_down(true));
    assert_eq!(world.sign(&world.sad(&hashes(1))).detail(), Refusal::Store.cause());
    world.store.set_down(false);
    world.firmware.set_before_sign(|| ());
    assert_eq!(faults(&world), [""; 0], "it is open, and that is known");
    world
}

#[test]
fn forgotten_hashes_are_found() {
    let changes: [fn(&mut Tables); 2] = [|tables| tables.consumed.clear(), |tables| drop(tables.consumed.pop_last())];
    for change in changes {
        let world = signed(3);
        world.store.tamper(change);
        finds(&world, "consumed hashes are missing");
    }
}

/// It cannot be prevented that a hash signs again which the database was made to forget, but it does not stay unseen,
/// though the row is there again.
#[test]
fn a_sad_that_was_used_again_is_found() {
    let world = signed(1);
    world.store.tamper(|tables| tables.consumed.clear());
    assert!(matches!(world.sign(&world.sad(&hashes(1))), Outcome::Result(_)));
    finds(&world, "its SAD was reserved before");
}

/// What is purged in its time is not missed; nor while it may be purged.
#[test]
fn hashes_that_were_purged_are_not_missed() {
    let world = signed(1);
    let config = Config::default();
    for later in [config.keep_consumed_ms / 2, config.keep_consumed_ms, 2 * config.keep_consumed_ms] {
        world.clock.set(NOW + later);
        world.sam.tidy().unwrap();
        assert_eq!(faults(&world), [""; 0]);
    }
    assert!(world.store.tables().consumed.is_empty());
}

#[test]
fn a_forgotten_intent_is_found() {
    let mut world = interrupted();
    world.store.tamper(|tables| tables.open.clear());
    finds(&world, "the intent has no result");
    // Nor does a start hide it, which finds nothing to tell.
    world.restart();
    assert!(world.log().iter().all(|entry| entry.outcome != Recorded::Unknown));
    finds(&world, "the intent has no result");
}

#[test]
fn an_intent_that_is_none_is_found_and_does_not_start() {
    for number in [1, 4711] {
        let world = signed(1);
        world.store.tamper(|tables| tables.open.extend([number]));
        finds(&world, "is open and no intent");
        let error = Sam::start(world.ports(), Config::default()).err().unwrap();
        assert_eq!(error.refusal, Refusal::StoreDamaged);
    }
}

/// An intent that has its result and is opened again would get a second one.
#[test]
fn an_intent_that_was_opened_again_is_found() {
    let mut world = signed(1);
    let log = world.log();
    let intent = log.iter().find(|entry| entry.outcome == Recorded::Intent).unwrap().number;
    world.store.tamper(|tables| tables.open.extend([intent]));
    finds(&world, "is open and has its result");
    world.restart();
    finds(&world, "its intent had its result before");
}

/// A message that the database was made to forget is taken again, and changes nothing: the user is there.
#[test]
fn a_signed_message_that_is_forgotten_makes_no_second_user() {
    let world = World::default();
    let message = CreateNewSigner { userid: world.text(uuid(50)), certificates: world.certificates() };
    let request = world.signed_request(&message, NOW / 1000);
    assert!(matches!(world.send(&request), Outcome::Result(_)));
    let users = world.store.tables().users;
    world.store.tamper(|tables| tables.consumed.clear());
    assert_eq!(world.send(&request).detail(), Refusal::UserTaken.cause());
    assert_eq!(world.store.tables().users, users);
}
