//! Random calls against a simple model of the token, replays, and what a refused operation leaves behind.
//!
//! `PROPTEST_CASES=5000 cargo test -p sks-tests --test state_machine` for a long run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod calls;
mod model;
mod op;
mod world;

use proptest::prelude::*;
use sks_core::record::{Address, Record};
use sks_wire::Status;

use crate::op::{Op, op, provisioning};
use crate::world::World;

fn cases(default: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default);
    ProptestConfig { cases, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() }
}

/// Everything but the numbers that only grow.
fn without_counters(world: &World) -> Vec<(Address, Record)> {
    let snapshot = world.token.store.snapshot();
    snapshot.into_iter().filter(|(at, _)| !matches!(at, Address::Counter(_))).collect()
}

proptest! {
    #![proptest_config(cases(96))]

    /// After every call the token answers as the model says, and shows what the model holds.
    #[test]
    fn random_calls_agree_with_the_model(ops in prop::collection::vec(op(), 1..80)) {
        let mut world = World::new();
        for op in ops {
            world.apply(&op);
            world.compare();
        }
    }

    /// A MACed call sent again, at any later time and in any session, is refused and ends the session that it names.
    #[test]
    fn a_replay_is_refused_and_ends_its_session(
        before in prop::collection::vec(provisioning(), 5..30),
        which in any::<prop::sample::Index>(),
        between in prop::collection::vec(provisioning(), 0..5),
        other in any::<bool>(),
        volatile in any::<bool>(),
    ) {
        let mut world = World::new();
        world.apply(&Op::Create { updatable: true, volatile, limit: 500 });
        before.iter().for_each(|op| world.apply(op));
        if !world.recorded.is_empty() {
            let call = world.recorded[which.index(world.recorded.len())].clone();
            between.iter().for_each(|op| world.apply(op));
            world.replay(&call, other);
            world.compare();
        }
    }

    /// A refused operation takes its session along with everything created in it, and changes nothing else.
    #[test]
    fn a_refused_operation_leaves_nothing_of_its_session(
        earlier in prop::collection::vec(op(), 0..30),
        ops in prop::collection::vec(provisioning(), 0..20),
        fault in 0u8..5,
        volatile in any::<bool>(),
    ) {
        let mut world = World::new();
        earlier.iter().for_each(|op| world.apply(op));
        world.abort_all();
        let before = without_counters(&world);
        world.apply(&Op::Create { updatable: true, volatile, limit: 500 });
        // Operations on keys of earlier sessions charge those for good; here the session is to be alone.
        ops.iter().filter(|op| !matches!(op, Op::PostDelete { .. } | Op::PostUpdate { .. }))
            .for_each(|op| world.apply(op));
        let status = world.provoke(fault);
        prop_assert!(status.is_none_or(|status| status != Status::Internal));
        world.compare();
        prop_assert_eq!(without_counters(&world), before);
    }
}
