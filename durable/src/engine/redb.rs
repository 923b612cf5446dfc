//! redb 4: a copy-on-write B-tree in one file, with one fdatasync a commit.

use std::{
    fs,
    ops::Bound,
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, TableDefinition};

use super::{Store, contained, patiently};
use crate::{Entry, Error, layout, write_set::Write};

/// What is ours of the store's directory.
pub(super) const NAMES: &[&str] = &[FILE, NEW_FILE];

pub(super) fn create(dir: &Path, cache_bytes: u64) -> Result<Arc<dyn Store>, Error> {
    let new = dir.join(NEW_FILE);
    // Under a temporary name: a cut inside the creation leaves a file without a header, which redb
    // would refuse for ever.
    contained(&new, || {
        let db = builder(cache_bytes).create(&new).map_err(|error| convert(&new, error))?;
        let create = || -> Result<(), redb::Error> {
            let txn = db.begin_write()?;
            txn.open_table(TABLE)?;
            Ok(txn.commit()?)
        };
        create().map_err(|error| convert(&new, error))
    })?;
    layout::sync_file(&new)?;
    let path = dir.join(FILE);
    fs::rename(&new, &path).map_err(Error::io("rename", &new))?;
    layout::sync_dir(dir)?;
    open(dir, cache_bytes)
}

pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Arc<dyn Store>, Error> {
    let path = dir.join(FILE);
    let open = || builder(cache_bytes).open(&path).map_err(|error| convert(&path, error));
    let db = patiently(|| contained(&path, open))?;
    // A process killed between a commit's write and its fdatasync leaves a commit that shows and
    // is not durable.
    layout::sync_file(&path)?;
    Ok(Arc::new(Redb { path, db }))
}

struct Redb {
    path: PathBuf,
    db: Database,
}

impl Redb {
    fn call<T>(&self, call: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Error> {
        contained(&self.path, || call().map_err(|error| convert(&self.path, error)))
    }

    fn table(&self) -> Result<ReadOnlyTable<&'static [u8], &'static [u8]>, redb::Error> {
        Ok(self.db.begin_read()?.open_table(TABLE)?)
    }

    fn commit(&self, batch: &[Write<'_>]) -> Result<(), redb::Error> {
        let mut txn = self.db.begin_write()?;
        // Durable when the commit returns. One phase: the checksums tell a torn commit.
        txn.set_durability(Durability::Immediate)?;
        let mut table = txn.open_table(TABLE)?;
        for (key, value) in batch.iter().copied() {
            match value {
                Some(value) => drop(table.insert(key, value)?),
                None => drop(table.remove(key)?),
            }
        }
        drop(table);
        Ok(txn.commit()?)
    }
}

impl Store for Redb {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.call(|| Ok(self.table()?.get(key)?.map(|value| value.value().to_vec())))
    }

    fn first(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        hidden: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<Entry>, Error> {
        self.call(|| {
            for entry in self.table()?.range::<&[u8]>((from, to))? {
                let (key, value) = entry?;
                if !hidden(key.value()) {
                    return Ok(Some((key.value().to_vec(), value.value().to_vec())));
                }
            }
            Ok(None)
        })
    }

    fn last_before(&self, end: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.call(|| {
            let entry = self.table()?.range(..end)?.next_back().transpose()?;
            Ok(entry.map(|(key, _)| key.value().to_vec()))
        })
    }

    fn apply(&self, batch: &[Write<'_>]) -> Result<(), Error> {
        self.call(|| self.commit(batch))
    }

    fn apply_singly(&self, writes: &[Write<'_>]) -> Result<(), Error> {
        self.apply(writes)
    }
}

fn builder(cache_bytes: u64) -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(usize::try_from(cache_bytes).unwrap_or(usize::MAX));
    builder
}

fn convert(path: &Path, error: impl Into<redb::Error>) -> Error {
    use std::io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    match error.into() {
        redb::Error::DatabaseAlreadyOpen => Error::Locked { path: path.to_owned() },
        redb::Error::Io(error) if !matches!(error.kind(), InvalidData | NotFound | UnexpectedEof) => {
            Error::io("use", path)(error)
        }
        error => Error::damaged(path, error.to_string()),
    }
}

const FILE: &str = "store.redb";
const NEW_FILE: &str = "store.redb.new";

const TABLE: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("durable");
