//! Several threads at once.

use std::{
    ops::Bound,
    sync::{Mutex, mpsc::channel},
    thread,
};

use durable::{Db, Engine, Options, Pending, Tree};
use tempfile::TempDir;

use crate::{TREE, open, options};

#[test]
fn every_acknowledged_commit_is_there_and_none_is_lost_to_another() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let db = open(dir.path(), engine);
        let acknowledged = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for thread in 0..8_u8 {
                let (db, acknowledged) = (&db, &acknowledged);
                scope.spawn(move || {
                    for number in 0..25_u8 {
                        let mut txn = db.begin().unwrap();
                        let count = txn.get(Tree(0), b"count").unwrap().map_or(0, |c| c[0]);
                        txn.put(Tree(0), b"count", &[count + 1]).unwrap();
                        txn.put(TREE, &[thread, number], &[count]).unwrap();
                        txn.commit().unwrap();
                        acknowledged.lock().unwrap().push(([thread, number], count));
                    }
                });
            }
        });
        drop(db);
        let db = open(dir.path(), engine);
        let acknowledged = acknowledged.into_inner().unwrap();
        assert_eq!(acknowledged.len(), 200);
        assert_eq!(db.get(Tree(0), b"count").unwrap().unwrap(), [200]);
        for (key, count) in acknowledged {
            assert_eq!(db.get(TREE, &key).unwrap().unwrap(), [count]);
        }
    }
}

/// A value in pieces is replaced while others read it: they see the old or the new, never both.
#[test]
fn long_values_are_read_whole() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let db = open(dir.path(), engine);
        let replace = |byte: u8| {
            let mut txn = db.begin().unwrap();
            txn.put(TREE, b"long", &vec![byte; 50_000 + usize::from(byte)]).unwrap();
            txn.commit().unwrap();
        };
        replace(0);
        thread::scope(|scope| {
            let writer = scope.spawn(|| (1..=60).for_each(replace));
            let mut last = 0;
            while !writer.is_finished() {
                let value = db.get(TREE, b"long").unwrap().unwrap();
                let (_, next) = db.next(TREE, std::ops::Bound::Unbounded).unwrap().unwrap();
                for value in [value, next] {
                    let byte = value[0];
                    assert!(value == vec![byte; 50_000 + usize::from(byte)]);
                    assert!(byte >= last, "an older value after a newer one");
                    last = byte;
                }
            }
        });
    }
}

/// One record wanders from key to key, and the log into the engine after nearly every step: it is
/// always at one place, and never at none or two.
#[test]
fn a_search_sees_one_moment() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let db = Db::open(dir.path(), &Options { log_bytes: 0, ..options(engine) }).unwrap();
        let place = |step: u32| [(step.wrapping_mul(2_654_435_761) >> 24) as u8];
        let step = |step: u32| {
            let mut txn = db.begin().unwrap();
            let before = txn.next(TREE, Bound::Unbounded).unwrap();
            if step > 0 {
                let (before, value) = before.unwrap();
                assert_eq!(before, place(step - 1));
                assert_eq!(value, (step - 1).to_be_bytes());
                assert_eq!(txn.next(TREE, Bound::Excluded(&before)).unwrap(), None);
                txn.remove(TREE, &before).unwrap();
            }
            txn.put(TREE, &place(step), &step.to_be_bytes()).unwrap();
            assert_eq!(txn.next(TREE, Bound::Unbounded).unwrap().unwrap().0, place(step));
            txn.commit().unwrap();
        };
        step(0);
        thread::scope(|scope| {
            let writer = scope.spawn(|| (1..400).for_each(step));
            let mut last = 0;
            while !writer.is_finished() {
                let (key, value) = db.next(TREE, Bound::Unbounded).unwrap().unwrap();
                let number = u32::from_be_bytes(value.try_into().unwrap());
                assert_eq!(key, place(number));
                assert!(number >= last, "an older place after a newer one");
                last = number;
            }
        });
    }
}

fn put_later(db: &durable::Db, number: u8) -> Pending {
    let mut txn = db.begin().unwrap();
    txn.put(TREE, &[number], &[number]).unwrap();
    txn.commit_later().unwrap()
}

#[test]
fn a_commit_made_later_is_seen_by_the_next_transaction_and_by_no_reader() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let db = open(dir.path(), engine);
        let pending = put_later(&db, 1);
        assert_eq!(db.begin().unwrap().get(TREE, &[1]).unwrap().unwrap(), [1]);
        assert_eq!(db.get(TREE, &[1]).unwrap(), None);
        pending.wait().unwrap();
        assert_eq!(db.get(TREE, &[1]).unwrap().unwrap(), [1]);
    }
}

/// One thread waits for what others committed: the newest of many covers all.
#[test]
fn waiting_for_the_newest_makes_all_durable() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let db = open(dir.path(), engine);
        let (sender, receiver) = channel::<Pending>();
        let committer = thread::spawn(move || {
            let newest = receiver.iter().max_by_key(Pending::number).unwrap();
            newest.wait().unwrap();
        });
        for number in 0..20 {
            sender.send(put_later(&db, number)).unwrap();
        }
        drop(sender);
        committer.join().unwrap();
        for number in 0..20 {
            assert_eq!(db.get(TREE, &[number]).unwrap().unwrap(), [number]);
        }
    }
}

#[test]
fn what_nobody_waited_for_is_there_after_a_close() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let db = open(dir.path(), engine);
        drop(put_later(&db, 1));
        let kept = put_later(&db, 2);
        drop(db);
        kept.wait().unwrap();
        let db = open(dir.path(), engine);
        for number in 1..=2 {
            assert_eq!(db.get(TREE, &[number]).unwrap().unwrap(), [number]);
        }
    }
}
