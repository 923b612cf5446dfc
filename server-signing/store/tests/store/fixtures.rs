//! Every format that was ever written opens and reads back: tests/fixtures/<format>-<engine>.
//!
//! When the format changes, make a fixture of the new one and leave the old ones:
//! `cargo test -p tw4s-store --test store -- --ignored fixtures::make`.

use std::fs;
use std::path::{Path, PathBuf};

use durable::Tree;
use harness::copy_store;
use tw4s_sam::audit::{Chain, Outcome, Row};
use tw4s_sam::ports::{Read, Store};
use tw4s_sam::record::{KeyId, Object, ObjectKind, Once, Role, SadName, Seal, State, Table, User, UserId};
use tw4s_store::{Engine, FORMAT, Options, SamStore};

use crate::opening::below;
use crate::{commit, new_dir, open};

/// What is in each fixture: every kind of row, and every value of every vocabulary. Frozen: it must read back for ever.
struct Content {
    users: Vec<User>,
    /// Whom the certificate of [`HOLDER`] signs for.
    holder: UserId,
    objects: Vec<Object>,
    consumed: Vec<Once>,
    seals: Vec<(Table, Seal)>,
    audit: Vec<Row>,
    intents: Vec<u64>,
}

const HOLDER: [u8; 32] = [0xC1; 32];
/// When the first of the consumed expires, milliseconds since 1970.
const EXPIRY: u64 = 1_795_194_391_000;

fn user_id(number: u8) -> UserId {
    UserId::from_bytes([0x10 + number; 16])
}

fn key_id(number: u8) -> KeyId {
    KeyId::from_bytes([0x20 + number; 16])
}

impl Content {
    fn new() -> Self {
        let users = (1..).zip([Role::PrivilegedUser, Role::Signer, Role::PrivilegedUserTechnical]);
        let users = users.map(|(number, role)| User {
            id: user_id(number),
            role,
            certificates: (0..number).map(|nth| vec![0x30 + nth; 500]).collect(),
            version: u64::from(number) << 40,
            mac: [0xA0 + number; 32],
        });
        let object = |key, kind, state, length| Object {
            key: key_id(key),
            kind,
            owner: user_id(2),
            state,
            created_ms: EXPIRY,
            changed_ms: EXPIRY + u64::from(key),
            value: vec![kind as u8; length],
            mac: [0xB0 + key; 32],
        };
        let mut objects = ObjectKind::ALL.map(|kind| object(1, kind, State::Active, 700)).to_vec();
        objects.push(object(2, ObjectKind::Key, State::Destroyed, 0));
        // So long that durable keeps it in pieces.
        objects.push(object(3, ObjectKind::Certificate, State::Active, 20_000));
        // Formats 1 and 2 had the hashes without their SADs' ends.
        let sad = |not_after_ms| SadName { not_after_ms, id: [0xD1; 32] };
        let hash = |until, hash: u8, occurrence| Once::Hash { sad: sad(until), hash: vec![hash; 48], occurrence };
        let message = Once::Message { certificate: HOLDER, id: [0xD2; 16], expires_ms: EXPIRY };
        let seal = |number: u8| Seal { count: number.into(), sum: [0xE0 + number; 32], mac: [0xF0 + number; 32] };
        Self {
            users: users.collect(),
            holder: user_id(3),
            objects,
            consumed: vec![hash(EXPIRY, 1, 0), hash(EXPIRY, 1, 1), hash(EXPIRY + 1, 2, 0), message],
            seals: vec![(Table::Users, seal(3)), (Table::Objects, seal(6))],
            audit: audit(),
            intents: vec![2, 4],
        }
    }
}

/// A log with every outcome, and every field that format 1 knew.
fn audit() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in include_str!("audit.jsonl").lines() {
        rows.push(Row::behind(rows.last(), line.as_bytes().to_vec()));
    }
    rows
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

#[test]
fn the_current_format_has_a_fixture_of_each_engine() {
    for engine in Engine::ALL {
        let dir = fixtures().join(format!("{FORMAT}-{engine}"));
        assert!(dir.is_dir(), "{} is missing: make and commit it", dir.display());
    }
}

