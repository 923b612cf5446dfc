//! The redo log: what is durable and not in the engine yet.
//!
//! Two files in turn, each a row of frames ([`frame`]) from its beginning. A batch is one write and
//! one fdatasync, and nothing else is under way then, so only the last batch can be torn. When a
//! file is full, the other one is begun, over what it held, once all of that is in the engine.
//!
//! The files are kept and overwritten, for an fdatasync of blocks that were written before needs no
//! commit of the file system's journal; and they grow in steps of zeros, for the same reason.

pub(crate) mod frame;
pub(crate) mod recovery;

use std::{
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::{Error, layout, write_set::WriteSet};

/// The names of the two files.
pub(crate) const NAMES: [&str; 2] = ["redo.0", "redo.1"];

/// The log of one session: from the first commit after an open to the close, however many cuts and
/// kills there are in between.
pub(crate) struct Log {
    id: u64,
    /// The one that is written.
    current: LogFile,
    /// All that it holds is in the engine, once the caller begins it.
    other: LogFile,
    /// Where the next frame goes.
    end: u64,
}

struct LogFile {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Log {
    /// Makes the files, durably. The first has a frame with nothing in it, so that it shows if it
    /// is emptied later.
    pub(crate) fn create(dir: &Path, id: u64, batches: u64) -> Result<Self, Error> {
        let [current, other] = NAMES.map(|name| LogFile::create(dir.join(name)));
        let mut log = Self { id, current: current?, other: other?, end: 0 };
        log.append(log.encode(batches, &WriteSet::default()))?;
        layout::sync_dir(dir)?;
        Ok(log)
    }

    /// Goes on behind the last frame, which is in the file of that name, and makes it durable.
    ///
    /// It writes that frame once more: an fdatasync of it may have failed, and the system then shows
    /// bytes that the disk does not have, and takes them for written. They are the same bytes, so a
    /// cut meanwhile changes nothing.
    pub(crate) fn resume(dir: &Path, id: u64, name: &str, at: u64, frame: &[u8]) -> Result<Self, Error> {
        let [first, second] = NAMES.map(|name| LogFile::open(dir.join(name)));
        let (first, second) = (first?, second?);
        let (current, other) = if name == NAMES[0] { (first, second) } else { (second, first) };
        let write = || {
            current.file.write_all_at(frame, at)?;
            current.file.sync_all()
        };
        write().map_err(Error::io("write", &current.path))?;
        // Whoever copied the store need not have synced it.
        other.file.sync_all().map_err(Error::io("sync", &other.path))?;
        Ok(Self { id, current, other, end: at + frame.len() as u64 })
    }

    /// Bytes in the current file.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn encode(&self, number: u64, batch: &WriteSet) -> Vec<u8> {
        frame::encode(self.id, number, batch)
    }

    /// Adds a frame. It is durable on return.
    pub(crate) fn append(&mut self, mut frame: Vec<u8>) -> Result<(), Error> {
        let file = &mut self.current;
        let end = self.end + frame.len() as u64;
        if end > file.len {
            // In the same write: the zeros become durable with the frame.
            file.len = end + file.len.clamp(MIN_STEP, MAX_STEP);
            frame.resize(usize::try_from(file.len - self.end).unwrap_or(frame.len()), 0);
        }
        let write = || {
            file.file.write_all_at(&frame, self.end)?;
            file.file.sync_data()
        };
        write().map_err(Error::io("write", &file.path))?;
        self.end = end;
        Ok(())
    }

    /// Begins the other file, of which all is in the engine.
    pub(crate) fn switch(&mut self, limit: u64) -> Result<(), Error> {
        std::mem::swap(&mut self.current, &mut self.other);
        self.end = 0;
        // A single large batch need not take the space for ever.
        let file = &mut self.current;
        if file.len > limit.saturating_mul(KEPT_LIMITS) {
            file.file.set_len(limit).map_err(Error::io("shorten", &file.path))?;
            file.len = limit;
        }
        Ok(())
    }

    /// Removes the files, of which all is in the engine.
    pub(crate) fn remove(self, dir: &Path) -> Result<(), Error> {
        remove(dir)
    }
}

impl LogFile {
    fn create(path: PathBuf) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        // New, not shortened: what an older one held could come back in a cut.
        let opened = options.create_new(true).write(true).mode(0o600).open(&path);
        let file = opened.map_err(Error::io("create", &path))?;
        Ok(Self { path, file, len: 0 })
    }

    fn open(path: PathBuf) -> Result<Self, Error> {
        let opened = OpenOptions::new().write(true).open(&path);
        let file = opened.map_err(Error::io("open", &path))?;
        let len = file.metadata().map_err(Error::io("read", &path))?.len();
        Ok(Self { path, file, len })
    }
}

/// Removes the files, durably.
pub(crate) fn remove(dir: &Path) -> Result<(), Error> {
    for name in NAMES {
        let path = dir.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io("remove", &path)(error)),
            _ => (),
        }
    }
    layout::sync_dir(dir)
}

/// What the engine knows of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Given once to each session, at random.
    pub(crate) id: u64,
    /// The log goes to this batch at least; or did, when the session came to its end.
    pub(crate) batches: u64,
    /// The session did not come to its end.
    pub(crate) is_open: bool,
}

impl Mark {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut record = Vec::with_capacity(17);
        record.extend_from_slice(&self.id.to_be_bytes());
        record.extend_from_slice(&self.batches.to_be_bytes());
        record.push(u8::from(self.is_open));
        record
    }

    /// Reads what [`Self::encode`] wrote; `None` if it did not.
    pub(crate) fn decode(record: &[u8]) -> Option<Self> {
        let (id, rest) = record.split_first_chunk::<8>()?;
        let (batches, rest) = rest.split_first_chunk::<8>()?;
        let is_open = match rest {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        Some(Self { id: u64::from_be_bytes(*id), batches: u64::from_be_bytes(*batches), is_open })
    }
}

/// By how much a file grows at least and at most, beside the frame, in bytes: a store with few
/// commits stays small, and no commit waits for more than a few milliseconds' worth of zeros.
const MIN_STEP: u64 = 64 << 10;
pub(crate) const MAX_STEP: u64 = 1 << 20;

/// How many times its limit a file that is kept may be long. It may pass the limit once, while the
/// engine is busy.
const KEPT_LIMITS: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_round_trip_and_stay_as_they_are() {
        for is_open in [false, true] {
            let mark = Mark { id: 1 << 56, batches: 2, is_open };
            let record = mark.encode();
            assert_eq!(record, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, u8::from(is_open)]);
            assert_eq!(Mark::decode(&record), Some(mark));
        }
    }

    #[test]
    fn rejects_marks_never_written() {
        for record in [&[][..], &[0; 16], &[0; 18], &[2; 17]] {
            assert_eq!(Mark::decode(record), None);
        }
    }
}
