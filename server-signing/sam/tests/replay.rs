//! Each authorised hash signs once (4.1, and row 17 of 1.9): one after the other, side by side, and across a crash.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use proptest::prelude::*;
use tw4s_formats::operation::{DeleteSignerKeyPair, SignerMaintenance, SigningResult, Void};
use tw4s_formats::{ErrorType, Sad};
use tw4s_sam::audit::{Outcome as Recorded, Query};
use tw4s_sam::record::{Once, SadName, State};
use tw4s_sam::testing::{NOW, Outcome, TokenSpec, World};
use tw4s_sam::{Config, Refusal};

const ALREADY_USED: &str = "already used";

fn is_replay(outcome: &Outcome) -> bool {
    outcome.error() == Some(ErrorType::InvalidAuthentication) && outcome.detail() == ALREADY_USED
}

fn recorded(world: &World, outcome: Recorded) -> usize {
    let query = Query { action: Some("Signing".into()), outcome: Some(outcome), ..Query::default() };
    world.sam.search_audit(&query, usize::MAX).unwrap().len()
}

#[test]
fn a_replay_is_refused_and_recorded() {
    let mut world = World::default();
    let sad = world.sad(&[vec![1; 32]]);
    assert!(matches!(world.sign(&sad), Outcome::Result(_)));
    assert!(is_replay(&world.sign(&sad)));
    assert_eq!(world.last_entry().cause.as_deref(), Some(ALREADY_USED));
    world.restart();
    assert!(is_replay(&world.sign(&sad)));
    assert_eq!(world.firmware.activations(), 1);
}

/// sad_id is the SHA-256 of the SADTBS, and not of the SAD: an ECDSA signature can be changed into another that verifies.
#[test]
fn another_signature_makes_no_other_sad() {
    let world = World::default();
    let sad = world.sad(&[vec![1; 32]]);
    assert!(matches!(world.sign(&sad), Outcome::Result(_)));
    let again = Sad { signature: world.person.resigned(&sad), ..sad.clone() };
    assert_ne!(again.signature, sad.signature);
    assert_eq!(again.tbs, sad.tbs);
    assert!(is_replay(&world.sign(&again)));
}

#[test]
fn equal_hashes_in_one_sad_are_each_signed() {
    let world = World::default();
    let hashes = [vec![1; 32], vec![2; 32], vec![1; 32], vec![1; 32]];
    let sad = world.sad(&hashes);
    assert_eq!(world.sign(&sad).result::<SigningResult>().sigbin.len(), 4);
    assert_eq!(world.store.tables().consumed.len(), 4);
    assert!(is_replay(&world.sign(&sad)));
}

/// A second will of the same person over the same hash has a token of its own.
#[test]
fn the_same_hash_in_another_sad_is_signed() {
    let world = World::default();
    assert!(matches!(world.sign(&world.sad(&[vec![1; 32]])), Outcome::Result(_)));
    let spec = TokenSpec { jti: Some([8; 16]), ..TokenSpec::of(world.signer) };
    assert!(matches!(world.sign(&world.sad_with(&spec, &[vec![1; 32]])), Outcome::Result(_)));
}

/// One winner, the rest InvalidAuthentication, `already used`.
#[test]
fn of_parallel_replays_one_wins() {
    const THREADS: usize = 16;
    let world = World::default();
    let sad = world.sad(&[vec![1; 32], vec![1; 32], vec![2; 32]]);
    let barrier = Barrier::new(THREADS);
    let outcomes = std::thread::scope(|scope| {
        let ask = || {
            barrier.wait();
            (0..4).map(|_| world.sign(&sad)).collect::<Vec<_>>()
        };
        let threads = (0..THREADS).map(|_| scope.spawn(ask)).collect::<Vec<_>>();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let won = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Result(_))).count();
    let lost = outcomes.iter().filter(|outcome| is_replay(outcome)).count();
    assert_eq!((won, lost), (1, THREADS * 4 - 1));
    assert_eq!(world.firmware.activations(), 1);
    assert_eq!(recorded(&world, Recorded::Success), 1);
    assert_eq!(recorded(&world, Recorded::Intent), 1);
    assert_eq!(recorded(&world, Recorded::Failed), THREADS * 4 - 1);
    assert!(world.sam.check_data(None).unwrap().is_ok());
}

