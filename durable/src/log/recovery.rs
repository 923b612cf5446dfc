//! What an open does with the redo log that it finds.
//!
//! After a cut or a kill it reads what the engine does not have, and the store goes on as it was:
//! with these writes in memory and the log as it is. Nothing waits for the engine.

use std::{fs, io::ErrorKind, path::Path};

use super::{
    Log, Mark, NAMES,
    frame::{self, BLOCK, Frame},
};
use crate::{Error, commit::Layers, engine::Store, layout, record, write_set::WriteSet};

/// A store as it was left.
pub(crate) struct Recovered {
    /// How many batches it has.
    pub(crate) batches: u64,
    /// The session that a cut or a kill left open.
    pub(crate) session: Option<Unfinished>,
}

/// What there is of a session that did not come to its end.
pub(crate) struct Unfinished {
    pub(crate) id: u64,
    pub(crate) log: Log,
    /// What the engine does not have.
    pub(crate) layers: Layers,
    /// The number of the last batch of the frozen layer.
    pub(crate) frozen_to: u64,
}

/// Finds what a cut or a kill left, makes it durable, and notes how many batches there are. If it
/// fails with [`Error::Damaged`], it has changed nothing.
pub(crate) fn recover(dir: &Path, store: &dyn Store) -> Result<Recovered, Error> {
    let count = record::count(store.get(record::COUNT_KEY)?.as_deref())
        .ok_or_else(|| Error::damaged(dir, "the number of batches cannot be read"))?;
    let mark = match store.get(record::LOG_KEY)?.as_deref().map(Mark::decode) {
        None => None,
        Some(Some(mark)) => Some(mark),
        Some(None) => return Err(Error::damaged(dir, "the mark of the redo log cannot be read")),
    };
    let found = match mark.filter(|mark| mark.is_open) {
        Some(mark) => Some((mark.id, Found::read(dir, mark, count)?)),
        None => None,
    };
    let needless = found.is_none() && check_needless(dir, mark)?;
    let batches = found.as_ref().map_or(count, |(_, found)| found.last);
    // sled takes a damaged place in its log for the log's end and goes on from there. Without this,
    // everything written behind it could be gone and nobody would know.
    let seen = layout::seen(dir)?;
    if batches < seen {
        return Err(Error::damaged(dir, format!("it has {batches} batches and had {seen} before")));
    }
    if needless {
        super::remove(dir)?;
    }
    let session = found.map(|(id, found)| found.resume(dir, id)).transpose()?;
    if batches > seen {
        layout::write_seen(dir, batches)?;
    }
    Ok(Recovered { batches, session })
}

/// The log of an unfinished session, whole.
struct Found {
    /// The file that was written last.
    current: Row,
    other: Option<Row>,
    /// The number of the last batch.
    last: u64,
}

impl Found {
    /// Reads the batches that the engine with `count` of them does not have.
    fn read(dir: &Path, mark: Mark, count: u64) -> Result<Self, Error> {
        let mut rows = Vec::new();
        let mut newest = None;
        for name in NAMES {
            let bytes = read_file(dir, name)?;
            let missing = || Error::damaged(&dir.join(name), "it is missing, and the store was not closed");
            let bytes = bytes.ok_or_else(missing)?;
            rows.extend(Row::read(dir, name, &bytes, mark, count)?);
            newest = newest.max(all_frames(&bytes, mark.id).map(|frame| frame.number).max());
        }
        let known = count.max(mark.batches);
        let Some(last) = newest.filter(|last| *last >= known) else {
            let text = format!("the redo log ends before batch {known}, which it had: it is an older copy");
            return Err(Error::damaged(dir, text));
        };
        rows.sort_by_key(|row| row.last);
        let (current, other) = (rows.pop(), rows.pop());
        let mut batches = count;
        for row in other.iter().chain(&current) {
            if row.first <= batches + 1 {
                batches = batches.max(row.last);
            }
        }
        match current {
            Some(current) if batches == last && current.last == last => Ok(Self { current, other, last }),
            // A good one behind a bad one: not the torn end of a log.
            _ => Err(Error::damaged(
                dir,
                format!("the redo log has lost batch {}, and goes to batch {last}", last.min(batches + 1)),
            )),
        }
    }

