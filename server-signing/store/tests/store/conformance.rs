//! What every store owes the module: the same checks on each engine and on the module's own store in memory.

use tw4s_sam::ports::Store;
use tw4s_sam::record::{ObjectKind, Once, Table};
use tw4s_sam::testing::MemStore;

use crate::{commit, hash, hash_until, key_id, message, object, row, sad_name, seal, stores, user, user_id};

macro_rules! conformance {
    ($($check:ident),* $(,)?) => {$(
        #[test]
        fn $check() {
            super::$check(&MemStore::new());
            for (_dir, store) in stores() {
                super::$check(&store);
            }
        }
    )*};
}

mod on_each_store {
    use super::{MemStore, stores};

    conformance!(
        a_new_store_is_empty,
        rows_read_back,
        a_transaction_sees_itself_and_nobody_else_does,
        dropped_it_never_was,
        pages_have_borders,
        each_thing_is_consumed_once,
        a_second_consumption_leaves_the_first,
        a_lost_batch_takes_nothing_with_it,
        what_expired_is_forgotten_and_no_more,
        a_purge_sees_its_own_transaction,
        forgotten_marks_can_be_consumed_again,
        the_audit_log_grows,
        rows_that_were_not_committed_are_no_head,
        audit_pages_have_borders,
        intents_open_and_close,
        one_transaction_reserves_all,
    );
}

fn a_new_store_is_empty(store: &dyn Store) {
    assert_eq!(store.user(&user_id(1)).unwrap(), None);
    assert_eq!(store.users(None, 9).unwrap(), []);
    assert_eq!(store.holder(&[1; 32]).unwrap(), None);
    assert_eq!(store.object(&key_id(1), ObjectKind::Key).unwrap(), None);
    assert_eq!(store.objects(None, 9).unwrap(), []);
    assert!(!store.is_consumed(&hash(1, 1, 0)).unwrap());
    for table in Table::ALL {
        assert_eq!(store.seal(table).unwrap(), None);
    }
    assert_eq!(store.audit(1, 9).unwrap(), []);
    assert_eq!(store.audit_head().unwrap(), None);
    assert!(store.open_intents().unwrap().is_empty());
}

fn rows_read_back(store: &dyn Store) {
    commit(store, |txn| {
        txn.put_user(&user(3, 1)).unwrap();
        txn.put_user(&user(3, 2)).unwrap();
        txn.put_holder(&[9; 32], Some(&user_id(3))).unwrap();
        txn.put_holder(&[8; 32], Some(&user_id(4))).unwrap();
        for kind in ObjectKind::ALL {
            // The longest is over what durable keeps in one piece.
            txn.put_object(&object(1, kind, 251 + kind as u8)).unwrap();
        }
        txn.put_seal(Table::Users, &seal(1)).unwrap();
        txn.put_seal(Table::Objects, &seal(4)).unwrap();
    });
    assert_eq!(store.user(&user_id(3)).unwrap(), Some(user(3, 2)));
    assert_eq!(store.holder(&[9; 32]).unwrap(), Some(user_id(3)));
    for kind in ObjectKind::ALL {
        let expected = object(1, kind, 251 + kind as u8);
        assert_eq!(store.object(&key_id(1), kind).unwrap(), Some(expected));
    }
    assert_eq!(store.seal(Table::Users).unwrap(), Some(seal(1)));
    assert_eq!(store.seal(Table::Objects).unwrap(), Some(seal(4)));

    commit(store, |txn| {
        txn.put_holder(&[9; 32], None).unwrap();
        txn.put_holder(&[7; 32], None).unwrap();
        txn.put_object(&object(1, ObjectKind::Key, 0)).unwrap();
        txn.remove_object(&key_id(1), ObjectKind::Request).unwrap();
        txn.remove_object(&key_id(2), ObjectKind::Request).unwrap();
    });
    assert_eq!(store.holder(&[9; 32]).unwrap(), None);
    assert_eq!(store.holder(&[8; 32]).unwrap(), Some(user_id(4)));
    let kinds: Vec<_> = store.objects(None, 9).unwrap().iter().map(|object| (object.kind, object.state)).collect();
    assert_eq!(kinds.len(), 3);
    assert_eq!(store.object(&key_id(1), ObjectKind::Key).unwrap(), Some(object(1, ObjectKind::Key, 0)));
    assert_eq!(store.object(&key_id(1), ObjectKind::Request).unwrap(), None);
}