/// 4.1: the hashes are consumed, and the intent is recorded, durably and before the key is activated.
#[test]
fn all_is_reserved_before_the_key_is_activated() {
    let world = World::default();
    let sad = world.sad(&[vec![1; 32], vec![2; 32]]);
    let store = world.store.clone();
    let not_after = sad.tbs.identity_token.data.not_after.to_string();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    world.firmware.set_before_sign(move || {
        let tables = store.tables();
        assert_eq!(tables.consumed.len(), 2);
        assert_eq!(tables.open.len(), 1);
        let last = tables.audit.last().unwrap();
        let entry = last.entry().unwrap();
        assert_eq!(entry.outcome, Recorded::Intent);
        assert_eq!(entry.expires.as_ref(), Some(&not_after));
        assert!(tables.open.contains(&last.number));
        count.fetch_add(1, Ordering::SeqCst);
    });
    assert!(matches!(world.sign(&sad), Outcome::Result(_)));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

/// "Crash between = hash stays consumed (fail closed; report as "unknown outcome", visible in audit)."
#[test]
fn a_crash_before_the_signature_leaves_the_hash_consumed() {
    let mut world = World::default();
    let sad = world.sad(&[vec![1; 32]]);
    let store = world.store.clone();
    world.firmware.set_before_sign(move || store.set_down(true));
    // The signature is made, but its record cannot be: it is not given out.
    assert_eq!(world.sign(&sad).detail(), Refusal::Store.cause());
    world.store.set_down(false);
    world.firmware.set_before_sign(|| ());
    assert_eq!(recorded(&world, Recorded::Success), 0);

    world.restart();
    let log = world.log();
    let intent = log.iter().find(|entry| entry.outcome == Recorded::Intent).unwrap();
    let unknown = log.iter().filter(|entry| entry.outcome == Recorded::Unknown).collect::<Vec<_>>();
    let [unknown] = unknown[..] else { panic!("{unknown:?}") };
    assert_eq!(unknown.intent, Some(intent.number));
    assert_eq!((&unknown.acting, &unknown.key, &unknown.sad), (&intent.acting, &intent.key, &intent.sad));
    assert!(is_replay(&world.sign(&sad)));

    // It is said once.
    world.restart();
    assert_eq!(recorded(&world, Recorded::Unknown), 1);
    assert!(world.sam.check_data(None).unwrap().is_ok());
}

#[test]
fn a_failed_signature_leaves_the_hash_consumed() {
    let world = World::default();
    let sad = world.sad(&[vec![1; 32]]);
    world.firmware.set_failing(true);
    assert_eq!(world.sign(&sad).detail(), Refusal::SignatureFailed.cause());
    world.firmware.set_failing(false);
    let entry = world.last_entry();
    assert!(entry.intent.is_some());
    assert!(world.store.tables().open.is_empty(), "its outcome is known");
    assert!(is_replay(&world.sign(&sad)));
}

#[test]
fn all_signatures_are_given_or_none() {
    let world = World::default();
    world.firmware.set_short(true);
    let outcome = world.sign(&world.sad(&[vec![1; 32], vec![2; 32]]));
    assert_eq!(outcome.detail(), Refusal::SignatureFailed.cause());
    assert_eq!(recorded(&world, Recorded::Success), 0);
}

#[test]
fn a_full_database_signs_nothing() {
    let world = World::default();
    let sad = world.sad(&[vec![1; 32]]);
    world.store.set_full(true);
    assert_eq!(world.sign(&sad).error(), Some(ErrorType::NotOperational));
    assert_eq!(world.firmware.activations(), 0);
    world.store.set_full(false);
    assert!(matches!(world.sign(&sad), Outcome::Result(_)), "and consumed nothing");
}

/// Changes the world at the last moment at which the reservation must notice: after the checks, before the reservation.
/// The firmware's admission is that moment, for the fixtures' one calls the hook there.
fn between_checks_and_reservation(world: &World, change: impl Fn() + Send + Sync + 'static) {
    let done = AtomicUsize::new(0);
    world.firmware.set_after_admission(move || {
        if done.fetch_add(1, Ordering::SeqCst) == 0 {
            change();
        }
    });
}

/// 4.1: "deletion = tombstone checked in the same reservation transaction (no sign-after-delete race)".
#[test]
fn a_key_deleted_meanwhile_does_not_sign() {
    let world = Arc::new(World::default());
    let sad = world.sad(&[vec![1; 32]]);
    let at = world.clone();
    between_checks_and_reservation(&world, move || {
        let Void {} = at.ask(&DeleteSignerKeyPair { keyid: at.text(at.key) }, at.officer).result();
    });
    assert_eq!(world.sign(&sad).detail(), Refusal::KeyDestroyed.cause());
    assert_eq!(world.firmware.activations(), 0);
    assert!(world.store.tables().consumed.is_empty());
    assert!(world.store.tables().objects.values().any(|object| object.state == State::Destroyed));
}

/// 4.1: "User certificate changes: version number in the row, checked in that transaction as well."
#[test]
fn certificates_changed_meanwhile_do_not_sign() {
    let world = Arc::new(World::default());
    let sad = world.sad(&[vec![1; 32]]);
    let at = world.clone();
    between_checks_and_reservation(&world, move || {
        let certificates = at.certificates_of(&[&at.other_idp]);
        let Void {} = at.ask(&SignerMaintenance { userid: at.text(at.signer), certificates }, at.officer).result();
    });
    assert_eq!(world.sign(&sad).detail(), Refusal::CertificatesChanged.cause());
    assert_eq!(world.firmware.activations(), 0);
    assert!(world.store.tables().consumed.is_empty());
}

/// Row 17: "kept to notAfter+skew", and a day longer, for clocks that are set back.
#[test]
fn what_is_consumed_is_kept_while_its_token_could_be_believed() {
    let world = World::default();
    let sad = world.sad(&[vec![1; 32]]);
    assert!(matches!(world.sign(&sad), Outcome::Result(_)));
    let last = sad.tbs.identity_token.data.not_after.unix() * 1000 + Config::default().skew_ms;
    let kept = last + Config::default().keep_consumed_ms;
    for (now, left) in [(last, 1), (last + 1, 1), (kept, 1), (kept + 1, 0)] {
        world.clock.set(now);
        world.sam.tidy().unwrap();
        assert_eq!(world.store.tables().consumed.len(), left, "{now}");
    }
    world.clock.set(last + 1);
    assert_eq!(world.sign(&sad).detail(), Refusal::TokenExpired.cause());
    // Only a clock that is set back by more than a day opens the window again.
    world.clock.set(NOW);
    assert!(matches!(world.sign(&sad), Outcome::Result(_)));
}

/// However much it is: a purge takes its turns.
#[test]
fn all_that_expired_is_forgotten() {
    let world = World::default();
    for (jti, count) in [(1, 999_u16), (2, 999)] {
        let hashes = (0..count).map(|number| [&number.to_be_bytes()[..], &[0; 30]].concat()).collect::<Vec<_>>();
        let spec = TokenSpec { jti: Some([jti; 16]), ..TokenSpec::of(world.signer) };
        assert!(matches!(world.sign(&world.sad_with(&spec, &hashes)), Outcome::Result(_)));
    }
    assert_eq!(world.store.tables().consumed.len(), 2 * 999);
    world.clock.set(NOW + 2 * Config::default().keep_consumed_ms);
    world.sam.tidy().unwrap();
    assert_eq!(world.store.tables().consumed.len(), 0);
}

/// Row 17: "jti is recorded in the audit, not consumed". A token may stand in several SADs while it is valid.
#[test]
fn a_token_is_not_consumed() {
    let world = World::default();
    for byte in [1, 2] {
        assert!(matches!(world.sign(&world.sad(&[vec![byte; 32]])), Outcome::Result(_)));
        assert_eq!(world.last_entry().jti.as_deref(), Some("09".repeat(16).as_str()));
    }
}

#[test]
fn names_of_what_is_consumed_do_not_meet() {
    let hash = |sad: u8, hash: &[u8], occurrence| {
        let sad = SadName { not_after_ms: 1, id: [sad; 32] };
        Once::Hash { sad, hash: hash.to_vec(), occurrence }.to_key()
    };
    let all = [
        hash(1, &[1; 32], 0),
        hash(1, &[1; 32], 1),
        hash(1, &[2; 32], 0),
        hash(2, &[1; 32], 0),
        Once::Message { certificate: [1; 32], id: [1; 16], expires_ms: 1 }.to_key(),
        Once::Message { certificate: [1; 32], id: [2; 16], expires_ms: 1 }.to_key(),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(all.iter().skip(at + 1).all(|other| other != one));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Some SADs, each sent several times, in any order, by several threads, with restarts, failures of the crypto module
    /// and lost records in between: each hash of each SAD is signed once at most, whoever got a signature is the one
    /// whom the log calls a success, and everything that was reserved has an outcome.
    #[test]
    fn each_hash_signs_once_under_any_interleaving(
        sads in prop::collection::vec(prop::collection::vec(0..3_u8, 1..4), 1..4),
        sent in prop::collection::vec((0..4_usize, any::<bool>(), any::<bool>()), 1..14),
        threads in 1..4_usize,
    ) {
        let mut world = World::default();
        let sads = sads.iter().enumerate().map(|(at, hashes)| {
            let jti = Some([u8::try_from(at).unwrap(); 16]);
            let hashes = hashes.iter().map(|byte| vec![*byte; 32]).collect::<Vec<_>>();
            world.sad_with(&TokenSpec { jti, ..TokenSpec::of(world.signer) }, &hashes)
        }).collect::<Vec<_>>();
        let mut won = BTreeMap::<usize, usize>::new();
        for chunk in sent.chunks(threads) {
            let failing = chunk.iter().any(|(_, failing, _)| *failing);
            world.firmware.set_failing(failing);
            let outcomes = std::thread::scope(|scope| {
                let world = &world;
                let threads = chunk.iter().map(|(which, ..)| {
                    let at = which % sads.len();
                    let sad = sads.get(at).unwrap();
                    scope.spawn(move || (at, world.sign(sad)))
                }).collect::<Vec<_>>();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            });
            for (at, outcome) in outcomes {
                match outcome {
                    Outcome::Result(_) => *won.entry(at).or_default() += 1,
                    other => prop_assert!(is_replay(&other) || failing, "{:?}", other),
                }
            }
            if chunk.iter().any(|(_, _, restart)| *restart) {
                world.restart();
            }
        }
        prop_assert!(won.values().all(|count| *count == 1));
        prop_assert_eq!(world.firmware.activations(), u64::try_from(won.len()).unwrap());
        prop_assert_eq!(recorded(&world, Recorded::Success), won.len());
        prop_assert!(world.store.tables().open.is_empty());
        let report = world.sam.check_data(None).unwrap();
        prop_assert!(report.is_ok(), "{:?}", report);
    }
}
