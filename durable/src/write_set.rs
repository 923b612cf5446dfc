//! The writes of one or more transactions, not in the engine yet.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Bound,
};

/// An engine key and what is to stand there; `None` is a removal.
pub(crate) type Write<'a> = (&'a [u8], Option<&'a [u8]>);

/// Engine keys with what is to stand there.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteSet {
    writes: BTreeMap<Vec<u8>, Written>,
    bytes: u64,
    puts: u64,
}

/// What is to stand at a key.
#[derive(Clone, Debug)]
struct Written {
    value: Option<Vec<u8>>,
    /// Below this set there is nothing at the key, so that a removal need not be brought into the engine.
    is_new: bool,
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
        self.add(key, Written { value, is_new: false });
    }

    /// Puts a value where there is none, neither here nor below.
    pub(crate) fn insert_new(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.add(key, Written { value: Some(value), is_new: true });
    }

    fn add(&mut self, key: Vec<u8>, later: Written) {
        let (added, puts) = (cost(key.len(), later.value.as_deref()), u64::from(later.value.is_some()));
        match self.writes.entry(key) {
            Entry::Vacant(place) => drop(place.insert(later)),
            Entry::Occupied(mut place) => {
                let before = place.get();
                self.bytes -= cost(place.key().len(), before.value.as_deref());
                self.puts -= u64::from(before.value.is_some());
                if place.get().is_new && later.value.is_none() {
                    place.remove();
                    return;
                }
                place.get_mut().value = later.value;
            }
        }
        self.bytes += added;
        self.puts += puts;
    }

    /// Adds later writes.
    pub(crate) fn merge(&mut self, later: Self) {
        if self.writes.is_empty() {
            *self = later;
        } else {
            later.writes.into_iter().for_each(|(key, written)| self.add(key, written));
        }
    }

    /// What is to stand at `key`; `None` if this set says nothing about it.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.writes.get(key).map(|written| written.value.as_deref())
    }

    /// The first write in the range.
    fn first_in(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<Write<'_>> {
        if is_empty_range(from, to) {
            return None;
        }
        let (key, written) = self.writes.range::<[u8], _>((from, to)).next()?;
        Some((key, written.value.as_deref()))
    }

    /// The last key before `end`, of a put or a removal.
    pub(crate) fn last_before(&self, end: &[u8]) -> Option<&[u8]> {
        let (key, _) = self.writes.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(end))).next_back()?;
        Some(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Write<'_>> {
        self.writes.iter().map(|(key, written)| (key.as_slice(), written.value.as_deref()))
    }
}

/// Write sets that lie one over the other, the newest first.
pub(crate) struct Stack<'a, const N: usize>(pub(crate) [&'a WriteSet; N]);

impl<'a, const N: usize> Stack<'a, N> {
    /// What is to stand at `key`; `None` if no set says anything about it.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.0.iter().find_map(|set| set.get(key))
    }

    /// The first key in the range at which something is to stand, and what.
    pub(crate) fn first_put(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Option<(&'a [u8], &'a [u8])> {
        let mut from = from;
        loop {
            let firsts = self.0.iter().filter_map(|set| set.first_in(from, to));
            // Of equal keys `min_by_key` takes the first, which is the newest write.
            match firsts.min_by_key(|(key, _)| *key)? {
                (key, Some(value)) => return Some((key, value)),
                (key, None) => from = Bound::Excluded(key),
            }
        }
    }
}

/// `BTreeMap::range` panics where there is nothing to find.
pub(crate) fn is_empty_range(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
    }
}

/// About how many bytes the engine writes for a record.
fn cost(key_len: usize, value: Option<&[u8]>) -> u64 {
    (RECORD_OVERHEAD + key_len + value.map_or(0, <[u8]>::len)) as u64
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
        first.insert(b"a".to_vec(), None);
        assert!(first.only_removes());
        assert_eq!(first.bytes(), 2 * cost(1, None));
    }

    #[test]
    fn what_is_put_anew_and_removed_leaves_nothing() {
        let mut earlier = WriteSet::default();
        earlier.insert_new(b"new".to_vec(), b"1".to_vec());
        earlier.insert(b"old".to_vec(), Some(b"1".to_vec()));
        let mut later = WriteSet::default();
        later.insert(b"new".to_vec(), Some(b"2".to_vec()));
        earlier.merge(later.clone());
        assert_eq!(earlier.get(b"new"), Some(Some(&b"2"[..])));
        later.insert(b"new".to_vec(), None);
        later.insert(b"old".to_vec(), None);
        assert_eq!(later.get(b"new"), Some(None), "it is not known here that it was put anew");
        earlier.merge(later);
        assert_eq!((earlier.get(b"new"), earlier.get(b"old")), (None, Some(None)));
        assert_eq!(earlier.bytes(), cost(3, None));
        assert!(earlier.only_removes());
        earlier.insert_new(b"again".to_vec(), b"1".to_vec());
        earlier.insert(b"again".to_vec(), None);
        earlier.insert(b"again".to_vec(), None);
        assert_eq!(earlier.get(b"again"), Some(None));
    }

    #[test]
    fn the_newest_write_of_a_stack_wins() {
        let mut old = WriteSet::default();
        for key in [b"a", b"b", b"c"] {
            old.insert(key.to_vec(), Some(b"old".to_vec()));
        }
        let mut new = WriteSet::default();
        new.insert(b"a".to_vec(), None);
        new.insert(b"b".to_vec(), Some(b"new".to_vec()));
        let stack = Stack([&new, &old]);
        assert_eq!(stack.get(b"a"), Some(None));
        assert_eq!(stack.get(b"c"), Some(Some(&b"old"[..])));
        let first = |from| stack.first_put(from, Bound::Unbounded);
        assert_eq!(first(Bound::Unbounded), Some((&b"b"[..], &b"new"[..])));
        assert_eq!(first(Bound::Excluded(b"b")), Some((&b"c"[..], &b"old"[..])));
        assert_eq!(first(Bound::Excluded(b"c")), None);
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
