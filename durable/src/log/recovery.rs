//! Brings what the redo log holds into the engine, at an open.

use std::{fs, io::ErrorKind, path::Path};

use super::{
    Mark, NAMES,
    frame::{self, BLOCK, Frame},
};
use crate::{
    Error,
    engine::{Store, apply_in_pieces},
    layout, record,
    write_set::WriteSet,
};

/// Ends the session that a cut or a kill left open, and notes how many batches there are; returns
/// that. If it fails with [`Error::Damaged`], it has changed nothing.
pub(crate) fn recover(dir: &Path, store: &dyn Store) -> Result<u64, Error> {
    let count = record::count(store.get(record::COUNT_KEY)?.as_deref())
        .ok_or_else(|| Error::damaged(dir, "the number of batches cannot be read"))?;
    let mark = match store.get(record::LOG_KEY)?.as_deref().map(Mark::decode) {
        None => None,
        Some(Some(mark)) => Some(mark),
        Some(None) => return Err(Error::damaged(dir, "the mark of the redo log cannot be read")),
    };
    let files = Files::read(dir)?;
    let open = mark.filter(|mark| mark.is_open);
    let (writes, batches) = match open {
        Some(mark) => files.replay(dir, mark, count)?,
        None => {
            files.check_needless(dir, mark)?;
            (WriteSet::default(), count)
        }
    };
    // sled takes a damaged place in its log for the log's end and goes on from there. Without this,
    // everything written behind it could be gone and nobody would know.
    let seen = layout::seen(dir)?;
    if batches < seen {
        return Err(Error::damaged(dir, format!("it has {batches} batches and had {seen} before")));
    }
    if let Some(mark) = open {
        end_session(store, mark.id, batches, &writes)?;
    }
    if files.any() {
        super::remove(dir)?;
    }
    if batches > seen {
        layout::write_seen(dir, batches)?;
    }
    Ok(batches)
}

/// Brings the last writes into the engine, with the word that no log goes with it any more.
pub(crate) fn end_session(store: &dyn Store, id: u64, batches: u64, writes: &WriteSet) -> Result<(), Error> {
    let mark = Mark { id, batches, is_open: false }.encode();
    apply_in_pieces(store, writes, &[(record::COUNT_KEY, Some(&batches.to_be_bytes())), (record::LOG_KEY, Some(&mark))])
}

/// The log's files, as they were found.
struct Files([Option<Vec<u8>>; 2]);

impl Files {
    fn read(dir: &Path) -> Result<Self, Error> {
        let [first, second] = NAMES.map(|name| {
            let path = dir.join(name);
            match fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::io("read", &path)(error)),
            }
        });
        Ok(Self([first?, second?]))
    }

    fn any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// Each file with its name; a missing one is empty.
    fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        NAMES.into_iter().zip(&self.0).map(|(name, bytes)| (name, bytes.as_deref().unwrap_or_default()))
    }

    /// A log that the engine does not wait for holds nothing, or what the engine has.
    fn check_needless(&self, dir: &Path, mark: Option<Mark>) -> Result<(), Error> {
        for (name, bytes) in self.iter() {
            let known = |frame: &Frame| mark.is_some_and(|mark| mark.id == frame.id && frame.number <= mark.batches);
            if !row(bytes).all(|frame| frame.is_empty() || known(&frame)) {
                return Err(foreign(dir, name));
            }
        }
        Ok(())
    }

    /// The writes of all batches that the engine with `count` of them does not have, and the number
    /// of the last one.
    fn replay(&self, dir: &Path, mark: Mark, count: u64) -> Result<(WriteSet, u64), Error> {
        if let Some((name, _)) = NAMES.iter().zip(&self.0).find(|(_, bytes)| bytes.is_none()) {
            return Err(Error::damaged(&dir.join(name), "it is missing, and the store was not closed"));
        }
        if let Some((name, _)) = self.iter().find(|(_, bytes)| row(bytes).any(|frame| frame.id != mark.id)) {
            return Err(foreign(dir, name));
        }
        let numbers = self.iter().flat_map(|(_, bytes)| all_frames(bytes, mark.id)).map(|frame| frame.number);
        let known = count.max(mark.batches);
        let Some(last) = numbers.max().filter(|last| *last >= known) else {
            let text = format!("the redo log ends before batch {known}, which it had: it is an older copy");
            return Err(Error::damaged(dir, text));
        };
        let mut rows: Vec<(Frame, &[u8])> = Vec::new();
        for (_, bytes) in self.iter() {
            rows.extend(row(bytes).map(|frame| (frame, bytes)));
        }
        rows.sort_by_key(|(frame, _)| frame.number);
        let (mut writes, mut batches) = (WriteSet::default(), count);
        for (frame, bytes) in rows {
            if frame.number == batches + 1 {
                let added = frame.add_to(&mut writes, bytes);
                added.ok_or_else(|| Error::damaged(dir, format!("batch {} cannot be read", frame.number)))?;
                batches = frame.number;
            }
        }
        match batches == last {
            true => Ok((writes, batches)),
            // A good one behind a bad one: not the torn end of a log.
            false => Err(Error::damaged(
                dir,
                format!("the redo log has lost batch {}, and goes to batch {last}", batches + 1),
            )),
        }
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
