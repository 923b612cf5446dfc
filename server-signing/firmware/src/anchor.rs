//! How far each SAM's audit log had come when a checkpoint of it was signed last: its *anchor*, kept in the state.
//!
//! A log that lacks its anchor's row was put back, with the database that it is in. Whoever opens a database asks for
//! the anchor first ([`Firmware::anchor`]), so that what is signed afterwards continues from it, and an anchor needs
//! only ever to go forwards. What happened behind the last checkpoint it does not show, nor a state that was put back
//! together with the database.

use der::Sequence;
use tw4s_formats::{List, Octets};

use crate::error::FirmwareError;
use crate::firmware::Firmware;
use crate::state::State;

/// ```text
/// Anchor ::= SEQUENCE { sam OCTET STRING (SIZE(32)), number INTEGER, hash OCTET STRING (SIZE(32)) }
/// ```
/// The SAM by SHA-256 of its id, and a row of its log with its hash.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(crate) struct Kept {
    pub(crate) sam: Octets<32, 32>,
    number: u64,
    hash: Octets<32, 32>,
}

/// The anchors of all SAMs that share the firmware.
pub(crate) type Anchors = List<Kept, 0, MAX_SAMS>;

impl Kept {
    /// Number and hash.
    pub(crate) fn row(&self) -> (u64, [u8; 32]) {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.hash.as_bytes());
        (self.number, hash)
    }

    /// What a checkpoint says: `"tw4s checkpoint 1" 00 | sam (32 bytes) | number (u64) | hash (32 bytes)`.
    fn of_checkpoint(checkpoint: &[u8]) -> Option<Self> {
        let (sam, rest) = checkpoint.strip_prefix(LABEL)?.split_first_chunk::<32>()?;
        let (number, hash) = rest.split_first_chunk()?;
        let octets = |bytes: &[u8]| Octets::new(bytes).ok();
        Some(Self { sam: octets(sam)?, number: u64::from_be_bytes(*number), hash: octets(hash)? })
    }
}

impl Firmware {
    /// Signs an audit checkpoint: ECDSA P-256 with SHA-256, by a key that signs nothing else. So an exported audit log
    /// can be verified with [`Status::checkpoint_key`](crate::Status::checkpoint_key) alone. Its row is the SAM's anchor
    /// from now on, durably, unless a later one is.
    ///
    /// # Errors
    /// `Malformed` for what is no checkpoint; `Failed`, also for one that has another hash than the anchor for its row.
    pub fn sign_checkpoint(&self, checkpoint: &[u8]) -> Result<Vec<u8>, FirmwareError> {
        self.keep(Kept::of_checkpoint(checkpoint).ok_or(FirmwareError::Malformed)?)?;
        self.checkpoint.sign(checkpoint)
    }

    /// The anchor of a SAM, by SHA-256 of its id: a row's number and hash. `None` before its first checkpoint.
    #[must_use]
    pub fn anchor(&self, sam: &[u8; 32]) -> Option<(u64, [u8; 32])> {
        let state = &self.state.lock().1;
        state.anchors.as_ref()?.iter().find(|kept| kept.sam.as_bytes() == sam).map(Kept::row)
    }

    /// Two calls may come in the other order than their rows were written in, so an earlier row is no fault.
    fn keep(&self, new: Kept) -> Result<(), FirmwareError> {
        let change = |state: &State| {
            let mut anchors = state.anchors.as_ref().map(|anchors| anchors.to_vec()).unwrap_or_default();
            match anchors.iter_mut().find(|kept| kept.sam == new.sam) {
                Some(kept) if kept.number > new.number || *kept == new => return Ok(None),
                Some(kept) if kept.number == new.number => {
                    tracing::error!(row = new.number, "an audit log was changed behind its checkpoint");
                    return Err(FirmwareError::Failed);
                }
                Some(kept) => *kept = new,
                None => anchors.push(new),
            }
            let anchors = List::new(anchors).map_err(|_| FirmwareError::Failed)?;
            Ok(Some(State { anchors: Some(anchors), ..state.clone() }))
        };
        self.change(change, || ())
    }
}

/// Databases that share the firmware.
pub(crate) const MAX_SAMS: usize = 256;
const LABEL: &[u8] = b"tw4s checkpoint 1\0";
