//! Care that is taken in time: checkpoints, by the module's clock.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use tw4s_formats::Role;
use tw4s_sam::audit::Entry;
use tw4s_sam::testing::{NOW, World, uuid};
use tw4s_sam::{Care, Config};

/// As the service has it: a checkpoint for whatever is new.
fn world() -> World {
    World::new(Config { checkpoint_every: 1, ..Config::default() })
}

fn checkpoints(world: &World) -> Vec<u64> {
    world.log().iter().filter(|entry| entry.action == Entry::CHECKPOINT).filter_map(|entry| entry.covers).collect()
}

fn enrol(world: &World, number: u8) {
    world.sam.enrol(Role::Signer, uuid(number), std::slice::from_ref(&world.idp.certificate), &[]).unwrap();
}

#[test]
fn a_checkpoint_is_made_when_the_period_is_over_and_not_before() {
    let world = world();
    let mut care = Care::begin(&world.sam);
    let mut look = |at| {
        world.clock.set(NOW + at);
        care.look(&world.sam).unwrap()
    };
    let newest = world.last_entry().number;
    assert_eq!([0, 1, 59_999].map(&mut look), [false; 3]);
    assert_eq!(checkpoints(&world), [0; 0]);
    assert!(look(60_000));
    assert_eq!(checkpoints(&world), [newest]);
    // The next period begins there. Of nothing new there is none.
    assert_eq!([60_001, 119_999].map(&mut look), [false; 2]);
    assert!(look(120_000));
    assert_eq!(checkpoints(&world).len(), 1);
    // One record is something.
    enrol(&world, 100);
    let enrolled = world.last_entry().number;
    assert!(!look(179_999));
    assert_eq!(checkpoints(&world).len(), 1);
    assert!(look(200_000));
    assert_eq!(checkpoints(&world).get(1), Some(&enrolled));
    assert!(!look(259_999), "a period from the last care on, however late that was");
}

#[test]
fn a_clock_that_is_set_back_puts_no_care_off() {
    let world = world();
    let mut care = Care::begin(&world.sam);
    world.clock.set(NOW - 1);
    assert!(care.look(&world.sam).unwrap());
    assert_eq!(checkpoints(&world).len(), 1);
    world.clock.set(NOW + 59_998);
    assert!(!care.look(&world.sam).unwrap());
}

#[test]
fn care_that_fails_is_taken_again_a_period_later() {
    let world = world();
    let mut care = Care::begin(&world.sam);
    world.firmware.set_down(true);
    world.clock.set(NOW + 60_000);
    care.look(&world.sam).unwrap_err();
    world.firmware.set_down(false);
    assert!(!care.look(&world.sam).unwrap());
    world.clock.set(NOW + 120_000);
    assert!(care.look(&world.sam).unwrap());
    assert_eq!(checkpoints(&world).len(), 1);
}
