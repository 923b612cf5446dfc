//! Opening a store: keys, passphrases, permissions, locks, and what each refusal leaves behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sks_core::ports::{Read, Store};
use sks_core::record::{Address, Counter, Record};
use sks_store::{Engine, KeySource, OpenError, OpenOptions, PassphraseCost, SealedStore};
use sks_wire::Secret;
use tempfile::TempDir;

const AT: Address = Address::Counter(Counter::Key);

fn file(dir: &Path, engine: Option<Engine>) -> OpenOptions {
    OpenOptions { engine, ..OpenOptions::new(KeySource::File(SealedStore::default_key_file(dir))) }
}

fn passphrase(text: &str) -> OpenOptions {
    let cost = PassphraseCost { memory_kib: 64, passes: 1 };
    OpenOptions { cost, ..OpenOptions::new(KeySource::Passphrase(Secret::new(text.into()))) }
}

/// A closed store with one record, in a directory of its own below the temporary one.
fn made(options: impl Fn(&Path) -> OpenOptions) -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/store");
    let store = SealedStore::open(&dir, options(&dir)).unwrap();
    assert!(store.created());
    let mut txn = store.begin().unwrap();
    txn.put(AT, Record::Number(41)).unwrap();
    txn.commit().unwrap();
    drop(store);
    (parent, dir)
}

fn assert_opens(dir: &Path, options: OpenOptions) {
    let store = SealedStore::open(dir, options).unwrap();
    assert!(!store.created());
    assert_eq!(store.get(&AT).unwrap(), Some(Record::Number(41)));
}

/// Every file with its bytes and mode.
fn files(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            let mode = entry.metadata().unwrap().permissions().mode();
            found.insert(entry.path(), (fs::read(entry.path()).unwrap(), mode));
        }
    }
    found
}

/// Refused, with every byte of the store as it was.
fn assert_refused(dir: &Path, options: OpenOptions) -> OpenError {
    let before = files(dir);
    let error = SealedStore::open(dir, options).unwrap_err();
    assert!(files(dir) == before, "{error}: the store has changed");
    error
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn makes_directories_and_key_file_for_their_owner_alone() {
    for engine in Engine::ALL {
        let (parent, dir) = made(|dir| file(dir, Some(engine)));
        for made in [parent.path().join("a"), dir.clone(), dir.join("db")] {
            assert_eq!(mode(&made), 0o700, "{}", made.display());
        }
        for made in ["master.key", "seal", "LOCK"] {
            assert_eq!(mode(&dir.join(made)), 0o600, "{made}");
        }
        assert_eq!(fs::read(dir.join("master.key")).unwrap().len(), 32);
        assert_opens(&dir, file(&dir, None));
        assert_opens(&dir, file(&dir, Some(engine)));
    }
}

#[test]
fn refuses_a_second_daemon() {
    let (_parent, dir) = made(|dir| file(dir, None));
    let first = SealedStore::open(&dir, file(&dir, None)).unwrap();
    let error = SealedStore::open(&dir, file(&dir, None)).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    drop(first);
    assert_opens(&dir, file(&dir, None));
}

#[test]
fn refuses_the_other_engine() {
    for (engine, other) in [(Engine::Sled, Engine::Redb), (Engine::Redb, Engine::Sled)] {
        let (_parent, dir) = made(|dir| file(dir, Some(engine)));
        let error = assert_refused(&dir, file(&dir, Some(other)));
        assert!(matches!(error, OpenError::EngineMismatch { .. }), "{error}");
        assert_opens(&dir, file(&dir, None));
    }
}

#[test]
fn refuses_another_key_and_keeps_every_byte() {
    for engine in Engine::ALL {
        let (_parent, dir) = made(|dir| file(dir, Some(engine)));
        let right = fs::read(dir.join("master.key")).unwrap();
        fs::write(dir.join("master.key"), [7; 32]).unwrap();
        let error = assert_refused(&dir, file(&dir, None));
        assert!(matches!(error, OpenError::WrongKey { .. }), "{error}");
        fs::write(dir.join("master.key"), right).unwrap();
        assert_opens(&dir, file(&dir, None));
    }
}

#[test]
fn never_makes_a_key_for_a_store_that_has_one() {
    let (_parent, dir) = made(|dir| file(dir, None));
    fs::rename(dir.join("master.key"), dir.join("aside")).unwrap();
    let error = assert_refused(&dir, file(&dir, None));
    assert!(matches!(error, OpenError::MissingKey { .. }), "{error}");
    fs::rename(dir.join("aside"), dir.join("master.key")).unwrap();
    assert_opens(&dir, file(&dir, None));
}

#[test]
fn never_makes_a_key_for_a_store_without_its_header() {
    let (_parent, dir) = made(|dir| file(dir, None));
    fs::remove_file(dir.join("master.key")).unwrap();
    fs::remove_file(dir.join("seal")).unwrap();
    let error = assert_refused(&dir, file(&dir, None));
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[test]
fn takes_a_key_file_that_is_there_and_leaves_it() {
    let parent = tempfile::tempdir().unwrap();
    let key = parent.path().join("key");
    fs::write(&key, [9; 32]).unwrap();
    chmod(&key, 0o400);
    let dir = parent.path().join("store");
    let options = || OpenOptions::new(KeySource::File(key.clone()));
    drop(SealedStore::open(&dir, options()).unwrap());
    assert!(!dir.join("master.key").exists());
    assert_eq!(fs::read(&key).unwrap(), [9; 32]);
    assert!(!SealedStore::open(&dir, options()).unwrap().created());
}

#[test]
fn refuses_a_key_file_that_others_may_read() {
    let (_parent, dir) = made(|dir| file(dir, None));
    for bad in [0o640, 0o604, 0o620, 0o601] {
        chmod(&dir.join("master.key"), bad);
        let error = assert_refused(&dir, file(&dir, None));
        assert!(matches!(error, OpenError::KeyFilePermissions { mode, .. } if mode == bad), "{error}");
    }
    chmod(&dir.join("master.key"), 0o600);
    assert_opens(&dir, file(&dir, None));
}

#[test]
fn refuses_a_key_file_of_another_length() {
    let (_parent, dir) = made(|dir| file(dir, None));
    for len in [0, 31, 33, 64] {
        fs::write(dir.join("master.key"), vec![1; len as usize]).unwrap();
        let error = assert_refused(&dir, file(&dir, None));
        assert!(matches!(error, OpenError::KeyFileLength { len: found, .. } if found == len), "{error}");
    }
}

/// The same faults, found before anything of the store is made.
#[test]
fn makes_no_store_with_a_bad_key_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("master.key"), [1; 31]).unwrap();
    chmod(&dir.path().join("master.key"), 0o600);
    let error = SealedStore::open(dir.path(), file(dir.path(), None)).unwrap_err();
    assert!(matches!(error, OpenError::KeyFileLength { .. }), "{error}");
    assert!(!dir.path().join("seal").exists() && !dir.path().join("db").exists());
}

