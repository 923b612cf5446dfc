//! A transaction.

use std::ops::Bound;

use crate::{
    Db, Entry, Error, Pending, Tree,
    db::{assemble, next_under, strip, unwrap_inline},
    record::{self, Chunks, Head, MAX_PIECE_LEN, MAX_VALUE_LEN},
    write_set::{Stack, WriteSet},
};

/// The one transaction of its time: no other begins before it commits or is dropped.
///
/// Its reads see its own writes and those of every transaction committed before it, durable or
/// not; so whoever answers from them commits first, even if nothing was written. Dropped, it never
/// happened.
#[derive(Debug)]
#[must_use = "a transaction that is dropped never happened"]
pub struct Txn<'db> {
    db: &'db Db,
    writes: WriteSet,
    /// Still holds the writer's place.
    open: bool,
}

impl<'db> Txn<'db> {
    pub(crate) fn new(db: &'db Db) -> Self {
        Self { db, writes: WriteSet::default(), open: true }
    }

    /// The value at `key`.
    ///
    /// # Errors
    ///
    /// As [`Db::get`].
    pub fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let raw = record::raw_key(tree, key)?;
        match self.raw_get(&raw)? {
            Some(record) => self.value(&raw, record).map(Some),
            None => Ok(None),
        }
    }

    /// The entry with the smallest key at or after (`Included`), after (`Excluded`) or without
    /// (`Unbounded`) a bound.
    ///
    /// # Errors
    ///
    /// As [`Db::get`].
    pub fn next(&self, tree: Tree, from: Bound<&[u8]>) -> Result<Option<Entry>, Error> {
        let from = record::raw_bound(tree, from)?;
        let Some((raw, record)) = self.raw_next(from.as_ref().map(Vec::as_slice), &record::after_tree(tree))? else {
            return Ok(None);
        };
        let value = self.value(&raw, record)?;
        Ok(Some((strip(raw), value)))
    }

    /// Sets the value at `key`.
    ///
    /// # Errors
    ///
    /// [`Error::KeyTooLong`], [`Error::ValueTooLong`], [`Error::NoSuchTree`]; of reading what was
    /// there, as [`Db::get`]. Nothing is set then, and the transaction goes on.
    pub fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let raw = checked(tree, key, value)?;
        let is_new = !self.drop_chunks(&raw)?;
        let record = self.record_of(value);
        if is_new {
            self.writes.insert_new(raw, record)
        } else {
            self.writes.insert(raw, Some(record))
        };
        Ok(())
    }

    /// As [`Self::put`], for a key that has no value, as the caller knows: it is not looked for. If
    /// there is a long one all the same, its pieces are never freed.
    ///
    /// # Errors
    ///
    /// [`Error::KeyTooLong`], [`Error::ValueTooLong`], [`Error::NoSuchTree`].
    pub fn put_new(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let raw = checked(tree, key, value)?;
        let record = self.record_of(value);
        self.writes.insert(raw, Some(record));
        Ok(())
    }

    /// Removes `key`, if it is there.
    ///
    /// # Errors
    ///
    /// As [`Self::put`].
    pub fn remove(&mut self, tree: Tree, key: &[u8]) -> Result<(), Error> {
        let raw = record::raw_key(tree, key)?;
        if self.drop_chunks(&raw)? {
            self.writes.insert(raw, None);
        }
        Ok(())
    }

    /// Commits, and returns when the transaction is durable, with everything it may have read.
    ///
    /// # Errors
    ///
    /// [`Error::Full`]: it did not happen, and the store stays usable. [`Error::Broken`]: it may
    /// or may not be there after a restart; nothing can be said before.
    pub fn commit(self) -> Result<(), Error> {
        self.commit_later()?.wait()
    }

    /// Commits, and lets the caller do something else before it waits for the disk. The next
    /// transaction may begin and sees this one's writes; a read outside transactions does not
    /// before they are durable.
    ///
    /// # Errors
    ///
    /// [`Error::Full`]: it did not happen, and the store stays usable. [`Error::Broken`]: it did
    /// not happen, and the store is of no more use.
    pub fn commit_later(mut self) -> Result<Pending, Error> {
        let writes = std::mem::take(&mut self.writes);
        if !writes.is_empty() {
            self.db.commits().check()?;
            self.db.take_space(&writes)?;
        }
        self.open = false;
        let ticket = self.db.commits().publish(writes);
        Ok(self.db.pending(ticket))
    }

    fn raw_get(&self, raw: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let commits = self.db.commits();
        commits.check()?;
        {
            let layers = commits.layers();
            let (collected, in_flight) = commits.ahead();
            let stack = Stack([&self.writes, &collected, &in_flight, &layers.active, &layers.frozen]);
            if let Some(written) = stack.get(raw) {
                return Ok(written.map(<[u8]>::to_vec));
            }
        }
        // Nobody else commits meanwhile, so the engine's value stays the newest one.
        self.db.store().get(raw)
    }

    fn raw_next(&self, from: Bound<&[u8]>, end: &[u8]) -> Result<Option<Entry>, Error> {
        let commits = self.db.commits();
        commits.check()?;
        let layers = commits.layers();
        let (collected, in_flight) = commits.ahead();
        let stack = Stack([&self.writes, &collected, &in_flight, &layers.active, &layers.frozen]);
        next_under(&stack, self.db.store(), from, end)
    }

    fn value(&self, raw: &[u8], record: Vec<u8>) -> Result<Vec<u8>, Error> {
        match self.head(raw, &record)? {
            Head::Inline => Ok(unwrap_inline(record)),
            Head::Chunked(chunks) => assemble(chunks, |key| self.raw_get(key))?
                .ok_or_else(|| self.db.damaged(&format!("a part of the value at {raw:02x?} is missing"))),
        }
    }

    fn head(&self, raw: &[u8], record: &[u8]) -> Result<Head, Error> {
        record::head(record).ok_or_else(|| self.db.damaged(&format!("no value can be read at {raw:02x?}")))
    }

    /// Removes the chunks of the value that is at `raw`; false if there is none.
    fn drop_chunks(&mut self, raw: &[u8]) -> Result<bool, Error> {
        let Some(record) = self.raw_get(raw)? else {
            return Ok(false);
        };
        if let Head::Chunked(chunks) = self.head(raw, &record)? {
            for key in chunks.keys() {
                self.writes.insert(key, None);
            }
        }
        Ok(true)
    }

    /// The record of a value, whose pieces are written if it is long.
    fn record_of(&mut self, value: &[u8]) -> Vec<u8> {
        if value.len() <= MAX_PIECE_LEN { record::inline(value) } else { self.put_chunks(value) }
    }

    /// Writes a value in pieces and returns the record that points at them.
    fn put_chunks(&mut self, value: &[u8]) -> Vec<u8> {
        let chunks = Chunks {
            id: self.db.new_chunk_id(),
            // It fits: MAX_VALUE_LEN is far less.
            len: u32::try_from(value.len()).unwrap_or(u32::MAX),
        };
        for (key, piece) in chunks.keys().zip(value.chunks(MAX_PIECE_LEN)) {
            self.writes.insert(key, Some(piece.to_vec()));
        }
        chunks.head()
    }
}

/// The engine's key, if key and value are in bounds.
fn checked(tree: Tree, key: &[u8], value: &[u8]) -> Result<Vec<u8>, Error> {
    let raw = record::raw_key(tree, key)?;
    match value.len() {
        len if len > MAX_VALUE_LEN => Err(Error::ValueTooLong { len }),
        _ => Ok(raw),
    }
}

impl Drop for Txn<'_> {
    fn drop(&mut self) {
        if self.open {
            self.db.commits().leave_writer();
        }
    }
}
