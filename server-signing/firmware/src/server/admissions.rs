//! What was admitted on one connection and waits to be signed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::error::FirmwareError;
use crate::protocol::Admission;

/// It: bounded in number and in time, and gone with the connection.
#[derive(Debug)]
pub(super) struct Admissions<A> {
    last: u64,
    waiting: BTreeMap<u64, (Instant, A)>,
}

impl<A> Default for Admissions<A> {
    fn default() -> Self {
        Self { last: 0, waiting: BTreeMap::new() }
    }
}

impl<A> Admissions<A> {
    /// Keeps what was admitted.
    pub(super) fn keep(&mut self, admitted: A, now: Instant) -> Result<Admission, FirmwareError> {
        self.expire(now);
        if self.waiting.len() >= MOST {
            return Err(FirmwareError::NotOperational("too many signings wait on one connection".to_owned()));
        }
        self.last += 1;
        self.waiting.insert(self.last, (now, admitted));
        Ok(Admission { number: self.last })
    }

    /// Gives it away, once.
    pub(super) fn take(&mut self, admission: &Admission, now: Instant) -> Result<A, FirmwareError> {
        self.expire(now);
        self.waiting.remove(&admission.number).map(|(_, admitted)| admitted).ok_or(FirmwareError::Malformed)
    }

    /// The oldest come first.
    fn expire(&mut self, now: Instant) {
        let is_over = |kept: &Instant| now.saturating_duration_since(*kept) > LIFETIME;
        while self.waiting.first_entry().is_some_and(|oldest| is_over(&oldest.get().0)) {
            self.waiting.pop_first();
        }
    }
}

/// As many as one connection of the SAM has under way when all its peers sign at once.
const MOST: usize = 1024;
/// The reservation in between takes milliseconds, on a busy disk seconds.
const LIFETIME: Duration = Duration::from_secs(60);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn an_admission_is_good_once_and_for_a_minute() {
        let began = Instant::now();
        let mut admissions = Admissions::default();
        let [one, other] = ["one", "other"].map(|admitted| admissions.keep(admitted, began).unwrap());
        assert_eq!(admissions.take(&one, began + LIFETIME), Ok("one"));
        assert_eq!(admissions.take(&one, began + LIFETIME), Err(FirmwareError::Malformed), "once");
        let late = began + LIFETIME + Duration::from_nanos(1);
        assert_eq!(admissions.take(&other, late), Err(FirmwareError::Malformed), "it is over");
    }

    #[test]
    fn what_is_over_is_dropped_and_makes_room() {
        let began = Instant::now();
        let mut admissions = Admissions::default();
        let held = Rc::new(());
        for _ in 0..MOST {
            admissions.keep(Rc::clone(&held), began).unwrap();
        }
        let more = |admissions: &mut Admissions<_>, now| admissions.keep(Rc::clone(&held), now);
        let full = more(&mut admissions, began + LIFETIME);
        assert!(matches!(full, Err(FirmwareError::NotOperational(_))), "{full:?}");
        more(&mut admissions, began + LIFETIME + Duration::from_nanos(1)).unwrap();
        assert_eq!(Rc::strong_count(&held), 2, "the one that was kept, and the test's own");
    }
}