#[test]
fn refuses_a_directory_that_others_may_write_to() {
    let (_parent, dir) = made(|dir| file(dir, None));
    chmod(&dir, 0o770);
    let error = SealedStore::open(&dir, file(&dir, None)).unwrap_err();
    assert!(matches!(error, OpenError::DirectoryPermissions { mode: 0o770, .. }), "{error}");
    chmod(&dir, 0o755);
    assert_opens(&dir, file(&dir, None));
}

#[test]
fn opens_with_its_passphrase_alone() {
    for engine in Engine::ALL {
        let (_parent, dir) = made(|_| OpenOptions { engine: Some(engine), ..passphrase("tulips in June") });
        assert!(!dir.join("master.key").exists());
        let error = assert_refused(&dir, passphrase("tulips in May"));
        assert!(matches!(error, OpenError::WrongPassphrase { .. }), "{error}");
        let error = assert_refused(&dir, passphrase(""));
        assert!(matches!(error, OpenError::EmptyPassphrase), "{error}");
        // The store's own cost counts, whatever the options say.
        assert_opens(&dir, OpenOptions { cost: PassphraseCost::default(), ..passphrase("tulips in June") });
    }
}

#[test]
fn names_the_other_kind_of_key() {
    let (_parent, dir) = made(|dir| file(dir, None));
    let error = assert_refused(&dir, passphrase("x"));
    assert!(matches!(error, OpenError::WantsKeyFile { .. }), "{error}");

    let (_parent, dir) = made(|_| passphrase("x"));
    let error = assert_refused(&dir, file(&dir, None));
    assert!(matches!(error, OpenError::WantsPassphrase { .. }), "{error}");
    assert!(!dir.join("master.key").exists());
}

#[test]
fn refuses_an_unbearable_cost_for_a_new_store() {
    let dir = tempfile::tempdir().unwrap();
    let cost = PassphraseCost { memory_kib: 2 << 20, passes: 1 };
    let error = SealedStore::open(dir.path(), OpenOptions { cost, ..passphrase("x") }).unwrap_err();
    assert!(matches!(error, OpenError::Cost { .. }), "{error}");
    assert!(!dir.path().join("db").exists());
}

#[test]
fn refuses_a_newer_or_damaged_header() {
    let (_parent, dir) = made(|dir| file(dir, None));
    let good = fs::read_to_string(dir.join("seal")).unwrap();
    fs::write(dir.join("seal"), good.replace("store 1", "store 7")).unwrap();
    let error = assert_refused(&dir, file(&dir, None));
    assert!(matches!(error, OpenError::NewerFormat { found: 7, known: 1, .. }), "{error}");
    for bad in [good.replace("salt", "malt"), good.repeat(9), String::new()] {
        fs::write(dir.join("seal"), bad).unwrap();
        let error = assert_refused(&dir, file(&dir, None));
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    }
    fs::write(dir.join("seal"), good).unwrap();
    assert_opens(&dir, file(&dir, None));
}

#[test]
fn errors_say_where_and_what_to_do() {
    let (_parent, dir) = made(|dir| file(dir, None));
    fs::remove_file(dir.join("master.key")).unwrap();
    let error = SealedStore::open(&dir, file(&dir, None)).unwrap_err();
    let expected = format!(
        "the master key {}/master.key is missing: put the file back from a backup; without it the store cannot be read",
        dir.display()
    );
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{:?}", passphrase("tulips")).contains("tulips"));
}
