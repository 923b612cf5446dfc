//! How a store is made, found, refused and locked.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use durable::{Db, Engine, Error, Options};
use tempfile::TempDir;

use crate::{TREE, assert_damaged, assert_filled, files, filled, open, options, put};

#[test]
fn makes_a_private_directory_and_says_so() {
    for engine in Engine::ALL {
        let parent = TempDir::new().unwrap();
        let dir = parent.path().join("a/b/store");
        let db = open(&dir, engine);
        assert!(db.created());
        assert_eq!(db.engine(), engine);
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(dir.join("FORMAT")).unwrap().mode() & 0o777, 0o600);
        drop(db);
        assert!(!open(&dir, engine).created());
    }
}

#[test]
fn the_default_engine_is_sled_and_the_recorded_one_wins() {
    let dir = TempDir::new().unwrap();
    let any = Options { engine: None, ..options(Engine::Sled) };
    assert_eq!(Db::open(dir.path(), &any).unwrap().engine(), Engine::Sled);
    let dir = filled(Engine::Redb);
    assert_eq!(Db::open(dir.path(), &any).unwrap().engine(), Engine::Redb);
}

#[test]
fn refuses_the_other_engine() {
    let dir = filled(Engine::Redb);
    let error = Db::open(dir.path(), &options(Engine::Sled)).unwrap_err();
    assert!(matches!(error, Error::EngineMismatch { recorded: Engine::Redb, asked: Engine::Sled, .. }));
    assert_filled(&open(dir.path(), Engine::Redb));
}

#[test]
fn a_second_open_is_refused_at_once() {
    for engine in Engine::ALL {
        let dir = filled(engine);
        let db = open(dir.path(), engine);
        let error = Db::open(dir.path(), &options(engine)).unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error:?}");
        put(&db, 0);
        drop(db);
        assert_filled(&open(dir.path(), engine));
    }
}

#[test]
fn refuses_a_newer_format_and_touches_nothing() {
    for engine in Engine::ALL {
        let dir = filled(engine);
        let newer = format!("durable store, format 3\nengine {engine}\nmore\n");
        fs::write(dir.path().join("FORMAT"), newer).unwrap();
        let before = files(dir.path());
        let error = Db::open(dir.path(), &options(engine)).unwrap_err();
        assert!(matches!(error, Error::NewerFormat { found: 3, known: 2, .. }), "{error:?}");
        assert!(files(dir.path()) == before);
    }
}

#[test]
fn refuses_a_format_it_never_wrote() {
    for engine in Engine::ALL {
        for text in ["", "durable store", "durable store, format 1\nengine cat\n", "\u{0}"] {
            let dir = filled(engine);
            fs::write(dir.path().join("FORMAT"), text).unwrap();
            assert_damaged(dir.path(), engine);
        }
    }
}

/// FORMAT is durable before there is anything else, so a store without it is not an unfinished one.
#[test]
fn refuses_a_store_whose_format_is_missing() {
    for engine in Engine::ALL {
        let dir = filled(engine);
        fs::remove_file(dir.path().join("FORMAT")).unwrap();
        assert_damaged(dir.path(), engine);
    }
}

#[test]
fn leaves_other_files_alone() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("master.key"), b"key").unwrap();
        drop(open(dir.path(), engine));
        fs::remove_file(dir.path().join("READY")).unwrap();
        assert!(open(dir.path(), engine).created());
        assert_eq!(fs::read(dir.path().join("master.key")).unwrap(), b"key");
    }
}

/// Point 3: a creation that was cut short is made anew.
#[test]
fn makes_a_store_without_ready_anew() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        drop(open(dir.path(), engine));
        fs::remove_file(dir.path().join("READY")).unwrap();
        // As a cut leaves it: what bars an open must not bar this one.
        let conf = dir.path().join("sled/conf");
        if conf.exists() {
            fs::write(conf, b"segment_size: 41943").unwrap();
        }
        let db = open(dir.path(), engine);
        assert!(db.created());
        put(&db, 1);
        drop(db);
        let db = open(dir.path(), engine);
        assert!(!db.created());
        assert!(db.get(TREE, &[1]).unwrap().is_some());
    }
}

/// The engine asked for may be another one the second time.
#[test]
fn an_unfinished_store_may_change_its_engine() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path(), Engine::Redb));
    fs::remove_file(dir.path().join("READY")).unwrap();
    assert_eq!(open(dir.path(), Engine::Sled).engine(), Engine::Sled);
    assert!(!dir.path().join("store.redb").exists());
}

/// Nothing is put before READY is there, so a store with records and without READY has lost it.
#[test]
fn keeps_records_whose_ready_is_missing() {
    for engine in Engine::ALL {
        let dir = filled(engine);
        let ready = dir.path().join("READY");
        fs::remove_file(&ready).unwrap();
        let error = Db::open(dir.path(), &options(engine)).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
        fs::write(&ready, b"").unwrap();
        assert_filled(&open(dir.path(), engine));
    }
}

#[test]
fn refuses_a_store_whose_data_is_missing() {
    for (engine, file) in [(Engine::Sled, "sled/db"), (Engine::Redb, "store.redb")] {
        let dir = filled(engine);
        fs::remove_file(dir.path().join(file)).unwrap();
        assert_damaged(dir.path(), engine);
        fs::write(dir.path().join(file), b"").unwrap();
        assert_damaged(dir.path(), engine);
    }
}

#[test]
fn refuses_data_it_never_wrote() {
    for (engine, file) in [(Engine::Sled, "sled/db"), (Engine::Redb, "store.redb")] {
        let dir = filled(engine);
        fs::write(dir.path().join(file), vec![0xA5; 1 << 20]).unwrap();
        let error = Db::open(dir.path(), &options(engine)).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    }
}
