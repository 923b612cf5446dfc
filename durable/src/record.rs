//! How trees, keys and values become records of the engine's one map. The crate's documentation
//! has the table.

use std::ops::Bound;

use crate::{Error, Tree};

/// The longest key, in bytes.
pub const MAX_KEY_LEN: usize = 512;

/// The longest value, in bytes: 64 MiB, since a transaction is held in memory until it is durable.
pub const MAX_VALUE_LEN: usize = 64 << 20;

/// The longest piece of a value in one record: 16 KiB.
///
/// sled puts up to 17 records into a page, and a page image over a quarter of a segment (1 MiB of
/// our 4 MiB) would go to a blob file, which sled never syncs. 17 of these are 272 KiB.
pub(crate) const MAX_PIECE_LEN: usize = 16 << 10;

/// The record that is there since creation.
pub(crate) const MARK_KEY: &[u8] = &[255];
/// Its value.
pub(crate) const MARK_VALUE: &[u8] = b"durable 1";

/// How many batches are in the engine; the number of the last one is in it.
pub(crate) const COUNT_KEY: &[u8] = &[254];

/// Which redo log the engine goes with; [`crate::log::Mark`] reads it.
pub(crate) const LOG_KEY: &[u8] = &[253];

/// Reads what stands at [`COUNT_KEY`]; 0 before the first batch, `None` if it was never written.
pub(crate) fn count(record: Option<&[u8]>) -> Option<u64> {
    match record {
        None => Some(0),
        Some(record) => Some(u64::from_be_bytes(record.try_into().ok()?)),
    }
}

/// Where chunks begin.
const CHUNK_PREFIX: u8 = 128;

/// The first key after all chunks.
pub(crate) const AFTER_CHUNKS: &[u8] = &[CHUNK_PREFIX + 1];

/// The engine's key of `key` in `tree`.
pub(crate) fn raw_key(tree: Tree, key: &[u8]) -> Result<Vec<u8>, Error> {
    if tree.0 >= CHUNK_PREFIX {
        return Err(Error::NoSuchTree { tree: tree.0 });
    }
    if key.len() > MAX_KEY_LEN {
        return Err(Error::KeyTooLong { len: key.len() });
    }
    let mut raw = Vec::with_capacity(1 + key.len());
    raw.push(tree.0);
    raw.extend_from_slice(key);
    Ok(raw)
}

/// The engine's lower bound for a search in `tree`.
pub(crate) fn raw_bound(tree: Tree, from: Bound<&[u8]>) -> Result<Bound<Vec<u8>>, Error> {
    Ok(match from {
        Bound::Included(key) => Bound::Included(raw_key(tree, key)?),
        Bound::Excluded(key) => Bound::Excluded(raw_key(tree, key)?),
        Bound::Unbounded => Bound::Included(raw_key(tree, &[])?),
    })
}

/// The first engine key after all of `tree`.
pub(crate) fn after_tree(tree: Tree) -> Vec<u8> {
    vec![tree.0.saturating_add(1)]
}

/// Chunk `number` of the value with this id.
pub(crate) fn chunk_key(id: u64, number: u32) -> Vec<u8> {
    let mut raw = Vec::with_capacity(13);
    raw.push(CHUNK_PREFIX);
    raw.extend_from_slice(&id.to_be_bytes());
    raw.extend_from_slice(&number.to_be_bytes());
    raw
}

/// The id in a chunk's key; `None` if it is another record's.
pub(crate) fn chunk_id(raw: &[u8]) -> Option<u64> {
    let (&prefix, rest) = raw.split_first()?;
    let id = rest.first_chunk::<8>()?;
    (prefix == CHUNK_PREFIX).then(|| u64::from_be_bytes(*id))
}

/// What stands at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// The record is the value, once its last byte is dropped.
    Inline,
    /// The value is elsewhere.
    Chunked(Chunks),
}

/// Where a long value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunks {
    /// Given once.
    pub(crate) id: u64,
    /// Of the whole value, in bytes.
    pub(crate) len: u32,
}

impl Chunks {
    /// The keys of all chunks, in order.
    pub(crate) fn keys(self) -> impl Iterator<Item = Vec<u8>> {
        let count = self.len.div_ceil(MAX_PIECE_LEN as u32);
        (0..count).map(move |number| chunk_key(self.id, number))
    }

    /// The record that points at them.
    pub(crate) fn head(self) -> Vec<u8> {
        let mut record = Vec::with_capacity(13);
        record.extend_from_slice(&self.id.to_be_bytes());
        record.extend_from_slice(&self.len.to_be_bytes());
        record.push(CHUNKED);
        record
    }
}

/// The record of a value of up to [`MAX_PIECE_LEN`].
pub(crate) fn inline(value: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(value.len() + 1);
    record.extend_from_slice(value);
    record.push(INLINE);
    record
}

/// Reads what [`inline`] or [`Chunks::head`] wrote; `None` if neither did.
pub(crate) fn head(record: &[u8]) -> Option<Head> {
    match record.split_last()? {
        (&INLINE, _) => Some(Head::Inline),
        (&CHUNKED, rest) => {
            let (id, len) = rest.split_first_chunk::<8>()?;
            Some(Head::Chunked(Chunks { id: u64::from_be_bytes(*id), len: u32::from_be_bytes(len.try_into().ok()?) }))
        }
        _ => None,
    }
}

const INLINE: u8 = 0;
const CHUNKED: u8 = 1;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn heads_round_trip() {
        assert_eq!(head(&inline(b"")), Some(Head::Inline));
        assert_eq!(head(&inline(&[1; 20])), Some(Head::Inline));
        let chunks = Chunks { id: 7, len: 3 * MAX_PIECE_LEN as u32 + 1 };
        assert_eq!(head(&chunks.head()), Some(Head::Chunked(chunks)));
        assert_eq!(chunks.keys().count(), 4);
        assert!(chunks.keys().all(|key| chunk_id(&key) == Some(7)));
    }

    #[test]
    fn rejects_heads_never_written() {
        assert_eq!(head(b""), None);
        assert_eq!(head(&[0, 0, 2]), None);
        assert_eq!(head(&[0; 12].into_iter().chain([1, 1]).collect::<Vec<u8>>()), None);
    }

    #[test]
    fn trees_end_before_the_chunks() {
        assert!(raw_key(Tree(127), b"").unwrap() < chunk_key(0, 0));
        assert!(matches!(raw_key(Tree(128), b""), Err(Error::NoSuchTree { tree: 128 })));
        assert!(chunk_key(u64::MAX, u32::MAX).as_slice() < AFTER_CHUNKS);
    }
}
