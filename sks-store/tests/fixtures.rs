//! Every store version that was ever released opens and reads back: vectors/store/<version>-<engine>.
//!
//! When the format changes, make a fixture of the new version and leave the old ones:
//! `cargo test -p sks-store --test fixtures -- --ignored`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use harness::{copy_store, write_private};
use sks_core::ports::{Read, Store};
use sks_store::{Engine, FORMAT, KeySource, OpenOptions, SealedStore};

mod common;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/store")
}

fn options(dir: &Path, engine: Option<Engine>) -> OpenOptions {
    OpenOptions { engine, ..OpenOptions::new(KeySource::File(SealedStore::default_key_file(dir))) }
}

#[test]
fn the_current_version_has_a_fixture_of_each_engine() {
    for engine in Engine::ALL {
        let dir = fixtures().join(format!("{FORMAT}-{engine}"));
        assert!(dir.join("seal").exists(), "{} is missing: make and commit it", dir.display());
    }
}

#[test]
fn every_fixture_reads_back_and_takes_writes() {
    for entry in fs::read_dir(fixtures()).unwrap() {
        let fixture = entry.unwrap().path();
        if !fixture.is_dir() {
            continue;
        }
        let copy = tempfile::tempdir().unwrap();
        copy_store(&fixture, copy.path());
        let store = SealedStore::open(copy.path(), options(copy.path(), None)).unwrap();
        let name = fixture.file_name().unwrap().to_str().unwrap();
        assert_eq!(name.split_once('-').unwrap().1, store.engine().to_string());
        let records = common::records();
        for (at, record) in &records {
            assert_eq!(store.get(at).unwrap().as_ref(), Some(record), "{name}: {at:?}");
        }
        let mut txn = store.begin().unwrap();
        for (at, _) in &records {
            txn.remove(at).unwrap();
        }
        txn.commit().unwrap();
        assert!(records.iter().all(|(at, _)| store.get(at).unwrap().is_none()));
    }
}

#[test]
#[ignore = "writes into vectors/store"]
fn make() {
    for engine in Engine::ALL {
        let dir = fixtures().join(format!("{FORMAT}-{engine}"));
        assert!(!dir.exists(), "{} is there and stays", dir.display());
        let made = tempfile::tempdir().unwrap();
        let key: Vec<u8> = (0..32).collect();
        write_private(&SealedStore::default_key_file(made.path()), &key);
        let store = SealedStore::open(made.path(), options(made.path(), Some(engine))).unwrap();
        let mut txn = store.begin().unwrap();
        for (at, record) in common::records() {
            txn.put(at, record).unwrap();
        }
        txn.commit().unwrap();
        drop(store);
        fs::create_dir_all(&dir).unwrap();
        copy_store(made.path(), &dir);
    }
}
