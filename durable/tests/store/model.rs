//! A store beside an executable model, under random transactions.

use std::{collections::BTreeMap, ops::Bound};

use durable::{Db, Engine, Entry, Error, Options, Tree, Txn};
use proptest::{collection::vec, prelude::*};
use tempfile::TempDir;

use crate::{open, options};

/// What a store should hold.
type Model = BTreeMap<(Tree, Vec<u8>), Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Op>),
    /// The same, dropped.
    Drop(Vec<Op>),
    Reopen,
}

#[derive(Clone, Debug)]
enum Op {
    Put(Tree, Vec<u8>, Vec<u8>),
    Remove(Tree, Vec<u8>),
    Get(Tree, Vec<u8>),
    Next(Tree, Bound<Vec<u8>>),
}

fn tree() -> impl Strategy<Value = Tree> {
    prop_oneof![Just(Tree(0)), Just(Tree(1)), Just(Tree(127))]
}

/// Few, so that they meet: with the shortest, the longest, and prefixes of one another.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(0_u8..3, 0..4),
        1 => vec(any::<u8>(), 0..3),
        1 => Just(vec![255; 512]),
        1 => Just(vec![7; 511]),
    ]
}

/// Around the length at which values are cut into pieces.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![
        4 => 0..200_usize,
        1 => 16_383..16_387_usize,
        1 => 32_767..32_770_usize,
        1 => 0..70_000_usize,
    ];
    (length, any::<u8>()).prop_map(|(length, seed)| {
        let byte = |at: usize| (at as u8).wrapping_mul(31).wrapping_add(seed);
        (0..length).map(byte).collect()
    })
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![key().prop_map(Bound::Included), key().prop_map(Bound::Excluded), Just(Bound::Unbounded),]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (tree(), key(), value()).prop_map(|(tree, key, value)| Op::Put(tree, key, value)),
        2 => (tree(), key()).prop_map(|(tree, key)| Op::Remove(tree, key)),
        1 => (tree(), key()).prop_map(|(tree, key)| Op::Get(tree, key)),
        2 => (tree(), bound()).prop_map(|(tree, bound)| Op::Next(tree, bound)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => vec(op(), 0..12).prop_map(Step::Commit),
        2 => vec(op(), 0..12).prop_map(Step::Drop),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(steps in vec(step(), 1..25), log_bytes in prop_oneof![Just(0), Just(64 << 10), Just(8 << 20)]) {
        for engine in Engine::ALL {
            run(engine, log_bytes, &steps);
        }
    }
}

fn run(engine: Engine, log_bytes: u64, steps: &[Step]) {
    let dir = TempDir::new().unwrap();
    let open = || Db::open(dir.path(), &Options { log_bytes, ..options(engine) }).unwrap();
    let mut db = open();
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Commit(ops) => {
                let mut txn = db.begin().unwrap();
                transact(&mut txn, ops, &mut model);
                txn.commit().unwrap();
            }
            Step::Drop(ops) => {
                let mut txn = db.begin().unwrap();
                transact(&mut txn, ops, &mut model.clone());
            }
            Step::Reopen => {
                drop(db);
                db = open();
                assert!(!db.created());
            }
        }
        assert_same(&db, &model);
    }
}

fn transact(txn: &mut Txn<'_>, ops: &[Op], model: &mut Model) {
    for op in ops {
        match op {
            Op::Put(tree, key, value) => match model.insert((*tree, key.clone()), value.clone()) {
                None if value.len() % 2 == 0 => txn.put_new(*tree, key, value).unwrap(),
                _ => txn.put(*tree, key, value).unwrap(),
            },
            Op::Remove(tree, key) => {
                txn.remove(*tree, key).unwrap();
                model.remove(&(*tree, key.clone()));
            }
            Op::Get(tree, key) => {
                let expected = model.get(&(*tree, key.clone()));
                assert_eq!(txn.get(*tree, key).unwrap().as_ref(), expected);
            }
            Op::Next(tree, from) => {
                let found = txn.next(*tree, from.as_ref().map(Vec::as_slice)).unwrap();
                assert_eq!(found, next(model, *tree, from));
            }
        }
    }
}

fn next(model: &Model, tree: Tree, from: &Bound<Vec<u8>>) -> Option<Entry> {
    let after = |key: &Vec<u8>| match from {
        Bound::Included(from) => key >= from,
        Bound::Excluded(from) => key > from,
        Bound::Unbounded => true,
    };
    let mut entries = model.iter().filter(|((at, key), _)| *at == tree && after(key));
    entries.next().map(|((_, key), value)| (key.clone(), value.clone()))
}

/// Compares everything, by walking and by key.
fn assert_same(db: &Db, model: &Model) {
    for tree in [Tree(0), Tree(1), Tree(2), Tree(127)] {
        let mut from = Bound::Unbounded;
        loop {
            let found = db.next(tree, from.as_ref().map(Vec::as_slice)).unwrap();
            assert!(found == next(model, tree, &from), "{tree:?} after {from:02x?}");
            let Some((key, value)) = found else { break };
            assert!(db.get(tree, &key).unwrap() == Some(value));
            from = Bound::Excluded(key);
        }
    }
}

#[test]
fn keeps_values_of_16_mib() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let value: Vec<u8> = (0..4 << 20).flat_map(u32::to_le_bytes).collect();
        let db = open(dir.path(), engine);
        let mut txn = db.begin().unwrap();
        txn.put(Tree(5), b"long", &value).unwrap();
        txn.put(Tree(5), b"next", b"short").unwrap();
        assert!(txn.get(Tree(5), b"long").unwrap().as_ref() == Some(&value));
        txn.commit().unwrap();
        drop(db);

        let db = open(dir.path(), engine);
        assert!(db.get(Tree(5), b"long").unwrap().as_ref() == Some(&value));
        let mut txn = db.begin().unwrap();
        txn.put(Tree(5), b"long", b"short").unwrap();
        txn.commit().unwrap();
        assert_eq!(db.get(Tree(5), b"long").unwrap().unwrap(), b"short");
        let after = db.next(Tree(5), Bound::Excluded(b"long")).unwrap();
        assert_eq!(after, Some((b"next".to_vec(), b"short".to_vec())));
    }
}

#[test]
fn rejects_what_does_not_fit_and_goes_on() {
    let dir = TempDir::new().unwrap();
    let db = open(dir.path(), Engine::Sled);
    let mut txn = db.begin().unwrap();
    assert!(matches!(txn.put(Tree(0), &[0; 513], b""), Err(Error::KeyTooLong { len: 513 })));
    assert!(matches!(txn.put(Tree(128), b"", b""), Err(Error::NoSuchTree { tree: 128 })));
    let long = vec![0; durable::MAX_VALUE_LEN + 1];
    assert!(matches!(txn.put(Tree(0), b"", &long), Err(Error::ValueTooLong { .. })));
    txn.put(Tree(0), &[0; 512], b"fits").unwrap();
    txn.commit().unwrap();
    assert!(matches!(db.get(Tree(200), b""), Err(Error::NoSuchTree { tree: 200 })));
    assert_eq!(db.get(Tree(0), &[0; 512]).unwrap().unwrap(), b"fits");
}
