//! The redo log: what it brings back, and what it refuses.

use std::{fs, path::Path};

use durable::{Db, Engine, Error, Options};
use tempfile::TempDir;

use crate::{TREE, assert_filled, open, options, put};

const LOGS: [&str; 2] = ["redo.0", "redo.1"];
/// Each of [`put`]'s commits takes one, behind the one that begins the log.
const BLOCK: usize = 4096;

/// The files of an open store in which nothing is under way, as a kill leaves them.
fn copy(from: &Path) -> TempDir {
    let to = TempDir::new().unwrap();
    copy_into(from, to.path());
    to
}

fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy_into(&entry.path(), &to.join(entry.file_name())),
            false => fs::copy(entry.path(), to.join(entry.file_name())).map(drop).unwrap(),
        }
    }
}

fn copy_logs(from: &Path, to: &Path) {
    for name in LOGS {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// A store of ten records, all of them in the log only.
fn killed(engine: Engine) -> TempDir {
    let dir = TempDir::new().unwrap();
    let db = open(dir.path(), engine);
    (0..10).for_each(|number| put(&db, number));
    copy(dir.path())
}

fn has_log(dir: &Path) -> bool {
    LOGS.iter().any(|name| dir.join(name).exists())
}

/// Asserts that the store is refused as damaged, with a word on what it is, and its log left alone.
fn assert_refused(dir: &Path, engine: Engine, why: &str) {
    let logs = || LOGS.map(|name| fs::read(dir.join(name)).ok());
    let before = logs();
    for _ in 0..2 {
        let error = Db::open(dir, &options(engine)).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(logs() == before, "{error}");
    }
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn get(db: &Db, number: u8) -> Option<Vec<u8>> {
    db.get(TREE, &[number]).unwrap()
}

/// Nothing waits for the engine: the store goes on with its log, and a close ends that.
#[test]
fn goes_on_with_what_a_killed_process_left() {
    for engine in Engine::ALL {
        let dir = killed(engine);
        let logs = || LOGS.map(|name| fs::read(dir.path().join(name)).ok());
        let before = logs();
        let db = open(dir.path(), engine);
        assert_filled(&db);
        assert!(logs() == before);
        assert_filled(&open(copy(dir.path()).path(), engine));
        drop(db);
        assert_filled(&open(dir.path(), engine));
        assert!(!has_log(dir.path()));
        assert_filled(&open(dir.path(), engine));
    }
}

/// Killed before the engine got anything of the file before, and again and again.
#[test]
fn goes_on_with_both_files_of_a_log() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let db = open(dir.path(), engine);
        put(&db, 0);
        let early = copy(dir.path());
        let mut count = 20;
        (1..count).for_each(|number| put(&db, number));
        let mut left = mix(early.path(), dir.path());
        assert!(LOGS.iter().all(|log| first_number(&left.path().join(log)) < 20));
        for _ in 0..8 {
            let db = open(left.path(), engine);
            (0..count).for_each(|number| assert_eq!(get(&db, number), Some(vec![number; 100])));
            assert_eq!(get(&db, count), None);
            (count..count + 9).for_each(|number| put(&db, number));
            count += 9;
            (0..count).for_each(|number| assert_eq!(get(&db, number), Some(vec![number; 100])));
            left = copy(left.path());
        }
        drop(open(left.path(), engine));
        assert!(!has_log(left.path()));
        let db = open(left.path(), engine);
        (0..count).for_each(|number| assert_eq!(get(&db, number), Some(vec![number; 100])));
        assert_eq!(get(&db, count), None);
    }
}

/// A long value that is in the log only keeps its pieces to itself.
#[test]
fn gives_no_piece_of_a_value_twice() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let write = |db: &Db, byte: u8| {
            let mut txn = db.begin().unwrap();
            txn.put(TREE, &[byte], &vec![byte; 40_000]).unwrap();
            txn.commit().unwrap();
        };
        let db = open(dir.path(), engine);
        write(&db, 1);
        let left = copy(dir.path());
        let db = open(left.path(), engine);
        write(&db, 2);
        for byte in [1, 2] {
            assert!(get(&db, byte) == Some(vec![byte; 40_000]));
        }
    }
}

