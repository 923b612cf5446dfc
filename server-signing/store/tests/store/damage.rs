//! Rows that were changed below the store: each is refused by its name, and nothing of its content is told.

use durable::Tree;
use tempfile::TempDir;
use tw4s_sam::ports::{Read, Store, StoreError};
use tw4s_sam::record::{ObjectKind, Table};
use tw4s_store::{Engine, SamStore};

use crate::opening::below;
use crate::{commit, hash, key_id, new_dir, object, open, options, row, seal, user, user_id};

/// What no error may show.
const CONTENT: &[u8] = b"recognisable content";

fn filled(engine: Engine) -> TempDir {
    let dir = new_dir();
    let store = open(dir.path(), engine);
    commit(&store, |txn| {
        for number in 1..=3 {
            txn.put_user(&user(number, 1)).unwrap();
            txn.put_object(&object(number, ObjectKind::Key, 9)).unwrap();
            txn.append_audit(&row(number.into(), "body")).unwrap();
        }
        txn.put_holder(&[1; 32], Some(&user_id(1))).unwrap();
        txn.put_seal(Table::Users, &seal(3)).unwrap();
        txn.consume(&hash(1, 1, 0)).unwrap();
        txn.open_intent(1).unwrap();
    });
    dir
}

/// Puts (or removes) one row below the store, and asserts that `read` then names it.
#[track_caller]
fn assert_named<T: std::fmt::Debug>(
    place: (u8, &[u8]),
    value: Option<&[u8]>,
    read: impl Fn(&SamStore) -> Result<T, StoreError>,
    name: &str,
) {
    for engine in Engine::ALL {
        let dir = filled(engine);
        below(dir.path(), engine, |txn| {
            let (tree, key) = (Tree(place.0), place.1);
            match value {
                Some(value) => txn.put(tree, key, value).unwrap(),
                None => txn.remove(tree, key).unwrap(),
            }
        });
        let store = SamStore::open(dir.path(), &options(engine)).unwrap();
        let error = read(&store).unwrap_err();
        assert!(matches!(&error, StoreError::Damaged(what) if what.starts_with(name)), "{error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("recognisable") && !text.contains(&hex::encode(CONTENT)), "{text}");
    }
}

#[test]
fn users() {
    let name = "the row 02020202-0202-0202-0202-020202020202 of the table users: ";
    assert_named((1, &[2; 16]), Some(CONTENT), |store| store.user(&user_id(2)), name);
    assert_named((1, &[2; 16]), Some(CONTENT), |store| store.users(None, 9), name);
    let cut = &user(2, 1).encode()[..50];
    assert_named((1, &[2; 16]), Some(cut), |store| store.user(&user_id(2)), name);
    let trailing = [user(2, 1).encode(), CONTENT.to_vec()].concat();
    assert_named((1, &[2; 16]), Some(&trailing), |store| store.user(&user_id(2)), name);
    let anothers = user(1, 1).encode();
    assert_named((1, &[2; 16]), Some(&anothers), |store| store.user(&user_id(2)), name);
    let stray = "the row 0505 of the table users: ";
    assert_named((1, &[5; 2]), Some(&anothers), |store| store.users(None, 9), stray);
}

#[test]
fn holders() {
    let name = format!("the row {} of the table holders: ", "01".repeat(32));
    assert_named((2, &[1; 32]), Some(CONTENT), |store| store.holder(&[1; 32]), &name);
}

#[test]
fn objects() {
    let key = [[2; 16].as_slice(), &[1]].concat();
    let name = "the row 02020202-0202-0202-0202-020202020202 1 of the table objects: ";
    let read = |store: &SamStore| store.object(&key_id(2), ObjectKind::Key);
    assert_named((3, &key), Some(CONTENT), read, name);
    assert_named((3, &key), Some(&object(2, ObjectKind::Request, 9).encode()), read, name);
    assert_named((3, &key), Some(&object(3, ObjectKind::Key, 9).encode()), |store| store.objects(None, 9), name);
}

#[test]
fn consumed() {
    let key = [&[1], [1; 32].as_slice()].concat();
    let name = format!("the row {} of the table consumed: ", hex::encode(&key));
    assert_named((4, &key), Some(CONTENT), |store| store.is_consumed(&hash(1, 2, 0)), &name);
    assert_named((4, &key), Some(b""), |store| store.begin()?.consume(&hash(1, 2, 0)), &name);
}

#[test]
fn hashes() {
    let key = [&5_u64.to_be_bytes()[..], &[1; 32]].concat();
    let name = format!("the row {} of the table hashes: ", hex::encode(&key));
    assert_named((10, &key), Some(CONTENT), |store| store.is_consumed(&hash(1, 1, 0)), &name);
    let purge = |store: &SamStore| store.begin()?.purge_consumed(9, 9);
    assert_named((10, b"short"), Some(b""), purge, "the row 73686f7274 of the table hashes: ");
    // Marks of another moment than the key's.
    let other = hex::decode(format!("0000000000000006{}{}00000000", "00000024", "01".repeat(32))).unwrap();
    assert_named((10, &key), Some(&other), purge, &name);
}

#[test]
fn expiries() {
    let purge = |store: &SamStore| store.begin()?.purge_consumed(9, 9);
    assert_named((5, b"short"), Some(b""), purge, "the row 73686f7274 of the table expiries: ");
    let nothing = [0_u64.to_be_bytes().as_slice(), &[1], &[7; 32]].concat();
    let name = format!("the row {} of the table expiries: ", hex::encode(&nothing));
    assert_named((5, &nothing), Some(b""), purge, &name);
}

#[test]
fn seals() {
    assert_named((6, &[1]), Some(CONTENT), |store| store.seal(Table::Users), "the row 01 of the table seals: ");
}

/// A block with these rows.
fn block(numbers: &[u64]) -> Vec<u8> {
    let row = |number: &u64| {
        let row = row(*number, "body").encode();
        [&number.to_be_bytes()[..], &u32::try_from(row.len()).unwrap().to_be_bytes(), &row].concat()
    };
    numbers.iter().flat_map(row).collect()
}

#[test]
fn audit() {
    let key = |number: u64| number.to_be_bytes();
    let name = |number: u64| format!("the row {number} of the table audit: ");
    assert_named((9, &key(0)), Some(CONTENT), |store| store.audit(2, 9), &name(2));
    assert_named((9, &key(0)), None, |store| store.audit(1, 9), &name(1));
    assert_named((9, &key(0)), None, |store| store.audit_head(), &name(3));
    assert_named((9, &key(0)), Some(&block(&[1, 3])), |store| store.audit(1, 9), &name(2));
    assert_named((9, &key(0)), Some(&block(&[1, 2])), |store| store.audit_head(), &name(3));
    let append = |store: &SamStore| store.begin()?.append_audit(&row(4, ""));
    assert_named((9, &key(0)), Some(&block(&[1, 2, 3, 4])), append, &name(4));
    assert_named((9, &key(1)), Some(CONTENT), append, "the row 1 of the table blocks: ");
    assert_named((9, &key(0)), Some(CONTENT), append, "the row 0 of the table blocks: ");
    // Rows that format 1 wrote.
    for behind in [4, 7] {
        assert_named((7, &key(behind)), Some(CONTENT), append, &name(behind));
    }
    let head = "the row head of the table store: ";
    assert_named((0, b"head"), Some(CONTENT), |store| store.audit_head(), head);
    assert_named((0, b"head"), Some(&key(0)), |store| store.audit(1, 9), head);
}

#[test]
fn intents() {
    let key = 4_u64.to_be_bytes();
    assert_named((8, &key), Some(CONTENT), |store| store.open_intents(), "the row 4 of the table intents: ");
    assert_named((8, b"x"), Some(b""), |store| store.open_intents(), "the row 78 of the table intents: ");
}

/// Whoever asks for it: no row is replaced, and none left out.
#[test]
fn an_audit_row_follows_the_head_or_is_refused() {
    for engine in Engine::ALL {
        let dir = filled(engine);
        let store = open(dir.path(), engine);
        for number in [0, 1, 3, 5, u64::MAX] {
            let refused = store.begin().unwrap().append_audit(&row(number, "x"));
            assert!(matches!(refused, Err(StoreError::Failed(_))), "{number}");
        }
        assert_eq!(store.audit(1, 9).unwrap().len(), 3);
    }
}

/// A caller that goes on after an error, and commits, gets the error again and writes nothing.
#[test]
fn a_transaction_with_a_failed_write_is_not_committed() {
    for engine in Engine::ALL {
        let dir = filled(engine);
        let store = open(dir.path(), engine);
        let mut txn = store.begin().unwrap();
        txn.put_user(&user(9, 1)).unwrap();
        let first = txn.append_audit(&row(9, "")).unwrap_err();
        txn.append_audit(&row(4, "")).unwrap();
        assert_eq!(txn.commit().unwrap_err(), first);
        assert_eq!(store.user(&user_id(9)).unwrap(), None);
        assert_eq!(store.audit_head().unwrap(), Some(row(3, "body")));
        // Nor does the next transaction follow what was not written.
        commit(&store, |txn| {
            assert_eq!(txn.audit_head().unwrap(), Some(row(3, "body")));
            txn.append_audit(&row(4, "next")).unwrap();
        });
        assert_eq!(store.audit(1, 9).unwrap().last(), Some(&row(4, "next")));
    }
}
