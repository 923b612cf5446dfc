#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use sks_core::record::{Counter, PinGroup};
use sks_wire::Secret;
use tempfile::TempDir;

use super::*;
use crate::{KeySource, OpenOptions, samples};

fn open(engine: Engine) -> (TempDir, SealedStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = reopen(&dir, engine);
    (dir, store)
}

fn reopen(dir: &TempDir, engine: Engine) -> SealedStore {
    let key = KeySource::File(SealedStore::default_key_file(dir.path()));
    SealedStore::open(dir.path(), OpenOptions { engine: Some(engine), ..OpenOptions::new(key) }).unwrap()
}

fn put(store: &SealedStore, entries: impl IntoIterator<Item = (Address, Record)>) {
    let mut txn = store.begin().unwrap();
    for (at, record) in entries {
        txn.put(at, record).unwrap();
    }
    txn.commit().unwrap();
}

fn pin_group(pin: &[u8]) -> Record {
    Record::PinGroup(PinGroup { policy: 1, signature: true, pin: Secret::from(pin), error_count: 2 })
}

/// The sealed bytes at an address.
fn raw(store: &SealedStore, at: &Address) -> Vec<u8> {
    let place = Place::from(at);
    store.db.get(place.tree(), place.key()).unwrap().unwrap()
}

fn put_raw(store: &SealedStore, at: &Address, bytes: &[u8]) {
    let place = Place::from(at);
    let mut txn = store.db.begin().unwrap();
    txn.put(place.tree(), place.key(), bytes).unwrap();
    txn.commit().unwrap();
}

#[test]
fn records_read_back_in_order_after_a_restart() {
    for engine in Engine::ALL {
        let (dir, store) = open(engine);
        let mut expected = BTreeMap::new();
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        for _ in 0..300 {
            use proptest::strategy::ValueTree;
            let (at, record) = samples::entry().new_tree(&mut runner).unwrap().current();
            expected.insert(at, record);
        }
        put(&store, expected.clone());
        let check = |store: &dyn Read| {
            for (at, record) in &expected {
                assert_eq!(store.get(at).unwrap().as_ref(), Some(record));
                let same = |other: &&Address| Place::from(*other).tree() == Place::from(at).tree();
                let after = expected.range((Bound::Excluded(at), Bound::Unbounded)).next();
                let after = after.filter(|(other, _)| same(other)).map(|(at, record)| (at.clone(), record.clone()));
                assert_eq!(store.next(Bound::Included(at)).unwrap(), Some((at.clone(), record.clone())));
                assert_eq!(store.next(Bound::Excluded(at)).unwrap(), after);
            }
        };
        check(&store);
        check(&*Store::begin(&store).unwrap());
        drop(store);
        check(&reopen(&dir, engine));
    }
}

#[test]
fn searches_end_at_the_borders_of_their_table() {
    for engine in Engine::ALL {
        let (_dir, store) = open(engine);
        let (low, high) = (Address::SessionKey(0, 0), Address::SessionKey(u32::MAX, u32::MAX));
        put(
            &store,
            [
                (Address::Name(u32::MAX, sks_core::record::ObjectKind::Key, "z".parse().unwrap()), Record::Number(1)),
                (low.clone(), Record::Mark),
                (high.clone(), Record::Mark),
                (Address::OpenSession(0), Record::Time(0)),
            ],
        );
        let at = |from| store.next(from).unwrap().map(|(at, _)| at);
        assert_eq!(at(Bound::Included(&low)), Some(low.clone()));
        assert_eq!(at(Bound::Excluded(&low)), Some(high.clone()));
        assert_eq!(at(Bound::Excluded(&high)), None);
        assert_eq!(at(Bound::Included(&Address::Key(0))), None);
        assert_eq!(at(Bound::Excluded(&Address::Identity)), None);
        assert_eq!(at(Bound::Unbounded), None);
    }
}

#[test]
fn transactions_see_their_own_writes_and_vanish_when_dropped() {
    for engine in Engine::ALL {
        let (_dir, store) = open(engine);
        let at = Address::Counter(Counter::Key);
        put(&store, [(at.clone(), Record::Number(1))]);
        let mut txn = store.begin().unwrap();
        txn.put(at.clone(), Record::Number(2)).unwrap();
        txn.put(Address::PinGroup(4), pin_group(b"1563")).unwrap();
        assert_eq!(txn.get(&at).unwrap(), Some(Record::Number(2)));
        assert_eq!(txn.next(Bound::Included(&Address::PinGroup(0))).unwrap().unwrap().0, Address::PinGroup(4));
        assert_eq!(store.get(&at).unwrap(), Some(Record::Number(1)));
        txn.remove(&at).unwrap();
        assert_eq!(txn.get(&at).unwrap(), None);
        drop(txn);
        assert_eq!(store.get(&at).unwrap(), Some(Record::Number(1)));
        assert_eq!(store.get(&Address::PinGroup(4)).unwrap(), None);
    }
}

#[test]
fn records_at_foreign_addresses_are_refused() {
    let (_dir, store) = open(Engine::Redb);
    let mut txn = store.begin().unwrap();
    assert!(matches!(txn.put(Address::Key(1), Record::Mark), Err(StoreError::Failed(_))));
    txn.commit().unwrap();
    assert_eq!(store.get(&Address::Key(1)).unwrap(), None);
}

