//! Killed at any moment, a store has all it acknowledged, and nothing in part.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write, stdout},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use durable::{Db, Engine, Tree};
use tempfile::TempDir;

use crate::open;

const DIR: &str = "DURABLE_CRASH_DIR";
const ENGINE: &str = "DURABLE_CRASH_ENGINE";
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
            acknowledged.extend(run_and_kill(dir.path(), engine, patience));
            let db = open(dir.path(), engine);
            for number in &acknowledged {
                assert_whole(&db, *number);
            }
            assert_nothing_in_part(&db);
        }
        assert!(acknowledged.len() > 20, "{engine}: the load was no load");
    }
}

/// Starts the load, kills it after a while, and returns what it acknowledged.
fn run_and_kill(dir: &Path, engine: Engine, patience: Duration) -> Vec<u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "crash::load", "--nocapture"])
        .env(DIR, dir)
        .env(ENGINE, engine.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Opening takes as long as it takes; in every other round it is killed too.
    if patience.as_millis() % 2 == 1 {
        lines.find(|line| line.as_ref().is_ok_and(|line| line == "open"));
    }
    thread::sleep(patience);
    child.kill().unwrap();
    child.wait().unwrap();
    let numbers = lines.map_while(Result::ok);
    numbers.filter_map(|line| line.strip_prefix("ack ")?.parse().ok()).collect()
}

/// Not a test: the process that is killed.
#[test]
#[ignore = "run by a_killed_process_loses_nothing"]
fn load() {
    let (Some(dir), Ok(engine)) = (env::var_os(DIR), env::var(ENGINE)) else {
        return;
    };
    let db = open(&PathBuf::from(dir), engine.parse().unwrap());
    say("open");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    say(&format!("ack {}", transact(&db)));
                }
            });
        }
    });
}

fn say(line: &str) {
    let mut stdout = stdout().lock();
    stdout.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    stdout.flush().unwrap();
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
