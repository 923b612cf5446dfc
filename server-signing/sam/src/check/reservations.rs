//! What the audit log tells of reservations (4.1), against the tables `consumed` and `intents`, whose rows have no MAC.

use std::collections::{BTreeSet, HashSet};

use tw4s_formats::Time;

use super::DataReport;
use crate::Sam;
use crate::audit::{Entry, Outcome, timestamp};
use crate::failure::Failure;
use crate::record::SadName;
use crate::window::milliseconds;

/// Follows the log, row by row.
pub(super) struct Reservations {
    /// Intents without a result so far.
    open: BTreeSet<u64>,
    /// The SADs, each of which is reserved once. 32 bytes for each signing, as long as the check takes.
    seen: HashSet<[u8; 32]>,
    /// From here on hashes must still be consumed.
    kept_since: String,
}

impl Reservations {
    /// Consumed hashes are kept for longer than [`keep_consumed_ms`](crate::Config::keep_consumed_ms) after their intent.
    /// Half of it is looked at, so that a purge during the check is no fault.
    pub(super) fn new(sam: &Sam) -> Self {
        let since = sam.ports.clock.now_ms().saturating_sub(sam.config.keep_consumed_ms / 2);
        Self { open: BTreeSet::new(), seen: HashSet::new(), kept_since: timestamp(since) }
    }

    pub(super) fn take(&mut self, sam: &Sam, entry: &Entry, report: &mut DataReport) -> Result<(), Failure> {
        let number = entry.number;
        if entry.outcome == Outcome::Intent {
            self.open.insert(number);
            return self.reserved(sam, entry, report);
        }
        if entry.intent.is_some_and(|intent| !self.open.remove(&intent)) {
            report.fault(format!("audit row {number}: its intent had its result before, or is none"));
        }
        Ok(())
    }

    fn reserved(&mut self, sam: &Sam, entry: &Entry, report: &mut DataReport) -> Result<(), Failure> {
        let number = entry.number;
        let Some(sad) = name(entry) else {
            report.fault(format!("audit row {number}: the intent names no SAD"));
            return Ok(());
        };
        if !self.seen.insert(sad.id) {
            report.fault(format!("audit row {number}: its SAD was reserved before"));
        }
        if entry.time >= self.kept_since && Some(sam.ports.store.consumed_hashes(&sad)?) != entry.hashes {
            report.fault(format!("audit row {number}: consumed hashes are missing, or added"));
        }
        Ok(())
    }

    /// At the end of the log: `open` are the intents that the database had as open at the log's head.
    pub(super) fn end(&self, open: &BTreeSet<u64>, report: &mut DataReport) {
        for number in self.open.difference(open) {
            report.fault(format!("audit row {number}: the intent has no result, and is not open"));
        }
        for number in open.difference(&self.open) {
            report.fault(format!("audit row {number}: it is open and has its result, or is open and no intent"));
        }
    }
}

/// The SAD of an intent. In one that an older program wrote its end is missing; the database then kept it without, too.
fn name(intent: &Entry) -> Option<SadName> {
    let mut id = [0; 32];
    hex::decode_to_slice(intent.sad.as_deref()?, &mut id).ok()?;
    let not_after_ms = match &intent.expires {
        None => 0,
        Some(expires) => milliseconds(expires.parse::<Time>().ok()?.unix()),
    };
    Some(SadName { not_after_ms, id })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn names_the_sad_of_an_intent_of_any_age() {
        let mut intent = Entry::new("Signing");
        assert_eq!(name(&intent), None);
        intent.sad = Some("d1".repeat(32));
        let of = |not_after_ms| SadName { not_after_ms, id: [0xD1; 32] };
        assert_eq!(name(&intent), Some(of(0)), "as an older program wrote it");
        intent.expires = Some("2026-11-20T17:06:31Z".to_owned());
        assert_eq!(name(&intent), Some(of(1_795_194_391_000)));
        intent.expires = Some("tomorrow".to_owned());
        assert_eq!(name(&intent), None);
    }
}
