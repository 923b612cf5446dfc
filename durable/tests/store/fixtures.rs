//! Stores that older programs left open, as a kill leaves them: `tests/fixtures/<format>-<engine>`.
//! Every later program opens them.
//!
//! When the format changes, make fixtures of the new one and leave the old ones:
//! `cargo test -p durable --test store -- --ignored fixtures::make`.

use std::{fs, path::Path, path::PathBuf, thread, time::Duration};

use durable::{Db, Engine};
use harness::copy_store;
use tempfile::TempDir;

use crate::{TREE, open, put};

/// The format that is written today.
const FORMAT: u32 = 2;
static LONG: [u8; 40_000] = [7; 40_000];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Some of it in the engine, some in the log only: a removal, a long value and one that is changed.
fn fill(db: &Db) {
    // Until the log has turned.
    (0..20).for_each(|number| put(db, number));
    // For what is brought into the engine.
    thread::sleep(Duration::from_secs(1));
    let mut txn = db.begin().unwrap();
    txn.put(TREE, b"long", &LONG).unwrap();
    txn.put(TREE, &[1], b"changed").unwrap();
    txn.remove(TREE, &[3]).unwrap();
    txn.commit().unwrap();
}

fn assert_whole(db: &Db) {
    let get = |key: &[u8]| db.get(TREE, key).unwrap();
    for number in 0..20_u8 {
        let expected = match number {
            1 => Some(b"changed".to_vec()),
            3 => None,
            _ => Some(vec![number; 100]),
        };
        assert_eq!(get(&[number]), expected);
    }
    assert_eq!(get(&[20]), None);
    assert!(get(b"long").is_some_and(|long| long == LONG));
}

#[test]
fn opens_what_a_killed_older_program_left() {
    for fixture in fs::read_dir(fixtures()).unwrap() {
        let fixture = fixture.unwrap().path();
        let engine = fixture.to_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
        let dir = TempDir::new().unwrap();
        copy_store(&fixture, dir.path());
        assert!(dir.path().join("redo.0").exists() && dir.path().join("redo.1").exists());
        let db = open(dir.path(), engine);
        assert_whole(&db);
        put(&db, 20);
        drop(db);
        let db = open(dir.path(), engine);
        assert_eq!(db.get(TREE, &[20]).unwrap(), Some(vec![20; 100]));
        let mut txn = db.begin().unwrap();
        txn.remove(TREE, &[20]).unwrap();
        txn.commit().unwrap();
        assert_whole(&db);
    }
}

/// A store of today's format is among the fixtures.
#[test]
fn the_format_of_today_has_a_fixture_of_each_engine() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        drop(open(dir.path(), engine));
        let format = fs::read(fixtures().join(format!("{FORMAT}-{engine}/FORMAT")));
        assert_eq!(fs::read(dir.path().join("FORMAT")).unwrap(), format.unwrap(), "make and commit it");
    }
}

/// Not a test: makes those of today's format, which are not there yet.
#[test]
#[ignore = "makes fixtures"]
fn make() {
    for engine in Engine::ALL {
        let made = TempDir::new().unwrap();
        let db = open(made.path(), engine);
        fill(&db);
        let fixture = fixtures().join(format!("{FORMAT}-{engine}"));
        fs::create_dir_all(fixtures()).unwrap();
        fs::create_dir(&fixture).unwrap();
        copy_store(made.path(), &fixture);
    }
}
