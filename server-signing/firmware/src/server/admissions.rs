//! What was admitted on one connection and waits to be signed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::error::FirmwareError;
use crate::firmware::Admitted;
use crate::protocol::Admission;

/// It: bounded in number and in time, and gone with the connection.
#[derive(Debug, Default)]
pub(super) struct Admissions {
    last: u64,
    waiting: BTreeMap<u64, (Instant, Admitted)>,
}

impl Admissions {
    /// Keeps what was admitted.
    pub(super) fn keep(&mut self, admitted: Admitted) -> Result<Admission, FirmwareError> {
        self.expire();
        if self.waiting.len() >= MOST {
            return Err(FirmwareError::NotOperational("too many signings wait on one connection".to_owned()));
        }
        self.last += 1;
        self.waiting.insert(self.last, (Instant::now(), admitted));
        Ok(Admission { number: self.last })
    }

    /// Gives it away, once.
    pub(super) fn take(&mut self, admission: &Admission) -> Result<Admitted, FirmwareError> {
        self.expire();
        self.waiting.remove(&admission.number).map(|(_, admitted)| admitted).ok_or(FirmwareError::Malformed)
    }

    /// The oldest come first.
    fn expire(&mut self) {
        while self.waiting.first_entry().is_some_and(|oldest| oldest.get().0.elapsed() > LIFETIME) {
            self.waiting.pop_first();
        }
    }
}

/// As many as one connection of the SAM has under way when all its peers sign at once.
const MOST: usize = 1024;
/// The reservation in between takes milliseconds, on a busy disk seconds.
const LIFETIME: Duration = Duration::from_secs(60);
