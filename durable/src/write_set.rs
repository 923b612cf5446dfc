//! The writes of one or more transactions, not in the engine yet.

use std::{collections::BTreeMap, ops::Bound};

/// Engine keys with what is to stand there; `None` is a removal.
#[derive(Debug, Default)]
pub(crate) struct WriteSet {
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: u64,
    puts: u64,
}

impl WriteSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// True if nothing is put, so that applying it frees space in the end.
    pub(crate) fn only_removes(&self) -> bool {
        self.puts == 0
    }

    /// About how many bytes the engine will write for it.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn insert(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        // Overwritten writes go on counting: an estimate on the safe side.
        self.bytes += (RECORD_OVERHEAD + key.len() + value.as_ref().map_or(0, Vec::len)) as u64;
        self.puts += u64::from(value.is_some());
        self.writes.insert(key, value);
    }

    /// Adds the writes of a later transaction.
    pub(crate) fn merge(&mut self, later: Self) {
        self.bytes += later.bytes;
        self.puts += later.puts;
        if self.writes.is_empty() {
            self.writes = later.writes;
        } else {
            self.writes.extend(later.writes);
        }
    }

    /// What is to stand at `key`; `None` if this set says nothing about it.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.writes.get(key).map(Option::as_deref)
    }

    /// The first write in the range.
    pub(crate) fn first_in(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<(&[u8], Option<&[u8]>)> {
        if is_empty_range(from, to) {
            return None;
        }
        let (key, value) = self.writes.range::<[u8], _>((from, to)).next()?;
        Some((key, value.as_deref()))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.writes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }
}

/// `BTreeMap::range` panics where there is nothing to find.
fn is_empty_range(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
    }
}

/// What a record costs in sled's log beside its key and value: message header (up to 32 bytes),
/// lengths, alignment.
const RECORD_OVERHEAD: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_writes_win() {
        let mut first = WriteSet::default();
        first.insert(b"a".to_vec(), Some(b"1".to_vec()));
        first.insert(b"b".to_vec(), Some(b"1".to_vec()));
        let mut later = WriteSet::default();
        later.insert(b"b".to_vec(), None);
        assert!(later.only_removes());
        first.merge(later);
        assert_eq!(first.get(b"a"), Some(Some(&b"1"[..])));
        assert_eq!(first.get(b"b"), Some(None));
        assert_eq!(first.get(b"c"), None);
        assert!(!first.only_removes());
    }

    #[test]
    fn empty_ranges_hold_nothing() {
        let mut set = WriteSet::default();
        set.insert(b"a".to_vec(), None);
        assert!(set.first_in(Bound::Excluded(b"a"), Bound::Excluded(b"a")).is_none());
        assert!(set.first_in(Bound::Included(b"b"), Bound::Included(b"a")).is_none());
        assert!(set.first_in(Bound::Included(b"a"), Bound::Included(b"a")).is_some());
    }
}
