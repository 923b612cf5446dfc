//! What a store does, on both engines, through the public interface.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod crash;
mod fixtures;
mod full;
mod model;
mod opening;
mod redo;
mod sled;
mod threads;

use std::{collections::BTreeMap, fs, io::Write, path::Path};

use durable::{Db, Engine, Error, Options, Tree};
use tempfile::TempDir;

const TREE: Tree = Tree(1);

/// With a redo log that is soon full, so that what is written soon reaches the engine.
fn options(engine: Engine) -> Options {
    Options { engine: Some(engine), reserve_bytes: 0, log_bytes: 64 << 10, ..Options::default() }
}

fn open(dir: &Path, engine: Engine) -> Db {
    Db::open(dir, &options(engine)).unwrap()
}

/// A directory with a store of ten records, closed again.
fn filled(engine: Engine) -> TempDir {
    let dir = TempDir::new().unwrap();
    let db = open(dir.path(), engine);
    for number in 0..10 {
        put(&db, number);
    }
    drop(db);
    dir
}

fn put(db: &Db, number: u8) {
    let mut txn = db.begin().unwrap();
    txn.put(TREE, &[number], &[number; 100]).unwrap();
    txn.commit().unwrap();
}

/// Asserts that the records of [`filled`] are there.
fn assert_filled(db: &Db) {
    for number in 0..10 {
        assert_eq!(db.get(TREE, &[number]).unwrap(), Some(vec![number; 100]));
    }
}

/// All files below a directory, but for the lock, with what is in them.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.to_string_lossy().into_owned(), Vec::new());
            found.extend(files(&path));
        } else if !path.ends_with("LOCK") {
            found.insert(path.to_string_lossy().into_owned(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Says that a test did not run, past the capture of output: nobody should take this for a pass.
fn skipped(why: &str) {
    std::io::stderr().write_all(format!("\nSKIPPED: {why}\n").as_bytes()).unwrap();
}

/// Asserts that the store is refused as damaged, and left as it was.
fn assert_damaged(dir: &Path, engine: Engine) {
    let before = files(dir);
    let error = Db::open(dir, &options(engine)).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    assert!(files(dir) == before, "{error:?}, and the files changed");
}
