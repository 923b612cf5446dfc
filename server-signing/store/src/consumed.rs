//! What was consumed, and until when that is remembered.
//!
//! One row holds all marks of a SAD, since they are made and forgotten together: a batch of 100 hashes is one write. Its
//! key begins with the moment of its expiry, so that it needs no index, and rows that are new lie together. A signed
//! message has a row of its own, and an entry in the index `expiries`.

use std::collections::{BTreeMap, BTreeSet};

use durable::Tree;
use tw4s_sam::record::{Once, SadName};

use crate::schema::{CONSUMED, HASHES};

/// A row of marks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowName {
    pub(crate) tree: Tree,
    pub(crate) key: Vec<u8>,
}

/// A mark's row, and its place in that row.
pub(crate) fn place(what: &Once) -> (RowName, Vec<u8>) {
    match what {
        Once::Hash { sad, hash, occurrence } => (hashes_of(sad), [hash, &occurrence.to_be_bytes()[..]].concat()),
        Once::Message { certificate, id, .. } => {
            (RowName { tree: CONSUMED, key: [&[2], &certificate[..], id].concat() }, Vec::new())
        }
    }
}

/// The row of a SAD.
pub(crate) fn hashes_of(sad: &SadName) -> RowName {
    RowName { tree: HASHES, key: expiry_key(sad.not_after_ms, &sad.id) }
}

/// The row that an older format had for a SAD.
pub(crate) fn older_hashes_of(sad: &SadName) -> RowName {
    RowName { tree: CONSUMED, key: [&[OLDER_HASHES], &sad.id[..]].concat() }
}

/// How the rows of [`older_hashes_of`] begin.
pub(crate) const OLDER_HASHES: u8 = 1;

/// The key in the tree `expiries`, and in the tree `hashes`.
pub(crate) fn expiry_key(expires_ms: u64, row: &[u8]) -> Vec<u8> {
    [&expires_ms.to_be_bytes(), row].concat()
}

/// The reverse of [`expiry_key`].
pub(crate) fn expiry_parts(key: &[u8]) -> Option<(u64, &[u8])> {
    let (expires_ms, row) = key.split_first_chunk()?;
    Some((u64::from_be_bytes(*expires_ms), row))
}

/// The marks of one row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// When each expires.
    marks: BTreeMap<Vec<u8>, u64>,
    /// The expiries as they are in the tree.
    indexed: BTreeSet<u64>,
    changed: bool,
}

/// What is to be done in the trees for the changed marks of one row.
pub(crate) struct Changes {
    /// Whether the tree has no such row yet.
    pub(crate) is_new: bool,
    /// The row; `None` when no mark is left.
    pub(crate) row: Option<Vec<u8>>,
    /// Expiries to be added to the index.
    pub(crate) added: Vec<u64>,
    /// Expiries to be removed from it.
    pub(crate) removed: Vec<u64>,
}

impl Marks {
    pub(crate) fn has(&self, mark: &[u8]) -> bool {
        self.marks.contains_key(mark)
    }

    pub(crate) fn count(&self) -> u64 {
        self.marks.len() as u64
    }

    /// Whether it is the first of its name.
    pub(crate) fn add(&mut self, mark: Vec<u8>, expires_ms: u64) -> bool {
        if self.has(&mark) {
            return false;
        }
        self.marks.insert(mark, expires_ms);
        self.changed = true;
        true
    }

    /// Removes up to `limit` marks of this expiry; gives how many.
    pub(crate) fn forget(&mut self, expires_ms: u64, limit: usize) -> usize {
        let before = self.marks.len();
        let mut left = limit;
        self.marks.retain(|_, expires| {
            let forgotten = *expires == expires_ms && left > 0;
            left -= usize::from(forgotten);
            !forgotten
        });
        self.changed = true;
        before - self.marks.len()
    }

    pub(crate) fn changes(&self) -> Option<Changes> {
        if !self.changed {
            return None;
        }
        let expiries: BTreeSet<u64> = self.marks.values().copied().collect();
        Some(Changes {
            is_new: self.indexed.is_empty(),
            row: (!self.marks.is_empty()).then(|| self.encode()),
            added: expiries.difference(&self.indexed).copied().collect(),
            removed: self.indexed.difference(&expiries).copied().collect(),
        })
    }

    /// Each mark, in order: its expiry, its length (u32), and the mark.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (mark, expires_ms) in &self.marks {
            out.extend_from_slice(&expires_ms.to_be_bytes());
            // durable refuses values over 64 MiB, as a row with such a mark would be.
            out.extend_from_slice(&u32::try_from(mark.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(mark);
        }
        out
    }

    /// `None`: not as [`Self::encode`] writes it, with at least one mark.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut marks = BTreeMap::new();
        while !bytes.is_empty() {
            let (expires_ms, rest) = bytes.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            let (mark, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
            if marks.last_key_value().is_some_and(|(last, _): (&Vec<u8>, _)| last.as_slice() >= mark) {
                return None;
            }
            marks.insert(mark.to_vec(), u64::from_be_bytes(*expires_ms));
            bytes = rest;
        }
        let indexed = marks.values().copied().collect();
        (!marks.is_empty()).then_some(Self { marks, indexed, changed: false })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn marks(all: &[(&[u8], u64)]) -> Marks {
        let mut marks = Marks::default();
        for (mark, expires_ms) in all {
            assert!(marks.add(mark.to_vec(), *expires_ms));
        }
        marks
    }

    #[test]
    fn a_row_reads_back_and_in_one_spelling_only() {
        let row = marks(&[(b"b", 7), (b"a", 9)]).changes().unwrap().row.unwrap();
        assert_eq!(row, b"\0\0\0\0\0\0\0\x09\0\0\0\x01a\0\0\0\0\0\0\0\x07\0\0\0\x01b");
        assert_eq!(Marks::decode(&row).unwrap().encode(), row);
        let (first, second) = row.split_at(13);
        let swapped = [second, first].concat();
        let doubled = [first, first].concat();
        for bad in [&row[..25], &row[..13 + 4], &[&row[..], b"x"].concat(), &swapped, &doubled, b""] {
            assert_eq!(Marks::decode(bad), None, "{bad:02x?}");
        }
    }

    #[test]
    fn the_index_follows_the_expiries() {
        let mut row = Marks::decode(&marks(&[(b"a", 1), (b"b", 1), (b"c", 2)]).encode()).unwrap();
        assert!(row.changes().is_none());
        assert_eq!(row.forget(1, 1), 1);
        assert!(row.changes().unwrap().removed.is_empty());
        assert_eq!(row.forget(1, 9), 1);
        assert!(row.add(b"d".to_vec(), 3) && !row.add(b"d".to_vec(), 4));
        let changes = row.changes().unwrap();
        assert_eq!((changes.added, changes.removed), (vec![3], vec![1]));
        assert_eq!(row.forget(2, 9) + row.forget(3, 9), 2);
        assert_eq!(row.changes().unwrap().row, None);
    }

    proptest! {
        #[test]
        fn decodes_without_a_panic(bytes in vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..60)) {
            if let Some(marks) = Marks::decode(&bytes) {
                prop_assert_eq!(marks.encode(), bytes);
            }
        }
    }
}
