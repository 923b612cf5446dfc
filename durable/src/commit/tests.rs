#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    ops::Bound,
    path::Path,
    sync::{
        atomic::AtomicUsize,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use super::*;
use crate::write_set::Stack;

fn set(key: &str) -> WriteSet {
    let mut set = WriteSet::default();
    set.insert(key.into(), Some(b"new".to_vec()));
    set
}

/// A log whose writes take until the test says so, and end as it says.
struct Slow {
    commits: Commits,
    written: AtomicUsize,
    entered: Sender<()>,
    results: Mutex<Receiver<bool>>,
}

impl Slow {
    fn new() -> (Self, Receiver<()>, Sender<bool>) {
        let (entered, is_entered) = channel();
        let (finish, results) = channel();
        let slow =
            Self { commits: Commits::default(), written: AtomicUsize::new(0), entered, results: Mutex::new(results) };
        (slow, is_entered, finish)
    }

    fn commit(&self, writes: WriteSet) -> Result<(), Error> {
        self.commits.enter_writer()?;
        let ticket = self.commits.publish(writes);
        self.wait(ticket)
    }

    fn wait(&self, ticket: Ticket) -> Result<(), Error> {
        self.commits.make_durable(ticket, |_, _| {
            self.written.fetch_add(1, Ordering::SeqCst);
            self.entered.send(()).unwrap();
            match self.results.lock().recv().unwrap() {
                true => Ok(()),
                false => Err(Error::damaged(Path::new("disk"), "on purpose")),
            }
        })
    }

    /// What a reader sees, and what the writer does.
    fn sees(&self, key: &str) -> (bool, bool) {
        let layers = self.commits.layers();
        let (collected, in_flight) = self.commits.ahead();
        let durable = Stack([&layers.active, &layers.frozen]).get(key.as_bytes()).is_some();
        let ahead = Stack([&*collected, &*in_flight]).get(key.as_bytes()).is_some();
        (durable, durable || ahead)
    }
}

#[test]
fn the_writer_sees_all_and_a_reader_what_is_durable() {
    let (slow, entered, finish) = Slow::new();
    let slow = &slow;
    thread::scope(|scope| {
        slow.commits.enter_writer().unwrap();
        let ticket = slow.commits.publish(set("a"));
        assert_eq!(slow.sees("a"), (false, true));
        scope.spawn(move || slow.wait(ticket).unwrap());
        entered.recv().unwrap();
        assert_eq!(slow.sees("a"), (false, true));
        finish.send(true).unwrap();
    });
    assert_eq!(slow.sees("a"), (true, true));
    let frozen = slow.commits.freeze();
    assert_eq!(slow.sees("a"), (true, true));
    assert!(frozen.iter().eq(set("a").iter()));
    slow.commits.thaw();
    assert_eq!(slow.sees("a"), (false, false));
}

#[test]
fn commits_during_a_sync_share_the_next_one() {
    let (slow, entered, finish) = Slow::new();
    thread::scope(|scope| {
        scope.spawn(|| slow.commit(set("a")).unwrap());
        entered.recv().unwrap();
        for key in ["b", "c", "d", "e"] {
            let slow = &slow;
            scope.spawn(move || slow.commit(set(key)).unwrap());
        }
        // None of them waits for the sync with the writer's place in hand.
        while slow.commits.ahead().0.iter().count() < 4 {
            thread::yield_now();
        }
        finish.send(true).unwrap();
        entered.recv().unwrap();
        finish.send(true).unwrap();
    });
    assert_eq!(slow.written.load(Ordering::SeqCst), 2);
    let layers = slow.commits.layers();
    assert!(Stack([&layers.active]).first_put(Bound::Included(b"e"), Bound::Unbounded).is_some());
}

#[test]
fn an_empty_commit_waits_for_what_it_may_have_read() {
    let (slow, entered, finish) = Slow::new();
    thread::scope(|scope| {
        scope.spawn(|| slow.commit(set("a")).unwrap());
        entered.recv().unwrap();
        let empty = scope.spawn(|| slow.commit(WriteSet::default()).unwrap());
        thread::sleep(Duration::from_millis(20));
        assert!(!empty.is_finished());
        finish.send(true).unwrap();
    });
    slow.commit(WriteSet::default()).unwrap();
    assert_eq!(slow.written.load(Ordering::SeqCst), 1);
}

#[test]
fn a_failed_sync_fails_everyone_from_then_on() {
    let (slow, entered, finish) = Slow::new();
    let slow = &slow;
    let before = thread::scope(|scope| {
        slow.commits.enter_writer().unwrap();
        let ticket = slow.commits.publish(set("before"));
        let waiting = scope.spawn(move || slow.wait(ticket).unwrap());
        entered.recv().unwrap();
        finish.send(true).unwrap();
        waiting.join().unwrap();
        let first = scope.spawn(|| slow.commit(set("a")));
        entered.recv().unwrap();
        let second = scope.spawn(|| slow.commit(set("b")));
        thread::sleep(Duration::from_millis(20));
        finish.send(false).unwrap();
        for result in [first.join(), second.join()] {
            let error = result.unwrap().unwrap_err();
            assert!(matches!(&error, Error::Broken { first } if first.contains("on purpose")));
        }
        ticket
    });
    assert!(slow.commit(set("c")).is_err());
    assert!(slow.commits.check().is_err());
    assert_eq!(slow.written.load(Ordering::SeqCst), 2);
    // What was durable stays so.
    slow.wait(before).unwrap();
}
