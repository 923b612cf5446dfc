//! Walking the chain.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};

use super::{Entry, Row, hash};

/// A row that is known to belong to the log: a checkpoint that was kept elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Anchor {
    /// What a checkpoint's signature runs over.
    #[must_use]
    pub fn signed_bytes(&self, sam_id: &str) -> Vec<u8> {
        let sam: [u8; 32] = Sha256::digest(sam_id).into();
        [&b"tw4s checkpoint 1\0"[..], &sam, &self.number.to_be_bytes(), &self.hash].concat()
    }
}

/// Where and how the log is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit row {number}: {what}")]
pub struct Broken {
    /// The first row that is wrong.
    pub number: u64,
    /// How.
    pub what: &'static str,
}

/// Checks rows one by one, from the first.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    head: Option<Anchor>,
    roots: Option<String>,
    anchor: Option<Anchor>,
    /// The last [`REACH`] rows: other rows may come between a checkpoint and the row that it covers.
    recent: VecDeque<Anchor>,
}

impl Chain {
    /// Begins before the first row; the log must have the anchor's row, if there is one.
    #[must_use]
    pub fn new(anchor: Option<Anchor>) -> Self {
        Self { anchor, ..Self::default() }
    }

    /// Checks the next row and gives its entry. `is_signed` says whether the firmware signed a checkpoint.
    ///
    /// # Errors
    /// [`Broken`] for a gap, a wrong hash, a body that is no entry or another row's, a checkpoint that does not hold,
    /// and where the anchor does not fit.
    pub fn push(
        &mut self,
        row: &Row,
        is_signed: impl FnOnce(&[u8], &[u8]) -> Result<bool, &'static str>,
    ) -> Result<Entry, Broken> {
        let expected = self.head.map_or(1, |head| head.number.saturating_add(1));
        let broken = |what| Broken { number: expected, what };
        if row.number != expected {
            return Err(broken("it is missing"));
        }
        let before = self.head.map_or([0; 32], |head| head.hash);
        if hash(&before, row.number, &row.body) != row.hash {
            return Err(broken("its hash does not continue the chain"));
        }
        let here = Anchor { number: row.number, hash: row.hash };
        if self.anchor.is_some_and(|anchor| anchor.number == here.number && anchor != here) {
            return Err(broken("it is not the row that was known from elsewhere"));
        }
        let entry = row.entry().map_err(|_| broken("it is no audit record"))?;
        if entry.number != row.number {
            return Err(broken("it was written as another row"));
        }
        if entry.action == Entry::CHECKPOINT {
            self.check(&entry, is_signed).map_err(broken)?;
        }
        self.head = Some(here);
        if self.recent.len() == REACH {
            self.recent.pop_front();
        }
        self.recent.push_back(here);
        if entry.roots.is_some() {
            self.roots.clone_from(&entry.roots);
        }
        Ok(entry)
    }

    /// Says that there are no more rows.
    ///
    /// # Errors
    /// [`Broken`] if the anchor's row was not reached.
    pub fn end(&self) -> Result<(), Broken> {
        let reached = self.head.map_or(0, |head| head.number);
        match self.anchor {
            Some(anchor) if anchor.number > reached => {
                Err(Broken { number: reached.saturating_add(1), what: "it is missing, and is known from elsewhere" })
            }
            _ => Ok(()),
        }
    }

    /// The last row checked.
    #[must_use]
    pub fn head(&self) -> Option<Anchor> {
        self.head
    }

    /// The tables' roots after the last change, hex.
    #[must_use]
    pub fn roots(&self) -> Option<&str> {
        self.roots.as_deref()
    }

    fn check(
        &self,
        entry: &Entry,
        is_signed: impl FnOnce(&[u8], &[u8]) -> Result<bool, &'static str>,
    ) -> Result<(), &'static str> {
        let number = entry.covers.ok_or("the checkpoint covers nothing")?;
        let mut claimed = [0; 32];
        let text = entry.hash.as_deref().unwrap_or_default();
        hex::decode_to_slice(text, &mut claimed).map_err(|_| "the checkpoint has no hash")?;
        let covered = Anchor { number, hash: claimed };
        if !self.recent.contains(&covered) {
            return Err("the checkpoint does not cover one of the rows before it");
        }
        let signature = entry.signature.as_deref().and_then(|text| hex::decode(text).ok());
        let signature = signature.ok_or("the checkpoint has no signature")?;
        if !is_signed(&covered.signed_bytes(&entry.sam), &signature)? {
            return Err("the checkpoint's signature does not verify");
        }
        Ok(())
    }
}

/// Rows that may come between a checkpoint and the row that it covers: what is appended while the firmware signs.
pub(crate) const REACH: usize = 4096;