#[test]
fn a_closed_store_has_no_log_and_a_read_makes_none() {
    for engine in Engine::ALL {
        let dir = crate::filled(engine);
        assert!(!has_log(dir.path()));
        let db = open(dir.path(), engine);
        assert_filled(&db);
        db.begin().unwrap().commit().unwrap();
        assert!(!has_log(dir.path()));
        put(&db, 1);
        assert!(has_log(dir.path()));
    }
}

/// The last batch, if it is torn, was never acknowledged.
#[test]
fn a_torn_end_is_no_damage() {
    for engine in Engine::ALL {
        for at in [0, 8, 20, 31, 40, 130] {
            let dir = killed(engine);
            flip(&dir.path().join(LOGS[0]), 10 * BLOCK + at);
            let db = open(dir.path(), engine);
            assert_eq!(db.get(TREE, &[9]).unwrap(), None);
            put(&db, 9);
            assert_filled(&db);
        }
        let dir = killed(engine);
        let log = fs::File::options().write(true).open(dir.path().join(LOGS[0])).unwrap();
        log.set_len(10 * BLOCK as u64 + 100).unwrap();
        let db = open(dir.path(), engine);
        assert_eq!(db.get(TREE, &[8]).unwrap(), Some(vec![8; 100]));
        assert_eq!(db.get(TREE, &[9]).unwrap(), None);
    }
}

#[test]
fn a_bad_batch_before_a_good_one_is_damage() {
    for engine in Engine::ALL {
        for batch in 0..10 {
            for at in [0, 8, 16, 24, 31] {
                let dir = killed(engine);
                flip(&dir.path().join(LOGS[0]), batch * BLOCK + at);
                assert_refused(dir.path(), engine, &format!("lost batch {}", batch.max(1)));
            }
        }
    }
}

#[test]
fn a_missing_log_is_damage() {
    for engine in Engine::ALL {
        for missing in [&LOGS[..1], &LOGS[1..], &LOGS] {
            let dir = killed(engine);
            missing.iter().for_each(|name| fs::remove_file(dir.path().join(name)).unwrap());
            assert_refused(dir.path(), engine, "it is missing, and the store was not closed");
        }
    }
}

#[test]
fn an_emptied_log_is_damage() {
    for engine in Engine::ALL {
        let dir = killed(engine);
        fs::write(dir.path().join(LOGS[0]), b"").unwrap();
        assert_refused(dir.path(), engine, "ends before batch 0, which it had");
        // Of two files, the one that was begun last.
        let [_, dir] = early_and_late(engine);
        let newest = LOGS.map(|name| dir.path().join(name)).into_iter().max_by_key(|path| first_number(path)).unwrap();
        fs::write(newest, vec![0; 64 << 10]).unwrap();
        assert_refused(dir.path(), engine, "it is an older copy");
    }
}

/// Of the batch at a log's beginning.
fn first_number(log: &Path) -> u64 {
    u64::from_be_bytes(fs::read(log).unwrap()[16..24].try_into().unwrap())
}

#[test]
fn refuses_the_log_of_another_store() {
    for engine in Engine::ALL {
        let other = killed(engine);
        for dir in [killed(engine), crate::filled(engine), TempDir::new().unwrap()] {
            drop(open(&dir.path().join("fresh"), engine));
            let dir = if dir.path().join("FORMAT").exists() { dir.path().to_owned() } else { dir.path().join("fresh") };
            copy_logs(other.path(), &dir);
            assert_refused(&dir, engine, "belongs to another store");
        }
    }
}

