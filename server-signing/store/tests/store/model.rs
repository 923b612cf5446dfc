//! Random transactions on both engines beside the module's store in memory: the same answers, the same rows, also
//! reopened.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tw4s_sam::ports::{Read, Store, Txn};
use tw4s_sam::record::{ObjectKind, Once, Table};
use tw4s_sam::testing::MemStore;
use tw4s_store::Engine;

use crate::{hash_until, key_id, message, new_dir, next_number, object, open, row, seal, user, user_id};

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Op>),
    /// The same, dropped.
    Drop(Vec<Op>),
    Reopen,
}

#[derive(Clone, Debug)]
enum Op {
    PutUser(u8, u64),
    PutHolder(u8, Option<u8>),
    PutObject(u8, ObjectKind, u8),
    RemoveObject(u8, ObjectKind),
    PutSeal(Table, u64),
    Consume(Once),
    /// All that expired: which go first is left to the store.
    Purge(u64),
    Append(String),
    OpenIntent(u64),
    CloseIntent(u64),
}

/// Few names, so that they meet.
fn op() -> impl Strategy<Value = Op> {
    let kind = || select(ObjectKind::ALL.to_vec());
    prop_oneof![
        2 => (0..5_u8, any::<u64>()).prop_map(|(id, version)| Op::PutUser(id, version)),
        1 => (0..3_u8, proptest::option::of(0..5_u8)).prop_map(|(id, user)| Op::PutHolder(id, user)),
        2 => (0..4_u8, kind(), any::<u8>()).prop_map(|(id, kind, length)| Op::PutObject(id, kind, length)),
        1 => (0..4_u8, kind()).prop_map(|(id, kind)| Op::RemoveObject(id, kind)),
        1 => (select(Table::ALL.to_vec()), any::<u64>()).prop_map(|(table, count)| Op::PutSeal(table, count)),
        6 => once().prop_map(Op::Consume),
        2 => (0..7_u64).prop_map(Op::Purge),
        2 => "[a-z]{0,20}".prop_map(Op::Append),
        1 => (1..6_u64).prop_map(Op::OpenIntent),
        1 => (1..6_u64).prop_map(Op::CloseIntent),
    ]
}

fn once() -> impl Strategy<Value = Once> {
    select(all_once())
}

fn all_once() -> Vec<Once> {
    let hashes = (0..16).map(|n| hash_until(u64::from(n / 4), n / 4 % 2, n / 2 % 2, u32::from(n % 2)));
    hashes.chain((0..8).map(|n| message(n / 2 % 2, n % 2, u64::from(n / 4 * 4)))).collect()
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
    fn agrees_with_the_model(steps in vec(step(), 1..20)) {
        for engine in Engine::ALL {
            run(engine, &steps);
        }
    }
}

fn run(engine: Engine, steps: &[Step]) {
    let dir = new_dir();
    let mut store = open(dir.path(), engine);
    let model = MemStore::new();
    for step in steps {
        match step {
            Step::Commit(ops) | Step::Drop(ops) => {
                let mut txn = store.begin().unwrap();
                let mut expected = model.begin().unwrap();
                for op in ops {
                    assert_eq!(perform(&mut *txn, op), perform(&mut *expected, op), "{op:?}");
                }
                assert_same(&*txn, &*expected);
                if matches!(step, Step::Commit(_)) {
                    txn.commit().unwrap();
                    expected.commit().unwrap();
                }
            }
            Step::Reopen => {
                drop(store);
                store = open(dir.path(), engine);
                assert!(!store.created());
            }
        }
        assert_same(&store, &model);
    }
}

/// What a call answered, as a number.
fn perform(txn: &mut dyn Txn, op: &Op) -> usize {
    match op {
        Op::PutUser(id, version) => txn.put_user(&user(*id, *version)).unwrap(),
        Op::PutHolder(id, holder) => txn.put_holder(&[*id; 32], holder.map(user_id).as_ref()).unwrap(),
        Op::PutObject(id, kind, length) => txn.put_object(&object(*id, *kind, *length)).unwrap(),
        Op::RemoveObject(id, kind) => txn.remove_object(&key_id(*id), *kind).unwrap(),
        Op::PutSeal(table, count) => txn.put_seal(*table, &seal(*count)).unwrap(),
        Op::Consume(what) => return usize::from(txn.consume(what).unwrap()),
        Op::Purge(before) => return txn.purge_consumed(*before, usize::MAX).unwrap(),
        Op::Append(body) => txn.append_audit(&row(next_number(txn), body)).unwrap(),
        Op::OpenIntent(number) => txn.open_intent(*number).unwrap(),
        Op::CloseIntent(number) => txn.close_intent(*number).unwrap(),
    }
    0
}

/// Compares everything, by walking and by key.
fn assert_same<A: Read + ?Sized, B: Read + ?Sized>(found: &A, expected: &B) {
    let users = expected.users(None, 99).unwrap();
    assert_eq!(found.users(None, 99).unwrap(), users);
    for id in 0..5 {
        assert_eq!(found.user(&user_id(id)).unwrap(), expected.user(&user_id(id)).unwrap());
        let after = user_id(id);
        assert_eq!(found.users(Some(&after), 2).unwrap(), expected.users(Some(&after), 2).unwrap());
    }
    let objects = expected.objects(None, 99).unwrap();
    assert!(found.objects(None, 99).unwrap() == objects);
    for object in &objects {
        let after = Some((&object.key, object.kind));
        assert!(found.object(&object.key, object.kind).unwrap().as_ref() == Some(object));
        assert!(found.objects(after, 1).unwrap() == expected.objects(after, 1).unwrap());
    }
    for id in 0..3 {
        assert_eq!(found.holder(&[id; 32]).unwrap(), expected.holder(&[id; 32]).unwrap());
    }
    for what in all_once() {
        assert_eq!(found.is_consumed(&what).unwrap(), expected.is_consumed(&what).unwrap(), "{what:?}");
    }
    for table in Table::ALL {
        assert_eq!(found.seal(table).unwrap(), expected.seal(table).unwrap());
    }
    assert_eq!(found.audit(0, 999).unwrap(), expected.audit(0, 999).unwrap());
    assert_eq!(found.audit(2, 2).unwrap(), expected.audit(2, 2).unwrap());
    assert_eq!(found.audit_head().unwrap(), expected.audit_head().unwrap());
    assert_eq!(found.open_intents().unwrap(), expected.open_intents().unwrap());
}
