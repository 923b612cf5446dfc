//! Killed at any moment, a store has all it acknowledged, and nothing in part.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use durable::{Db, Engine, Tree};
use harness::{Load, say_done, say_open};
use tempfile::TempDir;

use crate::open;

const LOAD: Load = Load { test: "crash::load" };
const THREADS: u64 = 3;
/// Records of one transaction, one in each of as many trees.
const PARTS: u8 = 5;

#[test]
fn a_killed_process_loses_nothing() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let mut acknowledged = BTreeSet::new();
        for round in 0..8 {
            let patience = Duration::from_millis(15 + 40 * (round * 7 % 8));
            // In every other round it may be killed while it opens.
            acknowledged.extend(LOAD.run_and_kill(dir.path(), &engine.to_string(), patience, round % 2 == 0));
            let db = open(dir.path(), engine);
            for number in &acknowledged {
                assert_whole(&db, *number);
            }
            assert_nothing_in_part(&db);
        }
        assert!(acknowledged.len() > 20, "{engine}: the load was no load");
    }
}

/// Not a test: the process that is killed.
#[test]
#[ignore = "run by a_killed_process_loses_nothing"]
fn load() {
    let Some((dir, engine)) = harness::to_load() else { return };
    let db = open(&dir, engine.parse().unwrap());
    say_open();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    say_done(transact(&db));
                }
            });
        }
    });
}

fn transact(db: &Db) -> u64 {
    let mut txn = db.begin().unwrap();
    let last = txn.get(Tree(0), b"last").unwrap();
    let number = last.map_or(0, |last| u64::from_be_bytes(last.try_into().unwrap())) + 1;
    txn.put(Tree(0), b"last", &number.to_be_bytes()).unwrap();
    for part in 1..=PARTS {
        txn.put(Tree(part), &number.to_be_bytes(), &value(number, part)).unwrap();
    }
    txn.commit().unwrap();
    number
}

/// Now and then one in pieces.
fn value(number: u64, part: u8) -> Vec<u8> {
    let length = match number % 16 {
        0 => 20_000,
        _ => 50 * usize::from(part),
    };
    vec![number as u8 ^ part; length]
}

fn assert_whole(db: &Db, number: u64) {
    for part in 1..=PARTS {
        let found = db.get(Tree(part), &number.to_be_bytes()).unwrap();
        assert!(found == Some(value(number, part)), "part {part} of {number}");
    }
}

/// Transactions are there from 1 to the last, and nothing after it.
fn assert_nothing_in_part(db: &Db) {
    let last = db.get(Tree(0), b"last").unwrap();
    let last = last.map_or(0, |last| u64::from_be_bytes(last.try_into().unwrap()));
    for number in 1..=last {
        assert_whole(db, number);
    }
    for part in 1..=PARTS {
        let key = last.to_be_bytes();
        assert_eq!(db.next(Tree(part), std::ops::Bound::Excluded(&key)).unwrap(), None);
    }
}
