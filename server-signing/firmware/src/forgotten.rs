//! Anchors that administrators have forgotten, kept until the SAM's audit log tells of it.
//!
//! The firmware cannot write the log: the database that the order was given for may be gone, and another may be put in
//! its place before anything starts on it. So the order stays here, and whoever opens a database next asks for it
//! ([`Firmware::forgotten`]), records it, and says so ([`Firmware::forgotten_is_recorded`]).

use std::time::{SystemTime, UNIX_EPOCH};

use der::Sequence;
use tw4s_formats::{Format, List, Text, Time};

use crate::administrator::{Logon, MAX_ADMINISTRATORS};
use crate::anchor::Kept;
use crate::error::FirmwareError;
use crate::firmware::Firmware;
use crate::state::State;

/// ```text
/// Forgotten ::= SEQUENCE { anchor Anchor, time GeneralizedTime, administrators SEQUENCE OF UTF8String }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct Forgotten {
    pub(crate) anchor: Kept,
    time: Time,
    administrators: List<Text, 1, MAX_ADMINISTRATORS>,
}

/// A list of them: the state's, and what goes over the socket.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct ForgottenAnchors {
    /// In the order in which they were forgotten.
    pub anchors: List<Forgotten, 0, MAX_FORGOTTEN>,
}

impl Format for ForgottenAnchors {
    const MAX_LEN: usize = MAX_FORGOTTEN * (MAX_ADMINISTRATORS * MAX_NAME_LEN + 128) + 16;
}

impl Forgotten {
    /// # Errors
    /// `Failed`: the clock or a name is out of bounds.
    pub(crate) fn now(anchor: Kept, by: &[Logon]) -> Result<Self, FirmwareError> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let names = by.iter().map(|logon| Text::new(logon.name())).collect::<Result<_, _>>();
        let failed = |_| FirmwareError::Failed;
        Ok(Self {
            anchor,
            time: Time::from_unix(seconds).map_err(failed)?,
            administrators: names.and_then(List::new).map_err(failed)?,
        })
    }

    /// The row that was known, and its hash.
    #[must_use]
    pub fn row(&self) -> (u64, [u8; 32]) {
        self.anchor.row()
    }

    /// When, by the firmware's clock.
    #[must_use]
    pub fn time(&self) -> Time {
        self.time
    }

    /// Who ordered it.
    pub fn administrators(&self) -> impl Iterator<Item = &str> {
        self.administrators.iter().map(Text::as_str)
    }
}

impl Firmware {
    /// What was forgotten of a SAM's anchors (SHA-256 of its id) and is not in its audit log yet, oldest first.
    ///
    /// # Errors
    /// None today.
    pub fn forgotten(&self, sam: &[u8; 32]) -> Result<ForgottenAnchors, FirmwareError> {
        let state = &self.state.lock().1;
        let of_sam = |it: &&Forgotten| it.anchor.sam.as_bytes() == sam;
        let anchors = state.forgotten.iter().flat_map(|list| list.iter()).filter(of_sam).cloned().collect();
        Ok(ForgottenAnchors { anchors: List::new(anchors).map_err(|_| FirmwareError::Failed)? })
    }

    /// Drops what is in an audit log now. Nothing happens to what is not there, so this may be said twice.
    ///
    /// # Errors
    /// `Failed`; then nothing has changed.
    pub fn forgotten_is_recorded(&self, recorded: &ForgottenAnchors) -> Result<(), FirmwareError> {
        let change = |state: &State| {
            let Some(kept) = &state.forgotten else { return Ok(None) };
            let left: Vec<_> = kept.iter().filter(|it| !recorded.anchors.contains(it)).cloned().collect();
            if left.len() == kept.len() {
                return Ok(None);
            }
            Ok(Some(State { forgotten: list(left)?, ..state.clone() }))
        };
        self.change(change, || ())
    }
}

/// As the state has it: absent when empty.
pub(crate) fn list(anchors: Vec<Forgotten>) -> Result<Option<List<Forgotten, 0, MAX_FORGOTTEN>>, FirmwareError> {
    if anchors.is_empty() {
        return Ok(None);
    }
    List::new(anchors).map(Some).map_err(|_| {
        tracing::error!("{MAX_FORGOTTEN} forgotten anchors wait for a start of their instances, which records them");
        FirmwareError::Failed
    })
}

/// Anchors that wait to be recorded. A start of their instance records them, so more are a mistake.
pub(crate) const MAX_FORGOTTEN: usize = 16;
/// Bytes of an administrator's name, encoded.
const MAX_NAME_LEN: usize = 4 * tw4s_formats::limit::MAX_TEXT_LEN + 4;
