//! The audit log: append-only, each row bound to the one before it by its hash.

use crate::record::Damaged;

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// From 1 on, without a gap.
    pub number: u64,
    /// One line of JSON, without the line feed.
    pub body: Vec<u8>,
    /// SHA-256 over the hash of the row before (32 zero bytes for the first), the number and the body.
    pub hash: [u8; 32],
}

impl Row {
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