fn a_transaction_sees_itself_and_nobody_else_does(store: &dyn Store) {
    let mut txn = store.begin().unwrap();
    txn.put_user(&user(1, 1)).unwrap();
    txn.put_object(&object(1, ObjectKind::Key, 5)).unwrap();
    txn.consume(&hash(1, 1, 0)).unwrap();
    txn.append_audit(&row(1, "one")).unwrap();
    txn.append_audit(&row(2, "two")).unwrap();
    txn.open_intent(1).unwrap();
    assert_eq!(txn.users(None, 9).unwrap(), [user(1, 1)]);
    assert_eq!(txn.objects(None, 9).unwrap(), [object(1, ObjectKind::Key, 5)]);
    assert!(txn.is_consumed(&hash(1, 1, 0)).unwrap());
    assert!(!txn.is_consumed(&hash(1, 1, 1)).unwrap());
    assert_eq!(txn.audit(1, 9).unwrap(), [row(1, "one"), row(2, "two")]);
    assert_eq!(txn.audit_head().unwrap(), Some(row(2, "two")));
    assert_eq!(txn.open_intents().unwrap(), [1]);
    a_new_store_is_empty(store);
    txn.commit().unwrap();
    assert!(store.is_consumed(&hash(1, 1, 0)).unwrap());
    assert_eq!(store.audit_head().unwrap(), Some(row(2, "two")));
}

fn dropped_it_never_was(store: &dyn Store) {
    let mut txn = store.begin().unwrap();
    txn.put_user(&user(1, 1)).unwrap();
    txn.put_holder(&[1; 32], Some(&user_id(1))).unwrap();
    txn.put_object(&object(1, ObjectKind::Key, 255)).unwrap();
    txn.consume(&hash(1, 1, 0)).unwrap();
    txn.put_seal(Table::Users, &seal(1)).unwrap();
    txn.append_audit(&row(1, "one")).unwrap();
    txn.open_intent(1).unwrap();
    drop(txn);
    a_new_store_is_empty(store);
    // The writer's place is free, and what was dropped can be done.
    commit(store, |txn| {
        assert!(txn.consume(&hash(1, 1, 0)).unwrap());
        txn.append_audit(&row(1, "other")).unwrap();
    });
    assert_eq!(store.audit(1, 9).unwrap(), [row(1, "other")]);
}

fn pages_have_borders(store: &dyn Store) {
    commit(store, |txn| {
        for number in [5, 1, 3, 0, 255] {
            txn.put_user(&user(number, 1)).unwrap();
        }
        for (number, kind) in [(2, ObjectKind::Request), (1, ObjectKind::Certificate), (2, ObjectKind::Key)] {
            txn.put_object(&object(number, kind, 1)).unwrap();
        }
    });
    let users = |after: Option<u8>, limit| -> Vec<u8> {
        let found = store.users(after.map(user_id).as_ref(), limit).unwrap();
        found.iter().map(|user| user.id.as_bytes()[0]).collect()
    };
    assert_eq!(users(None, usize::MAX), [0, 1, 3, 5, 255]);
    assert_eq!(users(None, 2), [0, 1]);
    assert_eq!(users(Some(1), 2), [3, 5]);
    assert_eq!(users(Some(2), 2), [3, 5]);
    assert_eq!(users(Some(5), 1), [255]);
    assert!(users(Some(255), 9).is_empty());
    assert!(users(None, 0).is_empty());

    let objects = |after: Option<(u8, ObjectKind)>, limit| -> Vec<(u8, u8)> {
        let after = after.map(|(number, kind)| (key_id(number), kind));
        let found = store.objects(after.as_ref().map(|(key, kind)| (key, *kind)), limit).unwrap();
        found.iter().map(|object| (object.key.as_bytes()[0], object.kind as u8)).collect()
    };
    assert_eq!(objects(None, 9), [(1, 4), (2, 1), (2, 3)]);
    assert_eq!(objects(Some((1, ObjectKind::Key)), 1), [(1, 4)]);
    assert_eq!(objects(Some((1, ObjectKind::Certificate)), 1), [(2, 1)]);
    assert_eq!(objects(Some((2, ObjectKind::PublicKey)), 9), [(2, 3)]);
    assert_eq!(objects(Some((2, ObjectKind::Request)), 9), []);
}