#[test]
fn every_fixture_reads_back_and_takes_writes() {
    for entry in fs::read_dir(fixtures()).unwrap() {
        let fixture = entry.unwrap().path();
        let copy = new_dir();
        copy_store(&fixture, copy.path());
        let store = SamStore::open(copy.path(), &Options::default()).unwrap();
        let name = fixture.file_name().unwrap().to_str().unwrap();
        assert_eq!(name.split_once('-').unwrap().1, store.engine().to_string());
        assert!(!store.created(), "{name}");
        let content = Content::new();
        reads_back(&store, &content);
        // What the check of the data asks for where the audit log has no end of the SAD.
        let older = store.consumed_hashes(&SadName { not_after_ms: 0, id: [0xD1; 32] }).unwrap();
        assert_eq!(older, if name.starts_with(['1', '2']) { 3 } else { 0 }, "{name}");
        commit(&store, |txn| {
            for what in &content.consumed {
                assert!(!txn.consume(what).unwrap() && txn.is_consumed(what).unwrap(), "{name}");
            }
            assert_eq!(txn.purge_consumed(EXPIRY + 2, 9).unwrap(), content.consumed.len(), "{name}");
            txn.append_audit(&Row::behind(content.audit.last(), b"{}".to_vec())).unwrap();
            txn.close_intent(4).unwrap();
        });
        drop(store);
        let store = SamStore::open(copy.path(), &Options::default()).unwrap();
        assert!(content.consumed.iter().all(|what| !store.is_consumed(what).unwrap()), "{name}");
        assert_eq!(store.audit_head().unwrap().unwrap().number, content.audit.len() as u64 + 1);
        assert_eq!(store.open_intents().unwrap(), [2]);
        // Across the border of a block, and behind rows that format 1 wrote.
        for _ in 0..9 {
            let head = store.audit_head().unwrap();
            commit(&store, |txn| txn.append_audit(&Row::behind(head.as_ref(), b"{}".to_vec())).unwrap());
        }
        let rows = store.audit(1, 99).unwrap();
        assert_eq!(rows.len(), content.audit.len() + 10);
        assert_eq!(rows[..content.audit.len()], content.audit);
        for pair in rows.windows(2) {
            assert_eq!(Row::behind(Some(&pair[0]), pair[1].body.clone()), pair[1]);
        }
        drop(store);
        // As an older program finds it.
        below(copy.path(), engine_of(name), |txn| {
            assert_eq!(txn.get(Tree(0), b"format").unwrap().unwrap(), format!("tw4s sam store {FORMAT}").as_bytes());
        });
    }
}

fn engine_of(name: &str) -> Engine {
    name.split_once('-').unwrap().1.parse().unwrap()
}

fn reads_back(store: &SamStore, content: &Content) {
    assert_eq!(store.users(None, 99).unwrap(), content.users);
    assert_eq!(store.holder(&HOLDER).unwrap(), Some(content.holder));
    assert_eq!(store.objects(None, 99).unwrap(), content.objects);
    for what in &content.consumed {
        assert!(store.is_consumed(what).unwrap(), "{what:?}");
        if let Once::Hash { sad, .. } = what {
            assert!(store.consumed_hashes(sad).unwrap() > 0, "{what:?}");
        }
    }
    for (table, seal) in &content.seals {
        assert_eq!(store.seal(*table).unwrap().as_ref(), Some(seal));
    }
    let rows = store.audit(1, 99).unwrap();
    assert_eq!(rows, content.audit);
    let mut chain = Chain::new(None);
    let outcomes: Vec<Outcome> = rows.iter().map(|row| chain.push(row, |_, _| Ok(true)).unwrap().outcome).collect();
    let [success, failed] = [Outcome::Success, Outcome::Failed];
    assert_eq!(outcomes, [success, Outcome::Intent, failed, Outcome::Intent, Outcome::Unknown, success, success]);
    assert_eq!(store.open_intents().unwrap(), content.intents);
}

#[test]
#[ignore = "writes into tests/fixtures"]
fn make() {
    for engine in Engine::ALL {
        let dir = fixtures().join(format!("{FORMAT}-{engine}"));
        assert!(!dir.exists(), "{} is there and stays", dir.display());
        let made = new_dir();
        let store = open(made.path(), engine);
        let content = Content::new();
        commit(&store, |txn| {
            content.users.iter().for_each(|user| txn.put_user(user).unwrap());
            txn.put_holder(&HOLDER, Some(&content.holder)).unwrap();
            content.objects.iter().for_each(|object| txn.put_object(object).unwrap());
            for what in &content.consumed {
                assert!(txn.consume(what).unwrap());
            }
            content.seals.iter().for_each(|(table, seal)| txn.put_seal(*table, seal).unwrap());
            content.audit.iter().for_each(|row| txn.append_audit(row).unwrap());
            content.intents.iter().for_each(|number| txn.open_intent(*number).unwrap());
        });
        drop(store);
        fs::create_dir_all(&dir).unwrap();
        copy_store(made.path(), &dir);
    }
}
