//! A batch as it lies in the redo log.
//!
//! | Offset | What |
//! |---|---|
//! | 0 | XXH3 (64 bits) of everything from offset 8 to the end of the writes |
//! | 8 | the log's id (u64) |
//! | 16 | the batch's number (u64) |
//! | 24 | the length of the writes in bytes (u64) |
//! | 32 | the writes, by key: length of the key (u16), length of the value (u32, or `ffffffff` for a removal), key, value |
//!
//! Numbers are big endian. A frame begins at a multiple of [`BLOCK`] and is filled up with zeros to
//! the next one. So no write touches a block of the disk that holds an older batch, which a cut
//! could tear.

use std::ops::Range;

use twox_hash::XxHash3_64;

use crate::write_set::WriteSet;

/// The unit in which file systems write, in bytes.
pub(crate) const BLOCK: usize = 4096;

/// A frame that was read, and is whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Of the log.
    pub(crate) id: u64,
    /// Of the batch.
    pub(crate) number: u64,
    /// Where its writes are.
    writes: Range<usize>,
}

/// The frame of a batch, filled up.
pub(crate) fn encode(id: u64, number: u64, batch: &WriteSet) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    for (key, value) in batch.iter() {
        // They fit: keys and pieces of values are far shorter.
        let key_len = u16::try_from(key.len()).unwrap_or(u16::MAX);
        let value_len = value.map_or(REMOVED, |value| u32::try_from(value.len()).unwrap_or(REMOVED));
        bytes.extend_from_slice(&key_len.to_be_bytes());
        bytes.extend_from_slice(&value_len.to_be_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value.unwrap_or_default());
    }
    let length = (bytes.len() - HEADER) as u64;
    put(&mut bytes, 8, id);
    put(&mut bytes, 16, number);
    put(&mut bytes, 24, length);
    let sum = XxHash3_64::oneshot(bytes.get(8..).unwrap_or_default());
    put(&mut bytes, 0, sum);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

/// The frame at an offset, if a whole one is there.
pub(crate) fn read(bytes: &[u8], at: usize) -> Option<Frame> {
    let [sum, id, number, length] = [0, 8, 16, 24].map(|field| field_at(bytes, at + field));
    let end = (at + HEADER).checked_add(usize::try_from(length?).ok()?)?;
    let summed = bytes.get(at + 8..end)?;
    (XxHash3_64::oneshot(summed) == sum?).then_some(Frame { id: id?, number: number?, writes: at + HEADER..end })
}

impl Frame {
    /// It writes nothing, as the one that begins a log.
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Where it begins.
    pub(crate) fn at(&self) -> usize {
        self.writes.start - HEADER
    }

    /// Its bytes, filled up.
    pub(crate) fn copy(&self, bytes: &[u8]) -> Vec<u8> {
        let mut frame = bytes.get(self.at()..self.writes.end).unwrap_or_default().to_vec();
        frame.resize(self.next() - self.at(), 0);
        frame
    }

    /// Where the next one begins.
    pub(crate) fn next(&self) -> usize {
        self.writes.end.next_multiple_of(BLOCK)
    }

    /// Adds its writes to those of the batches before it; `None` if they are not in the form
    /// [`encode`] writes.
    pub(crate) fn add_to(&self, writes: &mut WriteSet, bytes: &[u8]) -> Option<()> {
        let mut rest = bytes.get(self.writes.clone())?;
        while !rest.is_empty() {
            let (key_len, tail) = rest.split_first_chunk::<2>()?;
            let (value_len, tail) = tail.split_first_chunk::<4>()?;
            let (key, tail) = tail.split_at_checked(u16::from_be_bytes(*key_len).into())?;
            let value_len = u32::from_be_bytes(*value_len);
            let is_put = value_len != REMOVED;
            let (value, tail) = tail.split_at_checked(if is_put { value_len as usize } else { 0 })?;
            writes.insert(key.to_vec(), is_put.then(|| value.to_vec()));
            rest = tail;
        }
        Some(())
    }
}

fn field_at(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_be_bytes(*field))
}

fn put(bytes: &mut [u8], at: usize, field: u64) {
    if let Some(place) = bytes.get_mut(at..at + 8) {
        place.copy_from_slice(&field.to_be_bytes());
    }
}

const HEADER: usize = 32;
const REMOVED: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;

    fn batch() -> WriteSet {
        let mut batch = WriteSet::default();
        batch.insert(b"empty".to_vec(), Some(Vec::new()));
        batch.insert(b"gone".to_vec(), None);
        batch.insert(b"long".to_vec(), Some(vec![7; 5000]));
        batch
    }

    #[test]
    fn frames_round_trip() {
        let batch = batch();
        let mut bytes = encode(1, 2, &batch);
        assert_eq!(bytes.len(), 2 * BLOCK);
        bytes.extend(encode(1, 3, &WriteSet::default()));
        let frame = read(&bytes, 0).unwrap();
        assert_eq!((frame.id, frame.number, frame.next()), (1, 2, 2 * BLOCK));
        assert_eq!((frame.at(), frame.copy(&bytes)), (0, encode(1, 2, &batch)));
        let mut found = WriteSet::default();
        frame.add_to(&mut found, &bytes).unwrap();
        assert!(found.iter().eq(batch.iter()));
        let next = read(&bytes, frame.next()).unwrap();
        assert_eq!((next.number, next.next()), (3, 3 * BLOCK));
        assert_eq!(read(&bytes, next.next()), None);
    }

    /// A log that is left behind is read by the next program, whatever its release.
    #[test]
    fn the_bytes_stay_as_they_are() {
        let mut batch = WriteSet::default();
        batch.insert(vec![1, b'k'], Some(vec![b'v', 0]));
        batch.insert(vec![2], None);
        let bytes = encode(0x0102_0304_0506_0708, 9, &batch);
        let (sum, rest) = bytes.split_first_chunk::<8>().unwrap();
        let header = [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 17];
        let writes = [0, 2, 0, 0, 0, 2, 1, b'k', b'v', 0, 0, 1, 255, 255, 255, 255, 2];
        assert!(rest.starts_with(&[&header[..], &writes[..]].concat()));
        assert!(rest[header.len() + writes.len()..].iter().all(|byte| *byte == 0));
        // As the reference implementation has it.
        assert_eq!(u64::from_be_bytes(*sum), 0xCE1F_3F7A_F488_C3D8);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_shows() {
        let bytes = encode(1, 2, &batch());
        let end = read(&bytes, 0).unwrap().writes.end;
        for at in 0..end {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert_eq!(read(&flipped, 0), None, "byte {at}");
            assert_eq!(read(&bytes[..at], 0), None, "cut at {at}");
        }
    }

    #[test]
    fn zeros_are_no_frame() {
        assert_eq!(read(&[0; 2 * BLOCK], BLOCK), None);
        assert_eq!(read(&[], BLOCK), None);
    }
}
