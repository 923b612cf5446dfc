//! A lock per object: sessions, PIN groups, PUK policies.
//!
//! They order the calls that name one object and let all others run side by side. A thread takes at most one open
//! session's lock, then one closed session's or one at a time of a PUK's and a PIN's, then the store's writer; never
//! the other way round.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{ArcMutexGuard, Mutex, RawMutex};

/// A lock for each number that somebody holds or waits for.
#[derive(Default)]
pub(crate) struct Locks {
    held: Mutex<HashMap<u32, Arc<Mutex<()>>>>,
}

/// Holds one number's lock.
pub(crate) struct Guard<'a> {
    locks: &'a Locks,
    number: u32,
    // An Option only so that `drop` can release it before it looks for others who wait.
    guard: Option<ArcMutexGuard<RawMutex, ()>>,
}

impl Locks {
    /// Waits until nobody else holds `number`.
    pub(crate) fn lock(&self, number: u32) -> Guard<'_> {
        let lock = Arc::clone(self.held.lock().entry(number).or_default());
        Guard { locks: self, number, guard: Some(lock.lock_arc()) }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.guard.take();
        let mut held = self.locks.held.lock();
        // The map's own reference is the last one: nobody holds it and nobody waits.
        if held.get(&self.number).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            held.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_what_nobody_holds() {
        let locks = Locks::default();
        let one = locks.lock(1);
        let two = locks.lock(2);
        drop(one);
        assert_eq!(locks.held.lock().len(), 1);
        drop(two);
        assert!(locks.held.lock().is_empty());
    }

    #[test]
    fn orders_holders_of_one_number() {
        let locks = Locks::default();
        let total = Mutex::new(0u32);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let _guard = locks.lock(7);
                        let seen = *total.lock();
                        std::thread::yield_now();
                        *total.lock() = seen + 1;
                    }
                });
            }
        });
        assert_eq!(*total.lock(), 400);
    }
}