    /// Makes all of it durable, for the session to go on with.
    fn resume(self, dir: &Path, id: u64) -> Result<Unfinished, Error> {
        let Self { current, other, .. } = self;
        let log = Log::resume(dir, id, current.name, current.last_at, &current.last_frame)?;
        let frozen_to = other.as_ref().map_or(0, |row| row.last);
        let frozen = other.map(|row| row.writes).unwrap_or_default().into();
        Ok(Unfinished { id, log, layers: Layers { active: current.writes, frozen }, frozen_to })
    }
}

/// The frames from the beginning of a file on.
struct Row {
    /// Of the file.
    name: &'static str,
    /// The numbers of its first and last batches.
    first: u64,
    last: u64,
    /// Where the last frame is, and its bytes.
    last_at: u64,
    last_frame: Vec<u8>,
    /// Of the batches that the engine does not have.
    writes: WriteSet,
}

impl Row {
    /// `None` if there is no frame at the beginning.
    fn read(dir: &Path, name: &'static str, bytes: &[u8], mark: Mark, count: u64) -> Result<Option<Self>, Error> {
        let Some(mut last) = frame::read(bytes, 0) else {
            return Ok(None);
        };
        if last.id != mark.id {
            return Err(foreign(dir, name));
        }
        let (first, mut writes) = (last.number, WriteSet::default());
        for frame in row(bytes) {
            if frame.number > count {
                let added = frame.add_to(&mut writes, bytes);
                added.ok_or_else(|| Error::damaged(dir, format!("batch {} cannot be read", frame.number)))?;
            }
            last = frame;
        }
        let (last_at, last_frame) = (last.at() as u64, last.copy(bytes));
        Ok(Some(Self { name, first, last: last.number, last_at, last_frame, writes }))
    }
}

/// Checks files that the engine does not wait for: they hold nothing, or what the engine has. False
/// if there are none.
fn check_needless(dir: &Path, mark: Option<Mark>) -> Result<bool, Error> {
    let known = |frame: &Frame| mark.is_some_and(|mark| mark.id == frame.id && frame.number <= mark.batches);
    let mut any = false;
    for name in NAMES {
        if let Some(bytes) = read_file(dir, name)? {
            if !row(&bytes).all(|frame| frame.is_empty() || known(&frame)) {
                return Err(foreign(dir, name));
            }
            any = true;
        }
    }
    Ok(any)
}

/// What a file of the log holds; `None` if there is none.
fn read_file(dir: &Path, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let path = dir.join(name);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", &path)(error)),
    }
}

fn foreign(dir: &Path, name: &str) -> Error {
    let what = "it belongs to another store or to another copy of this one, and so holds what this one does not \
                have: bring together the files of one copy";
    Error::damaged(&dir.join(name), what)
}

/// The frames from the beginning of a file on, each directly behind the one before.
fn row(bytes: &[u8]) -> impl Iterator<Item = Frame> {
    let first = frame::read(bytes, 0);
    std::iter::successors(first, |before| {
        frame::read(bytes, before.next()).filter(|frame| frame.id == before.id && frame.number == before.number + 1)
    })
}

/// All whole frames of a log in a file, those behind a torn one and of older turns among them.
fn all_frames(bytes: &[u8], id: u64) -> impl Iterator<Item = Frame> {
    // Behind anything else it goes on with the next block. The id keeps it from taking for a frame
    // what is a part of a value: it is in no value, for nobody knew it.
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let found = frame::read(bytes, at).filter(|frame| frame.id == id);
            at = found.as_ref().map_or(at + BLOCK, Frame::next);
            if found.is_some() {
                return found;
            }
        }
        None
    })
}
