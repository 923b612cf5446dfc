//! The audit log: append-only, each row bound to the one before it by its hash, with signed checkpoints.
//!
//! A row is one line of JSON, an [`Entry`]; the store only appends. The chain shows a changed, inserted or missing row; a
//! checkpoint, signed in the firmware, shows a chain that was made anew. What neither shows is a log cut at its end
//! together with the tables: for that, keep a checkpoint elsewhere and hand it to the check as an [`Anchor`]. Every
//! change of users or objects has the tables' roots in its entry, so that a table put back alone does not fit the log.

mod chain;
mod entry;
mod export;
mod search;

pub(crate) use chain::REACH;
pub use chain::{Anchor, Broken, Chain};
pub(crate) use entry::timestamp;
pub use entry::{Entry, Outcome};
pub(crate) use search::PAGE;
pub use search::Query;

use sha2::{Digest, Sha256};

use crate::record::Damaged;

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// From 1 on, without a gap.
    pub number: u64,
    /// One line of JSON, without the line feed.
    pub body: Vec<u8>,
    /// SHA-256 over a label, the hash of the row before (32 zero bytes for the first), the number and the body.
    pub hash: [u8; 32],
}

impl Row {
    /// The row behind `head`.
    #[must_use]
    pub fn behind(head: Option<&Self>, body: Vec<u8>) -> Self {
        let (number, before) = head.map_or((1, [0; 32]), |head| (head.number.saturating_add(1), head.hash));
        let hash = hash(&before, number, &body);
        Self { number, body, hash }
    }

    /// Its entry.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn entry(&self) -> Result<Entry, Damaged> {
        serde_json::from_slice(&self.body).map_err(|_| Damaged)
    }

    /// The row's bytes: hash, then body. The number is its key.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&self.hash[..], &self.body].concat()
    }

    /// Reads [`Row::encode`]'s bytes.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn decode(number: u64, bytes: &[u8]) -> Result<Self, Damaged> {
        let (hash, body) = bytes.split_first_chunk().ok_or(Damaged)?;
        Ok(Self { number, body: body.to_vec(), hash: *hash })
    }
}

fn hash(before: &[u8; 32], number: u64, body: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"tw4s audit 1\0")
        .chain_update(before)
        .chain_update(number.to_be_bytes())
        .chain_update(body)
        .finalize()
        .into()
}
