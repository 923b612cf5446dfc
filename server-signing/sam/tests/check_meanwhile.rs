//! The check of the data holds up nobody, and what changes while it reads the tables is no fault.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tw4s_formats::Role;
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