fn each_thing_is_consumed_once(store: &dyn Store) {
    // They differ in one part each; hashes of several lengths are not mixed up.
    let longer = Once::Hash { sad: sad_name(5, 1), hash: vec![1; 36], occurrence: 0x0101_0101 };
    let hashes = [hash(1, 1, 0), hash(2, 1, 0), hash_until(6, 2, 1, 0), hash(1, 2, 0), hash(1, 1, 1), longer];
    let all = [&hashes[..], &[message(1, 1, 5), message(1, 2, 5)]].concat();
    for what in &all {
        assert!(!store.is_consumed(what).unwrap());
        commit(store, |txn| {
            assert!(txn.consume(what).unwrap());
            assert!(!txn.consume(what).unwrap());
        });
    }
    commit(store, |txn| {
        for what in &all {
            assert!(!txn.consume(what).unwrap());
        }
        assert!(!txn.consume(&message(1, 1, 6)).unwrap(), "whenever it is sent");
    });
    assert!(all.iter().all(|what| store.is_consumed(what).unwrap()));
    assert!(!store.is_consumed(&message(2, 1, 5)).unwrap());
    for name in [(5, 0), (5, 1), (5, 2), (6, 2), (6, 1)].map(|(not_after_ms, sad)| sad_name(not_after_ms, sad)) {
        let of_sad = |what: &&Once| matches!(what, Once::Hash { sad, .. } if *sad == name);
        let count = all.iter().filter(of_sad).count() as u64;
        assert_eq!(store.consumed_hashes(&name).unwrap(), count, "{name:?}");
    }
}

fn a_second_consumption_leaves_the_first(store: &dyn Store) {
    commit(store, |txn| assert!(txn.consume(&message(1, 1, 10)).unwrap()));
    commit(store, |txn| assert!(!txn.consume(&message(1, 1, 1)).unwrap()));
    commit(store, |txn| assert_eq!(txn.purge_consumed(10, 9).unwrap(), 0));
    assert!(store.is_consumed(&message(1, 1, 10)).unwrap());
}

fn a_lost_batch_takes_nothing_with_it(store: &dyn Store) {
    commit(store, |txn| assert!(txn.consume(&hash(1, 2, 0)).unwrap()));
    let mut txn = store.begin().unwrap();
    assert!(txn.consume(&hash(1, 1, 0)).unwrap());
    assert!(!txn.consume(&hash(1, 2, 0)).unwrap());
    drop(txn);
    assert!(!store.is_consumed(&hash(1, 1, 0)).unwrap());
}

fn what_expired_is_forgotten_and_no_more(store: &dyn Store) {
    commit(store, |txn| {
        for number in 0..6 {
            assert!(txn.consume(&hash_until(10, 1, number, 0)).unwrap());
            assert!(txn.consume(&hash_until(20 + u64::from(number), 2, number, 0)).unwrap());
        }
        assert!(txn.consume(&message(1, 1, 10)).unwrap());
    });
    let purge = |before, limit| {
        let mut txn = store.begin().unwrap();
        let count = txn.purge_consumed(before, limit).unwrap();
        txn.commit().unwrap();
        count
    };
    let is_left = |sad, number: u8| {
        let not_after_ms = if sad == 1 { 10 } else { 20 + u64::from(number) };
        store.is_consumed(&hash_until(not_after_ms, sad, number, 0)).unwrap()
    };
    let left = |sad| (0..6).filter(|number| is_left(sad, *number)).count();
    assert_eq!(purge(10, 100), 0);
    assert_eq!(purge(11, 0), 0);
    assert_eq!(purge(11, 4), 4);
    assert_eq!(left(1) + usize::from(store.is_consumed(&message(1, 1, 10)).unwrap()), 3);
    assert_eq!(purge(11, 100), 3);
    assert_eq!((left(1), left(2)), (0, 6));
    assert_eq!(purge(22, 100), 2);
    assert_eq!(left(2), 4);
    assert_eq!(purge(u64::MAX, 100), 4);
    assert_eq!(purge(u64::MAX, 100), 0);
}

fn a_purge_sees_its_own_transaction(store: &dyn Store) {
    let (soon, late) = (|number| hash_until(1, 1, number, 0), |number| hash_until(9, 2, number, 0));
    commit(store, |txn| {
        assert!(txn.consume(&message(1, 1, 1)).unwrap());
        assert_eq!(txn.purge_consumed(2, 9).unwrap(), 1);
    });
    commit(store, |txn| assert!(txn.consume(&soon(1)).unwrap()));
    commit(store, |txn| {
        assert!(txn.consume(&soon(2)).unwrap());
        assert!(txn.consume(&late(3)).unwrap());
        assert!(txn.consume(&message(1, 1, 1)).unwrap());
        assert_eq!(txn.purge_consumed(2, 9).unwrap(), 3);
        assert!(!txn.is_consumed(&soon(1)).unwrap());
        assert!(!txn.is_consumed(&message(1, 1, 1)).unwrap());
        assert!(txn.is_consumed(&late(3)).unwrap());
        assert!(txn.consume(&soon(2)).unwrap());
    });
    let left: Vec<u8> = (1..4).filter(|number| store.is_consumed(&soon(*number)).unwrap()).collect();
    assert_eq!(left, [2]);
    assert!(store.is_consumed(&late(3)).unwrap());
}

