//! What administrators had the firmware forget of the audit log stands in the log.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use tw4s_sam::audit::{Anchor, Entry};
use tw4s_sam::testing::World;
use tw4s_sam::{Forgotten, Refusal};

fn forgotten(number: u64) -> Forgotten {
    let anchor = Anchor { number, hash: [0xA5; 32] };
    Forgotten { anchor, seconds: 1_795_194_000, administrators: vec!["anna".to_owned(), "bert".to_owned()] }
}

#[test]
fn each_forgotten_anchor_is_recorded_and_signed() {
    let world = World::default();
    let before = world.log().len();
    world.sam.record_forgotten(&[]).unwrap();
    assert_eq!(world.log().len(), before, "nothing is nothing");
    world.sam.record_forgotten(&[forgotten(7000), forgotten(9)]).unwrap();
    let log = world.log();
    let [first, second, checkpoint] = log.get(before..).unwrap() else { panic!("{log:?}") };
    assert_eq!([&first.action, &second.action].map(String::as_str), [Entry::FORGET_ANCHOR; 2]);
    assert_eq!((first.covers, second.covers), (Some(7000), Some(9)));
    assert_eq!(first.hash, Some("a5".repeat(32)));
    assert_eq!(first.administrators, ["anna", "bert"]);
    assert_eq!(first.done.as_deref(), Some("2026-11-20T17:00:00.000Z"));
    assert!(first.acting.is_none() && first.signature.is_none());
    assert_eq!((checkpoint.action.as_str(), checkpoint.covers), (Entry::CHECKPOINT, Some(second.number)));
    assert_eq!(world.sam.check_data(None).unwrap().faults, [""; 0]);
}

#[test]
fn whoever_cannot_record_it_is_told() {
    let world = World::default();
    world.store.set_full(true);
    assert_eq!(world.sam.record_forgotten(&[forgotten(5)]).unwrap_err().refusal, Refusal::StoreFull);
    world.store.set_full(false);
    world.firmware.set_down(true);
    assert_eq!(world.sam.record_forgotten(&[forgotten(5)]).unwrap_err().refusal, Refusal::Firmware);
}