/// Waits for the thread that brings the log into the engine, and copies the store then.
fn copy_when_applied(db: &Db, dir: &Path) -> TempDir {
    // Each commit waits, when both files are full.
    put(db, 1);
    std::thread::sleep(std::time::Duration::from_millis(500));
    copy(dir)
}

/// Two copies of one store in one session, the log switched a few times in between.
fn early_and_late(engine: Engine) -> [TempDir; 2] {
    let dir = TempDir::new().unwrap();
    let db = open(dir.path(), engine);
    (0..20).for_each(|number| put(&db, number));
    let early = copy_when_applied(&db, dir.path());
    (0..100).for_each(|number| put(&db, number));
    [early, copy_when_applied(&db, dir.path())]
}

fn mix(engine_of: &Path, log_of: &Path) -> TempDir {
    let dir = copy(engine_of);
    copy_logs(log_of, dir.path());
    dir
}

#[test]
fn refuses_a_log_that_begins_behind_the_engine() {
    for engine in Engine::ALL {
        let [early, late] = early_and_late(engine);
        assert_refused(mix(early.path(), late.path()).path(), engine, "the redo log has lost batch");
        assert_filled(&open(early.path(), engine));
        assert_filled(&open(late.path(), engine));
    }
}

#[test]
fn refuses_a_log_that_is_older_than_the_engine() {
    for engine in Engine::ALL {
        let [early, late] = early_and_late(engine);
        assert_refused(mix(late.path(), early.path()).path(), engine, "it is an older copy");
    }
}

/// As a cut can leave them: the names of a log whose removal, or whose first use, never reached the
/// disk.
#[test]
fn removes_a_log_that_the_engine_has_done_with() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let db = open(dir.path(), engine);
        (0..10).for_each(|number| put(&db, number));
        let before = copy(dir.path());
        drop(db);
        copy_logs(before.path(), dir.path());
        assert_filled(&open(dir.path(), engine));
        assert!(!has_log(dir.path()));
        fs::write(dir.path().join(LOGS[1]), b"").unwrap();
        assert_filled(&open(dir.path(), engine));
        assert!(!has_log(dir.path()));
    }
}

/// Programs that know no log must not open a store that may have one.
#[test]
fn the_first_commit_raises_the_format() {
    for engine in Engine::ALL {
        let dir = crate::filled(engine);
        let format = dir.path().join("FORMAT");
        fs::write(&format, format!("durable store, format 1\nengine {engine}\n")).unwrap();
        let db = open(dir.path(), engine);
        assert_filled(&db);
        assert!(fs::read_to_string(&format).unwrap().contains("format 1\n"));
        put(&db, 1);
        assert_eq!(fs::read_to_string(&format).unwrap(), format!("durable store, format 2\nengine {engine}\n"));
        drop(db);
        assert_filled(&open(dir.path(), engine));
    }
}

#[test]
fn the_log_stays_in_its_bounds() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let options = Options { log_bytes: 256 << 10, ..options(engine) };
        let db = Db::open(dir.path(), &options).unwrap();
        let length = || LOGS.map(|name| fs::metadata(dir.path().join(name)).unwrap().len());
        for round in 0..600_u32 {
            put(&db, round as u8);
            // The limit, once more while the engine is busy, and a step.
            assert!(length().iter().all(|length| *length <= (2 << 18) + (1 << 20)), "{:?}", length());
        }
        // A longer transaction passes, and does not stay.
        let mut txn = db.begin().unwrap();
        txn.put(TREE, b"long", &vec![1; 5 << 20]).unwrap();
        txn.commit().unwrap();
        assert!(length().iter().any(|length| *length > 5 << 20));
        (0..255).for_each(|round| put(&db, round));
        assert!(length().iter().all(|length| *length < 2 << 20), "{:?}", length());
        assert_eq!(db.get(TREE, b"long").unwrap().unwrap(), vec![1; 5 << 20]);
    }
}
