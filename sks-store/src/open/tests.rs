#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use sks_wire::Secret;

use super::*;

fn options(engine: Engine) -> OpenOptions {
    let cost = PassphraseCost { memory_kib: 8, passes: 1 };
    OpenOptions { engine: Some(engine), cost, ..OpenOptions::new(KeySource::Passphrase(Secret::new(b"p".to_vec()))) }
}

#[test]
fn refuses_a_newer_format_and_leaves_it() {
    for engine in Engine::ALL {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let store = SealedStore::open(path, options(engine)).unwrap();
        let paths = Paths { dir: path, seal: path.join("seal"), seal_new: path.join("seal.new"), db: path.join("db") };
        paths.write_format(&store.db, &store.sealer, FORMAT + 1).unwrap();
        drop(store);
        for _ in 0..2 {
            let error = SealedStore::open(path, options(engine)).unwrap_err();
            assert!(matches!(error, OpenError::NewerFormat { found: 2, known: 1, .. }), "{error}");
        }
    }
}

#[test]
fn refuses_a_store_without_its_format() {
    for engine in Engine::ALL {
        let dir = tempfile::tempdir().unwrap();
        let store = SealedStore::open(dir.path(), options(engine)).unwrap();
        let mut txn = store.db.begin().unwrap();
        txn.remove(Place::format().tree(), Place::format().key()).unwrap();
        txn.commit().unwrap();
        drop(store);
        let error = SealedStore::open(dir.path(), options(engine)).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    }
}

#[test]
fn makes_an_unfinished_store_anew() {
    for engine in Engine::ALL {
        let dir = tempfile::tempdir().unwrap();
        drop(SealedStore::open(dir.path(), options(engine)).unwrap());
        fs::rename(dir.path().join("seal"), dir.path().join("seal.new")).unwrap();
        // Another passphrase than at the first try.
        let other = OpenOptions { key: KeySource::Passphrase(Secret::new(b"q".to_vec())), ..options(engine) };
        assert!(SealedStore::open(dir.path(), other.clone()).unwrap().created());
        assert!(!dir.path().join("seal.new").exists());
        assert!(!SealedStore::open(dir.path(), other).unwrap().created());
    }
}

#[test]
fn removes_nothing_where_a_file_is_missing() {
    for missing in ["seal", "db"] {
        let dir = tempfile::tempdir().unwrap();
        drop(SealedStore::open(dir.path(), options(Engine::Redb)).unwrap());
        let other = if missing == "seal" { "db" } else { "seal" };
        fs::rename(dir.path().join(missing), dir.path().join("aside")).unwrap();
        let error = SealedStore::open(dir.path(), options(Engine::Redb)).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        assert!(dir.path().join(other).exists() && !dir.path().join(missing).exists());
        fs::rename(dir.path().join("aside"), dir.path().join(missing)).unwrap();
        assert!(!SealedStore::open(dir.path(), options(Engine::Redb)).unwrap().created());
    }
}
