//! Killed at any moment, a store has every reservation and every result it acknowledged, and none in part.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use harness::{Load, say_done, say_open};
use tw4s_sam::ports::Read;
use tw4s_sam::record::Once;
use tw4s_store::{Engine, SamStore};

use crate::{commit, new_dir, next_number, open, row, sad_name};

const LOAD: Load = Load { test: "crash::load" };
const THREADS: u64 = 3;
const BATCH: u32 = 20;
const INTENT: &str = "intent";

#[test]
fn a_killed_process_loses_no_reservation() {
    for engine in Engine::ALL {
        let dir = new_dir();
        let mut acknowledged = BTreeSet::new();
        for round in 0..6 {
            let patience = Duration::from_millis(15 + 40 * (round * 5 % 6));
            // Now and then opening is killed too.
            let once_open = patience > Duration::from_millis(20);
            acknowledged.extend(LOAD.run_and_kill(dir.path(), &engine.to_string(), patience, once_open));
            assert_whole(&open(dir.path(), engine), &acknowledged);
        }
        assert!(acknowledged.len() > 20, "{engine}: the load was no load");
    }
}

/// Not a test: the process that is killed.
#[test]
#[ignore = "run by a_killed_process_loses_no_reservation"]
fn load() {
    let Some((dir, engine)) = harness::to_load() else { return };
    let store = open(&dir, engine.parse().unwrap());
    say_open();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let intent = reserve(&store);
                    say_done(intent);
                    say_done(finish(&store, intent));
                }
            });
        }
    });
}

/// The reservation of 4.1, as the module makes it.
fn reserve(store: &SamStore) -> u64 {
    let mut number = 0;
    commit(store, |txn| {
        number = next_number(txn);
        for what in batch(number) {
            assert!(txn.consume(&what).unwrap());
        }
        txn.append_audit(&row(number, INTENT)).unwrap();
        txn.open_intent(number).unwrap();
    });
    number
}

fn finish(store: &SamStore, intent: u64) -> u64 {
    let mut number = 0;
    commit(store, |txn| {
        number = next_number(txn);
        txn.append_audit(&row(number, &intent.to_string())).unwrap();
        txn.close_intent(intent).unwrap();
    });
    number
}

fn batch(number: u64) -> impl Iterator<Item = Once> {
    let mut sad = sad_name(5, 0);
    sad.id[..8].copy_from_slice(&number.to_be_bytes());
    (0..BATCH).map(move |occurrence| Once::Hash { sad, hash: vec![1; 32], occurrence })
}

/// All that was acknowledged is there; an intent has all its hashes, and is open until its result is there; nothing
/// else was consumed.
fn assert_whole(store: &SamStore, acknowledged: &BTreeSet<u64>) {
    let rows = store.audit(1, usize::MAX).unwrap();
    assert!(acknowledged.last().copied().unwrap_or(0) <= rows.len() as u64);
    let mut open = BTreeSet::new();
    for row in &rows {
        let is_intent = row.body == INTENT.as_bytes();
        let consumed = batch(row.number).filter(|what| store.is_consumed(what).unwrap()).count();
        assert_eq!(consumed, if is_intent { BATCH as usize } else { 0 }, "row {}", row.number);
        if is_intent {
            open.insert(row.number);
        } else {
            let intent = std::str::from_utf8(&row.body).unwrap().parse().unwrap();
            assert!(open.remove(&intent), "{intent} has two results, or none");
        }
    }
    assert_eq!(store.open_intents().unwrap(), open.into_iter().collect::<Vec<_>>());
    assert!(!batch(rows.len() as u64 + 1).any(|what| store.is_consumed(&what).unwrap()));
}
