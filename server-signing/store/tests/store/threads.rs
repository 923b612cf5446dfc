//! Many at once: each thing is consumed by one, and the audit log has no gap.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tw4s_sam::ports::{Read, Store};

use crate::{hash, next_number, row, stores};

const THREADS: usize = 32;

#[test]
fn of_many_who_consume_the_same_one_wins() {
    for (_dir, store) in stores() {
        for sad in 0..5 {
            let wins = AtomicUsize::new(0);
            let start = Barrier::new(THREADS);
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        start.wait();
                        let mut txn = store.begin().unwrap();
                        if txn.consume(&hash(sad, 1, 0)).unwrap() {
                            txn.commit().unwrap();
                            assert!(store.is_consumed(&hash(sad, 1, 0)).unwrap());
                            wins.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                }
            });
            assert_eq!(wins.into_inner(), 1);
        }
    }
}

/// Thread n wants the hashes n and n + 1: two neighbours cannot both win, and a loser leaves no hash behind.
#[test]
fn batches_that_overlap_win_or_lose_whole() {
    for (_dir, store) in stores() {
        let start = Barrier::new(THREADS);
        let mut won = Vec::new();
        thread::scope(|scope| {
            let batch = |number: u8| [hash(1, number, 0), hash(1, number + 1, 0)];
            let threads: Vec<_> = (0..THREADS as u8)
                .map(|number| {
                    let (store, start) = (&store, &start);
                    scope.spawn(move || {
                        start.wait();
                        let mut txn = store.begin().unwrap();
                        let all = batch(number).iter().all(|what| txn.consume(what).unwrap());
                        if all {
                            txn.commit().unwrap();
                        }
                        all
                    })
                })
                .collect();
            won.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
        });
        for number in 0..=THREADS {
            let left = number > 0 && won[number - 1];
            let right = won.get(number).copied().unwrap_or(false);
            assert!(!(left && right), "both neighbours of {number} won");
            assert_eq!(store.is_consumed(&hash(1, number as u8, 0)).unwrap(), left || right);
        }
    }
}

#[test]
fn audit_rows_of_many_stand_in_one_line() {
    const ROUNDS: usize = 10;
    for (_dir, store) in stores() {
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let store = &store;
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let mut txn = store.begin().unwrap();
                        let mine = row(next_number(&*txn), &format!("{thread} {round}"));
                        txn.append_audit(&mine).unwrap();
                        txn.commit().unwrap();
                        assert_eq!(store.audit(mine.number, 1).unwrap(), std::slice::from_ref(&mine));
                        assert!(next_number(store) > mine.number);
                    }
                });
            }
        });
        let rows = store.audit(1, usize::MAX).unwrap();
        assert_eq!(rows.len(), THREADS * ROUNDS);
        let mut bodies: Vec<_> = rows.iter().map(|row| row.body.clone()).collect();
        bodies.sort();
        bodies.dedup();
        assert_eq!(bodies.len(), THREADS * ROUNDS);
    }
}
