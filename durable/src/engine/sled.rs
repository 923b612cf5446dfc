//! sled 0.34, made to keep what it acknowledges.
//!
//! By itself sled loses acknowledged data in a power cut: it syncs nothing that it writes, or too
//! late. What is done about it, each point needed, as the power-cut test shows:
//!
//! 1. Segments of 4 MiB and records of at most 16 KiB, so that nothing goes to blob files.
//! 2. Every file and name is synced before the first answer of an open.
//! 3. A marker says that a creation came to its end (`layout::write_ready`).
//! 4. An open in two steps, with leftovers removed and snapshots kept ([`recovery`]).
//! 5. An fdatasync after each batch, and each lot of single records, through a descriptor of our own.

mod recovery;

use std::{
    fs::File,
    ops::Bound,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Store, contained, patiently};
use crate::{Entry, Error, layout, write_set::Write};

/// What is ours of the store's directory.
pub(super) const NAMES: &[&str] = &[DIR];

pub(super) fn create(dir: &Path, cache_bytes: u64) -> Result<Arc<dyn Store>, Error> {
    let path = dir.join(DIR);
    layout::create_private_dir(&path)?;
    let db = open_once(&path, cache_bytes)?;
    Ok(Arc::new(Sled::new(path, db)?))
}

pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Arc<dyn Store>, Error> {
    let path = dir.join(DIR);
    let db = recovery::recover(&path, cache_bytes)?;
    Ok(Arc::new(Sled::new(path, db)?))
}

struct Sled {
    /// `sled/`.
    path: PathBuf,
    /// A descriptor of our own for its log.
    log: File,
    /// Dereferences to its default tree, the only one used.
    db: sled::Db,
}

impl Sled {
    fn new(path: PathBuf, db: sled::Db) -> Result<Self, Error> {
        let log_path = path.join(LOG);
        let log = File::open(&log_path).map_err(Error::io("open", &log_path))?;
        Ok(Self { path, log, db })
    }

    /// `flush` writes the log and calls sync_file_range, which leaves the file's new length and the
    /// disk's cache alone; only the fdatasync makes it durable.
    fn sync(&self) -> Result<(), Error> {
        self.call(|| self.db.flush())?;
        self.log.sync_data().map_err(Error::io("sync", &self.path.join(LOG)))
    }

    fn call<T>(&self, call: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
        contained(&self.path, || call().map_err(|error| convert(&self.path, error)))
    }
}

impl Store for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.call(|| self.db.get(key))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn first(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        hidden: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<Entry>, Error> {
        self.call(|| {
            for entry in self.db.range::<&[u8], _>((from, to)) {
                let (key, value) = entry?;
                if !hidden(&key) {
                    return Ok(Some((key.to_vec(), value.to_vec())));
                }
            }
            Ok(None)
        })
    }

    fn last_before(&self, end: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let entry = self.call(|| self.db.range(..end).next_back().transpose())?;
        Ok(entry.map(|(key, _)| key.to_vec()))
    }

    fn apply(&self, batch: &[Write<'_>]) -> Result<(), Error> {
        let mut writes = sled::Batch::default();
        for &(key, value) in batch {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        self.call(|| self.db.apply_batch(writes))?;
        self.sync()
    }

    /// Not as a batch: sled lets nobody read while it takes one in.
    fn apply_singly(&self, writes: &[Write<'_>]) -> Result<(), Error> {
        self.call(|| {
            writes.iter().try_for_each(|&(key, value)| match value {
                Some(value) => self.db.insert(key, value).map(drop),
                None => self.db.remove(key).map(drop),
            })
        })?;
        self.sync()
    }
}

/// Opens sled once.
fn open_once(path: &Path, cache_bytes: u64) -> Result<sled::Db, Error> {
    let config = sled::Config::new()
        .path(path)
        .mode(sled::Mode::LowSpace)
        .segment_size(SEGMENT_SIZE)
        .cache_capacity(cache_bytes.max(MIN_CACHE))
        // Every commit flushes, and nothing else writes, so there is nothing to flush in between.
        .flush_every_ms(None);
    patiently(|| {
        contained(path, || {
            config.open().map_err(|error| match is_lock(&error) {
                true => Error::Locked { path: path.join(LOG) },
                false => convert(path, error),
            })
        })
    })
}

/// sled has its own flock on the log.
fn is_lock(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("acquire lock"))
}

fn convert(path: &Path, error: sled::Error) -> Error {
    use std::io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    match error {
        sled::Error::Io(error) if !matches!(error.kind(), InvalidData | NotFound | UnexpectedEof) => {
            Error::io("use", path)(error)
        }
        error => Error::damaged(path, error.to_string()),
    }
}

const DIR: &str = "sled";
const LOG: &str = "db";

/// 4 MiB, fixed at creation: sled cannot change it later. Page images over a quarter of it go to
/// blob files, which no sync repairs; ours stay under 300 KiB (see `record::MAX_PIECE_LEN`).
const SEGMENT_SIZE: usize = 4 << 20;

/// 1 MiB: sled divides its cache by 256 and refuses a share of nothing.
const MIN_CACHE: u64 = 1 << 20;