/// A record is not taken for another one, wherever its bytes are put.
#[test]
fn swapped_records_are_refused() {
    for engine in Engine::ALL {
        let (_dir, store) = open(engine);
        let (mine, yours, mark) = (Address::PinGroup(1), Address::PinGroup(2), Address::GroupKey(1, 1));
        put(
            &store,
            [(mine.clone(), pin_group(b"1111")), (yours.clone(), pin_group(b"2222")), (mark.clone(), Record::Mark)],
        );
        let (my_bytes, your_bytes) = (raw(&store, &mine), raw(&store, &yours));
        put_raw(&store, &mine, &your_bytes);
        put_raw(&store, &yours, &my_bytes);
        put_raw(&store, &mark, &my_bytes);
        for at in [&mine, &yours, &mark] {
            let error = store.get(at).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the credential database is damaged: the record {at:?}: it is not what was sealed here")
            );
            assert!(matches!(store.next(Bound::Included(at)), Err(StoreError::Damaged(_))));
        }
        put_raw(&store, &mine, &my_bytes);
        assert_eq!(store.get(&mine).unwrap(), Some(pin_group(b"1111")));
    }
}

#[test]
fn flipped_bytes_and_cut_values_are_refused_by_table_and_handle() {
    for engine in Engine::ALL {
        let (_dir, store) = open(engine);
        let at = Address::PinGroup(77);
        put(&store, [(at.clone(), pin_group(b"secret"))]);
        let good = raw(&store, &at);
        let mut bad: Vec<Vec<u8>> = (0..good.len())
            .step_by(16)
            .map(|place| {
                let mut bad = good.clone();
                *bad.get_mut(place).unwrap() ^= 0x40;
                bad
            })
            .collect();
        bad.extend([0, 1, 40, good.len() - 1].map(|end| good.get(..end).unwrap().to_vec()));
        for bad in bad {
            put_raw(&store, &at, &bad);
            let StoreError::Damaged(text) = store.get(&at).unwrap_err() else { unreachable!("not damaged") };
            assert!(text.contains("PinGroup(77)") && !text.contains("secret"), "{text}");
        }
    }
}

#[test]
fn keys_that_are_no_addresses_are_damage() {
    let (_dir, store) = open(Engine::Redb);
    let mut txn = store.db.begin().unwrap();
    txn.put(Place::from(&Address::Key(0)).tree(), &[0, 0, 1], b"x").unwrap();
    txn.commit().unwrap();
    let error = store.next(Bound::Included(&Address::Key(0))).unwrap_err();
    assert!(error.to_string().contains("Key (key 000001)"), "{error}");
}

/// No reader goes back in time, or sees one record of a transaction and later the other as it was before.
#[test]
fn readers_and_a_writer_go_side_by_side() {
    for engine in Engine::ALL {
        let (_dir, store) = open(engine);
        let (first, second) = (Address::Counter(Counter::Key), Address::Counter(Counter::Change));
        let rounds = 60;
        put(&store, [(first.clone(), Record::Number(0)), (second.clone(), Record::Number(0))]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=rounds {
                    put(&store, [(first.clone(), Record::Number(round)), (second.clone(), Record::Number(round))]);
                }
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < rounds {
                        let Some(Record::Number(before)) = store.get(&first).unwrap() else { unreachable!("lost") };
                        let Some(Record::Number(after)) = store.get(&second).unwrap() else { unreachable!("lost") };
                        assert!(before >= last && after >= before, "{last}, {before}, {after}");
                        last = after;
                    }
                });
            }
        });
    }
}

/// Long values, which durable keeps in pieces.
#[test]
fn megabytes_read_back() {
    for engine in Engine::ALL {
        let (dir, store) = open(engine);
        let data = Secret::new((0..3_000_000u32).map(|at| (at % 251) as u8).collect());
        let record = Record::Extension(sks_core::record::Extension {
            base_type: sks_wire::types::BaseType::Extension,
            qualifier: Vec::new(),
            data,
        });
        put(&store, [(Address::Extension(1, 2), record.clone())]);
        drop(store);
        assert_eq!(reopen(&dir, engine).get(&Address::Extension(1, 2)).unwrap(), Some(record));
    }
}

#[test]
fn a_filled_store_has_every_record_of_its_keys() {
    let (_dir, store) = open(Engine::Redb);
    let template = crate::fill::Template::of_no_use();
    let handles = crate::fill::fill(&store, &template, 25, 10).unwrap();
    assert_eq!(handles, (1..=25).collect::<Vec<u32>>());
    assert_eq!(crate::fill::fill(&store, &template, 1, 1).unwrap(), [26]);
    for handle in handles {
        let Some(Record::Key(key)) = store.get(&Address::Key(handle)).unwrap() else { unreachable!("no key") };
        assert_eq!(key.session, (handle - 1) / 10 + 1);
        for at in [
            Address::Material(handle),
            Address::PinGroup(handle),
            Address::SessionKey(key.session, handle),
            Address::PolicyGroup(key.session, handle),
            Address::GroupKey(handle, handle),
            Address::Session(key.session),
            Address::PinPolicy(key.session),
        ] {
            assert!(store.get(&at).unwrap().is_some(), "{at:?}");
        }
    }
}
