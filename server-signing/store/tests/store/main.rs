//! What the module's database does, on both engines, through the module's port.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod conformance;
mod crash;
mod damage;
mod document;
mod fixtures;
mod model;
mod opening;
mod threads;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;
use tw4s_sam::audit::Row;
use tw4s_sam::ports::{Read, Store, Txn};
use tw4s_sam::record::{KeyId, Object, ObjectKind, Once, Role, SadName, Seal, State, User, UserId};
use tw4s_store::{Engine, Options, SamStore};

fn options(engine: Engine) -> Options {
    Options { engine: Some(engine), reserve_bytes: 0, ..Options::default() }
}

fn open(dir: &Path, engine: Engine) -> SamStore {
    SamStore::open(dir, &options(engine)).unwrap()
}

/// For its owner alone, as the store wants it.
fn new_dir() -> TempDir {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
}

/// A new store of each engine, each in a directory of its own.
fn stores() -> impl Iterator<Item = (TempDir, SamStore)> {
    Engine::ALL.into_iter().map(|engine| {
        let dir = new_dir();
        let store = open(dir.path(), engine);
        (dir, store)
    })
}

/// Commits what `write` writes.
fn commit(store: &dyn Store, write: impl FnOnce(&mut dyn Txn)) {
    let mut txn = store.begin().unwrap();
    write(&mut *txn);
    txn.commit().unwrap();
}

fn user_id(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

fn key_id(number: u8) -> KeyId {
    KeyId::from_bytes([number; 16])
}

fn user(number: u8, version: u64) -> User {
    User {
        id: user_id(number),
        role: Role::ALL[usize::from(number) % Role::ALL.len()],
        certificates: (0..number % 4).map(|nth| vec![nth; 300]).collect(),
        version,
        mac: [number ^ 0x55; 32],
    }
}

/// One byte of `length` makes a value of up to 18,360: over what durable keeps in one piece.
fn object(number: u8, kind: ObjectKind, length: u8) -> Object {
    Object {
        key: key_id(number),
        kind,
        owner: user_id(number),
        state: if length == 0 { State::Destroyed } else { State::Active },
        created_ms: 1,
        changed_ms: u64::from(length),
        value: vec![length; 72 * usize::from(length)],
        mac: [number; 32],
    }
}

/// Of a SAD that expires at 5.
fn hash(sad: u8, hash: u8, occurrence: u32) -> Once {
    hash_until(5, sad, hash, occurrence)
}

fn hash_until(not_after_ms: u64, sad: u8, hash: u8, occurrence: u32) -> Once {
    Once::Hash { sad: sad_name(not_after_ms, sad), hash: vec![hash; 32], occurrence }
}

fn sad_name(not_after_ms: u64, sad: u8) -> SadName {
    SadName { not_after_ms, id: [sad; 32] }
}

fn message(certificate: u8, id: u8, expires_ms: u64) -> Once {
    Once::Message { certificate: [certificate; 32], id: [id; 16], expires_ms }
}

fn seal(count: u64) -> Seal {
    Seal { count, sum: [7; 32], mac: [8; 32] }
}

fn row(number: u64, body: &str) -> Row {
    Row { number, body: body.as_bytes().to_vec(), hash: [number as u8; 32] }
}

/// The number of the next audit row.
fn next_number(read: &(impl Read + ?Sized)) -> u64 {
    read.audit_head().unwrap().map_or(0, |head| head.number) + 1
}