fn forgotten_marks_can_be_consumed_again(store: &dyn Store) {
    for _ in 0..2 {
        commit(store, |txn| assert!(txn.consume(&message(1, 1, 1)).unwrap()));
        commit(store, |txn| assert_eq!(txn.purge_consumed(2, 1).unwrap(), 1));
    }
}

fn the_audit_log_grows(store: &dyn Store) {
    commit(store, |txn| {
        txn.append_audit(&row(1, "one")).unwrap();
        txn.append_audit(&row(2, "two")).unwrap();
    });
    commit(store, |txn| txn.append_audit(&row(3, "")).unwrap());
    assert_eq!(store.audit(0, 9).unwrap(), [row(1, "one"), row(2, "two"), row(3, "")]);
    assert_eq!(store.audit_head().unwrap(), Some(row(3, "")));
}

fn rows_that_were_not_committed_are_no_head(store: &dyn Store) {
    commit(store, |txn| txn.append_audit(&row(1, "one")).unwrap());
    let mut txn = store.begin().unwrap();
    txn.append_audit(&row(2, "dropped")).unwrap();
    drop(txn);
    let mut txn = store.begin().unwrap();
    assert_eq!(txn.audit_head().unwrap(), Some(row(1, "one")));
    txn.append_audit(&row(2, "two")).unwrap();
    txn.append_audit(&row(3, "three")).unwrap();
    assert_eq!(txn.audit_head().unwrap(), Some(row(3, "three")));
    // Not durable yet, perhaps, and what the next one follows.
    let pending = txn.commit_later().unwrap();
    assert_eq!(store.begin().unwrap().audit_head().unwrap(), Some(row(3, "three")));
    pollster::block_on(pending).unwrap();
    assert_eq!(store.audit(1, 9).unwrap(), [row(1, "one"), row(2, "two"), row(3, "three")]);
}

fn audit_pages_have_borders(store: &dyn Store) {
    commit(store, |txn| {
        for number in 1..=300 {
            txn.append_audit(&row(number, "x")).unwrap();
        }
    });
    let numbers = |from, limit| -> Vec<u64> {
        let rows = store.audit(from, limit).unwrap();
        rows.iter().map(|row| row.number).collect()
    };
    assert_eq!(numbers(1, 3), [1, 2, 3]);
    assert_eq!(numbers(255, 3), [255, 256, 257]);
    assert_eq!(numbers(299, 9), [299, 300]);
    assert_eq!(numbers(300, 1), [300]);
    assert!(numbers(301, 1).is_empty());
    assert!(numbers(u64::MAX, 9).is_empty());
    assert!(numbers(5, 0).is_empty());
    assert_eq!(numbers(0, usize::MAX).len(), 300);
}

fn intents_open_and_close(store: &dyn Store) {
    commit(store, |txn| {
        for number in [300, 2, 255] {
            txn.open_intent(number).unwrap();
            txn.open_intent(number).unwrap();
        }
    });
    assert_eq!(store.open_intents().unwrap(), [2, 255, 300]);
    commit(store, |txn| {
        txn.close_intent(255).unwrap();
        txn.close_intent(7).unwrap();
    });
    assert_eq!(store.open_intents().unwrap(), [2, 300]);
}

/// The reservation of 4.1: tombstone and version read, hashes, intent and audit row, in one transaction.
fn one_transaction_reserves_all(store: &dyn Store) {
    commit(store, |txn| {
        txn.put_user(&user(1, 1)).unwrap();
        txn.put_object(&object(1, ObjectKind::Key, 5)).unwrap();
    });
    commit(store, |txn| {
        assert_eq!(txn.user(&user_id(1)).unwrap().unwrap().version, 1);
        assert_eq!(txn.object(&key_id(1), ObjectKind::Key).unwrap(), Some(object(1, ObjectKind::Key, 5)));
        for occurrence in 0..100 {
            assert!(txn.consume(&hash(1, 1, occurrence)).unwrap());
        }
        txn.append_audit(&row(1, "intent")).unwrap();
        txn.open_intent(1).unwrap();
    });
    assert!((0..100).all(|occurrence| store.is_consumed(&hash(1, 1, occurrence)).unwrap()));
    assert_eq!(store.open_intents().unwrap(), [1]);
}
