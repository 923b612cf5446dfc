//! A database that is looked at and not worked on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use tw4s_sam::audit::Anchor;
use tw4s_sam::testing::{Tables, World};
use tw4s_sam::{Config, Refusal, Sam};

#[test]
fn a_look_leaves_everything_as_it_is() {
    let world = World::default();
    let before = world.store.tables();
    let sam = Sam::inspect(world.ports(), Config::default()).unwrap();
    assert!(sam.check_data_with(&[]).unwrap().is_ok());
    let newest = before.audit.last().unwrap();
    assert_eq!(sam.audit_head().unwrap(), Some(Anchor { number: newest.number, hash: newest.hash }));
    assert_eq!(world.store.tables().audit, before.audit);
    // Nor are roots made where there are none.
    world.store.tamper(|tables| *tables = Tables::default());
    assert!(!sam.check_data_with(&[]).unwrap().is_ok());
    assert_eq!(sam.audit_head().unwrap(), None);
    assert!(world.store.tables().seals.is_empty());
    world.firmware.set_down(true);
    assert_eq!(Sam::inspect(world.ports(), Config::default()).err().unwrap().refusal, Refusal::Firmware);
}

#[test]
fn the_log_must_have_the_row_of_each_anchor() {
    let world = World::default();
    let rows = world.store.tables().audit;
    let anchors: Vec<Anchor> = rows.iter().map(|row| Anchor { number: row.number, hash: row.hash }).collect();
    assert!(world.sam.check_data_with(&anchors).unwrap().is_ok());
    for at in 0..anchors.len() {
        let mut wrong = anchors.clone();
        wrong.get_mut(at).unwrap().hash = [0; 32];
        let report = world.sam.check_data_with(&wrong).unwrap();
        let fault = format!("audit row {}: it is not the row that was known from elsewhere", at + 1);
        assert_eq!(report.faults, [fault]);
    }
    let beyond = Anchor { number: rows.len() as u64 + 1, hash: [0; 32] };
    assert!(!world.sam.check_data_with(&[beyond]).unwrap().is_ok());
}
