//! What is opened, made and refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use durable::{Db, Tree};
use tw4s_sam::ports::Read;
use tw4s_store::{Engine, FORMAT, OpenError, Options, SamStore};

use crate::{commit, new_dir, open, options, user, user_id};

/// Changes the rows below the store.
pub(crate) fn below(dir: &Path, engine: Engine, write: impl FnOnce(&mut durable::Txn<'_>)) {
    let db = Db::open(dir, &options(engine)).unwrap();
    let mut txn = db.begin().unwrap();
    write(&mut txn);
    txn.commit().unwrap();
}

fn refused(dir: &Path, engine: Engine) -> OpenError {
    SamStore::open(dir, &options(engine)).unwrap_err()
}

#[test]
fn makes_a_store_and_finds_it_again() {
    for engine in Engine::ALL {
        let parent = new_dir();
        let dir = parent.path().join("a/b");
        let store = open(&dir, engine);
        assert!(store.created());
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o7777, 0o700);
        commit(&store, |txn| txn.put_user(&user(1, 1)).unwrap());
        drop(store);
        let store = SamStore::open(&dir, &Options::default()).unwrap();
        assert!(!store.created());
        assert_eq!(store.engine(), engine);
        assert_eq!(store.user(&user_id(1)).unwrap(), Some(user(1, 1)));
    }
}

#[test]
fn refuses_a_directory_that_others_have_rights_to() {
    for mode in [0o750, 0o702, 0o701] {
        let dir = new_dir();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = refused(dir.path(), Engine::Redb);
        assert!(matches!(error, OpenError::DirectoryPermissions { mode: found, .. } if found == mode), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

#[test]
fn refuses_a_second_process_and_the_other_engine() {
    let dir = new_dir();
    let store = open(dir.path(), Engine::Redb);
    let error = refused(dir.path(), Engine::Redb);
    assert!(matches!(error, OpenError::Database(durable::Error::Locked { .. })), "{error}");
    drop(store);
    let error = refused(dir.path(), Engine::Sled);
    assert!(matches!(error, OpenError::Database(durable::Error::EngineMismatch { .. })), "{error}");
}

#[test]
fn refuses_a_newer_format_and_leaves_it() {
    for engine in Engine::ALL {
        let dir = new_dir();
        drop(open(dir.path(), engine));
        let newer = format!("tw4s sam store {}", FORMAT + 1);
        below(dir.path(), engine, |txn| txn.put(Tree(0), b"format", newer.as_bytes()).unwrap());
        for _ in 0..2 {
            let error = refused(dir.path(), engine);
            assert!(matches!(error, OpenError::NewerFormat { found: 4, known: 3, .. }), "{error}");
        }
    }
}

#[test]
fn refuses_what_is_no_format() {
    let dir = new_dir();
    drop(open(dir.path(), Engine::Redb));
    for bad in ["", "tw4s sam store ", "tw4s sam store 0", "tw4s sam store 1x", "sks store 1"] {
        below(dir.path(), Engine::Redb, |txn| txn.put(Tree(0), b"format", bad.as_bytes()).unwrap());
        let error = refused(dir.path(), Engine::Redb);
        assert!(matches!(error, OpenError::Damaged { .. }), "{bad}: {error}");
    }
}

#[test]
fn refuses_rows_without_a_format() {
    for engine in Engine::ALL {
        for tree in [0, 1, 127] {
            let dir = new_dir();
            below(dir.path(), engine, |txn| txn.put(Tree(tree), b"something", b"else").unwrap());
            let error = refused(dir.path(), engine);
            assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        }
    }
}

#[test]
fn a_creation_that_was_cut_short_is_made_up_for() {
    for engine in Engine::ALL {
        let dir = new_dir();
        drop(Db::open(dir.path(), &options(engine)).unwrap());
        assert!(open(dir.path(), engine).created());
        assert!(!open(dir.path(), engine).created());
    }
}
