//! No secret lies in clear in any file of the store.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use sks_core::ports::Store;
use sks_store::{Engine, KeySource, OpenOptions, SealedStore};

mod common;

#[test]
fn no_file_shows_a_secret() {
    for engine in Engine::ALL {
        let dir = tempfile::tempdir().unwrap();
        let key = KeySource::File(SealedStore::default_key_file(dir.path()));
        let open =
            || SealedStore::open(dir.path(), OpenOptions { engine: Some(engine), ..OpenOptions::new(key.clone()) });
        let store = open().unwrap();
        // Written twice, so that old versions and reused space are there too.
        for _ in 0..2 {
            let mut txn = store.begin().unwrap();
            for (at, record) in common::records() {
                txn.put(at, record).unwrap();
            }
            txn.commit().unwrap();
        }
        let secrets = [common::SECRET, common::PIN, common::PUBLIC];
        assert_eq!(count(dir.path(), &secrets), 0, "{engine}, open");
        drop(store);
        assert_eq!(count(dir.path(), &secrets), 0, "{engine}, closed");
        drop(open().unwrap());
        assert_eq!(count(dir.path(), &secrets), 0, "{engine}, opened again");
        // The master key lies in its own file alone, and the search finds what is there: ids in keys are in clear.
        let master = fs::read(dir.path().join("master.key")).unwrap();
        assert_eq!(count(dir.path(), &[&master]), 1);
        assert!(count(dir.path(), &[b"_client-session"]) > 0);
    }
}

/// How often any of these occurs in the files below.
fn count(dir: &Path, needles: &[&[u8]]) -> usize {
    let mut found = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found += count(&path, needles);
        } else {
            let bytes = fs::read(&path).unwrap();
            found += needles
                .iter()
                .map(|needle| bytes.windows(needle.len()).filter(|at| at == needle).count())
                .sum::<usize>();
        }
    }
    found
}
