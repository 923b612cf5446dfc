//! The check of the data holds up nobody, and what changes while it reads the tables is no fault.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tw4s_formats::Role;
use tw4s_formats::operation::DeleteSignerKeyPair;
use tw4s_sam::record::{KeyId, UserId};
use tw4s_sam::testing::{Outcome, World, uuid};

/// Has `what` done by another thread before the next read outside of a transaction: that is the first of a table.
fn meanwhile(world: &Arc<World>, what: impl FnOnce(&World) + Send + 'static) {
    let (other, mut what) = (Arc::clone(world), Some(what));
    world.store.before_reads(move || {
        let Some(what) = what.take() else { return };
        let (other, (done, waits)) = (Arc::clone(&other), mpsc::channel());
        thread::spawn(move || {
            what(&other);
            done.send(())
        });
        assert_eq!(waits.recv_timeout(Duration::from_secs(60)), Ok(()), "the check holds it up");
    });
}

fn enrol(world: &World, number: u8) {
    world.sam.enrol(Role::Signer, uuid(number), std::slice::from_ref(&world.idp.certificate), &[]).unwrap();
}

#[test]
fn a_signing_is_answered_while_the_tables_are_read() {
    let world = Arc::new(World::default());
    meanwhile(&world, |world| assert!(matches!(world.sign(&world.sad(&[vec![1; 32]])), Outcome::Result(_))));
    let report = world.sam.check_data(None).unwrap();
    assert_eq!(report.faults, [""; 0]);
    // The head is looked at behind the tables: the signing came while they were read.
    assert_eq!(report.records, u64::try_from(world.log().len()).unwrap());
}

#[test]
fn tables_that_change_are_read_again() {
    let world = Arc::new(World::default());
    let before = world.store.tables().users.len();
    meanwhile(&world, |world| enrol(world, 100));
    let report = world.sam.check_data(None).unwrap();
    assert_eq!(report.faults, [""; 0]);
    assert_eq!(report.users, u64::try_from(before + 1).unwrap(), "of the last reading alone");
}

#[test]
fn a_fault_is_found_while_the_tables_change() {
    let world = Arc::new(World::default());
    world.store.tamper(|tables| tables.users.values_mut().next().unwrap().version += 1);
    meanwhile(&world, |world| enrol(world, 100));
    let faults = world.sam.check_data(None).unwrap().faults;
    assert_eq!(faults.iter().filter(|fault| fault.contains("is not ours")).count(), 1, "told once: {faults:?}");
}

/// A user of a number that no other has here, all over the table.
fn somebody(number: u64) -> UserId {
    let mut id = *uuid(0).as_bytes();
    id.get_mut(..8).unwrap().copy_from_slice(&(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_be_bytes());
    UserId::from_bytes(id)
}

fn enrol_somebody(world: &World, number: u64) {
    let certificates = std::slice::from_ref(&world.idp.certificate);
    world.sam.enrol(Role::Signer, somebody(number), certificates, &[]).unwrap();
}

/// The rows that writers wait for do not grow with the tables: users keep coming, and only what is around the last of them
/// is read in a transaction.
#[test]
fn writers_wait_for_a_few_rows_of_many() {
    let world = Arc::new(World::default());
    (0..1024).for_each(|number| enrol_somebody(&world, number));
    let (other, mut reads, mut number) = (Arc::clone(&world), 0, 1024..);
    world.store.before_reads(move || {
        reads += 1;
        if reads % 6 == 0 {
            enrol_somebody(&other, number.next().unwrap());
        }
    });
    let before = world.store.rows_in_transactions();
    let report = world.sam.check_data(None).unwrap();
    let waited_for = world.store.rows_in_transactions() - before;
    assert_eq!(report.faults, [""; 0]);
    assert!(report.users > 1024 + 4, "none came while it read: {report:?}");
    assert!((1..=256).contains(&waited_for), "{waited_for} of {}", report.users);
}

/// Where each reading leaves as much to be read as it read, no more than that is read at the end.
#[test]
fn writers_wait_for_what_changes_and_not_for_the_tables() {
    let world = Arc::new(World::default());
    (0..1024).for_each(|number| enrol_somebody(&world, number));
    let (other, mut number) = (Arc::clone(&world), 1024..);
    world.store.before_reads(move || {
        if let Some(number) = number.next().filter(|number| *number < 1224) {
            enrol_somebody(&other, number);
        }
    });
    let before = world.store.rows_in_transactions();
    let report = world.sam.check_data(None).unwrap();
    let waited_for = world.store.rows_in_transactions() - before;
    assert_eq!(report.faults, [""; 0]);
    assert!((1..=512).contains(&waited_for), "{waited_for} of {}", report.users);
}

/// What a run holds is read anew as a whole: rows that are put in, changed and taken away, at its ends too.
#[test]
fn keys_that_come_and_go_meanwhile_are_no_fault() {
    let world = Arc::new(World::default());
    let other = Arc::clone(&world);
    // Objects of one key may stand in two runs.
    let mut keys: VecDeque<KeyId> = (0..200).map(|_| world.new_key(world.signer)).collect();
    world.store.before_reads(move || {
        keys.push_back(other.new_key(other.signer));
        let keyid = other.text(keys.pop_front().unwrap());
        assert!(matches!(other.ask(&DeleteSignerKeyPair { keyid }, other.signer), Outcome::Result(_)));
    });
    assert_eq!(world.sam.check_data(None).unwrap().faults, [""; 0]);
}

/// A row that is changed behind the module's back after it was read is as wrong as one before: the roots tell.
#[test]
fn a_row_taken_away_while_the_tables_change_is_found() {
    let world = Arc::new(World::default());
    (0..600).for_each(|number| enrol_somebody(&world, number));
    world.store.tamper(|tables| drop(tables.users.remove(&somebody(300))));
    meanwhile(&world, |world| enrol(world, 100));
    assert_eq!(world.sam.check_data(None).unwrap().faults, ["rows of Users are missing, added or put back"]);
}

#[test]
fn tables_that_change_at_every_reading_are_read_at_last() {
    let world = Arc::new(World::default());
    let (other, mut numbers) = (Arc::clone(&world), 100..=u8::MAX);
    world.store.before_reads(move || {
        if let Some(number) = numbers.next() {
            enrol(&other, number);
        }
    });
    let before = world.store.tables().users.len();
    let report = world.sam.check_data(None).unwrap();
    assert_eq!(report.faults, [""; 0]);
    assert!(report.users > u64::try_from(before).unwrap());
    assert_eq!(report.objects, u64::try_from(world.store.tables().objects.len()).unwrap());
}
