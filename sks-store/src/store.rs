//! The core's port on sealed records.

use std::fmt;
use std::fs::File;
use std::ops::Bound;

use durable::{Db, Engine, Entry, Tree};
use sks_core::ports::{Read, Store, StoreError, Txn};
use sks_core::record::{Address, Record};

use crate::schema::{self, Place, Writer};
use crate::seal::{HEAD, Sealer};

/// An open store. Threads share it by reference.
pub struct SealedStore {
    pub(crate) db: Db,
    pub(crate) sealer: Sealer,
    pub(crate) created: bool,
    /// Last, so that it is released after the database is closed.
    pub(crate) _lock: File,
}

impl SealedStore {
    /// The engine that the store was made with.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.db.engine()
    }

    /// Whether this open made the store.
    #[must_use]
    pub fn created(&self) -> bool {
        self.created
    }
}

impl fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStore").field("db", &self.db).finish_non_exhaustive()
    }
}

impl Read for SealedStore {
    fn get(&self, at: &Address) -> Result<Option<Record>, StoreError> {
        get(&self.db, &self.sealer, at)
    }

    fn next(&self, from: Bound<&Address>) -> Result<Option<(Address, Record)>, StoreError> {
        next(&self.db, &self.sealer, from)
    }
}

impl Store for SealedStore {
    fn begin(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        let txn = self.db.begin().map_err(failed)?;
        Ok(Box::new(SealedTxn { txn, sealer: &self.sealer }))
    }
}

/// The one transaction that can write.
struct SealedTxn<'a> {
    txn: durable::Txn<'a>,
    sealer: &'a Sealer,
}

impl Read for SealedTxn<'_> {
    fn get(&self, at: &Address) -> Result<Option<Record>, StoreError> {
        get(&self.txn, self.sealer, at)
    }

    fn next(&self, from: Bound<&Address>) -> Result<Option<(Address, Record)>, StoreError> {
        next(&self.txn, self.sealer, from)
    }
}

impl Txn for SealedTxn<'_> {
    fn put(&mut self, at: Address, record: Record) -> Result<(), StoreError> {
        let place = Place::from(&at);
        let mut writer = Writer::new(HEAD);
        if !schema::encode(&at, &record, &mut writer) {
            return Err(StoreError::Failed(format!("no such record belongs at {at:?}")));
        }
        let sealed = self.sealer.seal(&place, writer).map_err(|error| StoreError::Failed(error.to_string()))?;
        self.txn.put(place.tree(), place.key(), &sealed).map_err(failed)
    }

    fn remove(&mut self, at: &Address) -> Result<(), StoreError> {
        let place = Place::from(at);
        self.txn.remove(place.tree(), place.key()).map_err(failed)
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.txn.commit().map_err(failed)
    }
}

/// What the database and its transaction have in common.
trait Sealed {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, durable::Error>;
    fn next(&self, tree: Tree, from: Bound<&[u8]>) -> Result<Option<Entry>, durable::Error>;
}

impl Sealed for Db {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, durable::Error> {
        self.get(tree, key)
    }

    fn next(&self, tree: Tree, from: Bound<&[u8]>) -> Result<Option<Entry>, durable::Error> {
        self.next(tree, from)
    }
}

impl Sealed for durable::Txn<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, durable::Error> {
        self.get(tree, key)
    }

    fn next(&self, tree: Tree, from: Bound<&[u8]>) -> Result<Option<Entry>, durable::Error> {
        self.next(tree, from)
    }
}

fn get(from: &impl Sealed, sealer: &Sealer, at: &Address) -> Result<Option<Record>, StoreError> {
    let place = Place::from(at);
    let sealed = from.get(place.tree(), place.key()).map_err(failed)?;
    sealed.map(|sealed| open(sealer, &place, at, sealed)).transpose()
}

/// An unbounded search names no table, so it finds nothing.
fn next(from: &impl Sealed, sealer: &Sealer, bound: Bound<&Address>) -> Result<Option<(Address, Record)>, StoreError> {
    let bound = bound.map(Place::from);
    let (Bound::Included(start) | Bound::Excluded(start)) = &bound else { return Ok(None) };
    let tree = start.tree();
    let Some((key, sealed)) = from.next(tree, bound.as_ref().map(Place::key)).map_err(failed)? else {
        return Ok(None);
    };
    let place = Place::raw(tree, &key);
    let at = place.address().map_err(|fault| damaged(&place, fault))?;
    let record = open(sealer, &place, &at, sealed)?;
    Ok(Some((at, record)))
}

fn open(sealer: &Sealer, place: &Place, at: &Address, sealed: Vec<u8>) -> Result<Record, StoreError> {
    let opened = sealer.open(place, sealed).map_err(|fault| damaged(place, fault))?;
    schema::decode(at, opened.plain()).map_err(|fault| damaged(place, fault))
}

fn damaged(place: &Place, fault: impl fmt::Display) -> StoreError {
    StoreError::Damaged(format!("the record {}: {fault}", schema::describe(place)))
}

/// A record over 64 MiB is one that there is no space for.
fn failed(error: durable::Error) -> StoreError {
    match error {
        durable::Error::Full { .. } | durable::Error::ValueTooLong { .. } => StoreError::Full,
        durable::Error::Damaged { .. } => StoreError::Damaged(error.chain()),
        _ => StoreError::Failed(error.chain()),
    }
}

#[cfg(test)]
mod tests;
