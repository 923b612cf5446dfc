//! sled 0.34, made to keep what it acknowledges.
//!
//! By itself sled loses acknowledged data in a power cut: it never syncs what it writes. Each
//! remedy below is needed; the power-cut test shows it.

use std::{
    fs::{self, File},
    ops::Bound,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{Store, contained};
use crate::{Entry, Error, layout, write_set::WriteSet};

/// What is ours of the store's directory.
pub(super) const NAMES: &[&str] = &[DIR];

pub(super) fn create(dir: &Path, cache_bytes: u64) -> Result<Box<dyn Store>, Error> {
    let path = dir.join(DIR);
    layout::create_private_dir(&path)?;
    let db = open_once(&path, cache_bytes)?;
    Ok(Box::new(Sled::new(path, db)?))
}

pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Box<dyn Store>, Error> {
    let path = dir.join(DIR);
    check_log(&path)?;
    check_blobs(&path)?;
    // A cut while sled writes a snapshot leaves `snap.<lsn>.generating`. sled then takes it for
    // the newest snapshot, and every later open fails. Snapshots only save time: the log has all.
    remove_all(&path, |name| (name.starts_with(SNAPSHOT) && name.ends_with(".generating")) || name.starts_with(ASIDE))?;
    let db = match open_once(&path, cache_bytes) {
        Err(Error::Damaged { .. }) => open_without_snapshots(&path, cache_bytes)?,
        result => result?,
    };
    // The open can have written a snapshot and the end of the log: durable before the first
    // answer, or a cut would take back what that answer showed. `conf` above all: sled never syncs
    // it, and a torn one bars every later open.
    layout::sync_tree(&path)?;
    Ok(Box::new(Sled::new(path, db)?))
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

    fn call<T>(&self, call: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
        contained(&self.path, || call().map_err(|error| convert(&self.path, error)))
    }
}

impl Store for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.call(|| self.db.get(key))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn next(&self, from: Bound<&[u8]>) -> Result<Option<Entry>, Error> {
        let range = (from, Bound::Unbounded);
        let entry = self.call(|| self.db.range::<&[u8], _>(range).next().transpose())?;
        Ok(entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
    }

    fn last_before(&self, end: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let entry = self.call(|| self.db.range(..end).next_back().transpose())?;
        Ok(entry.map(|(key, _)| key.to_vec()))
    }

    fn apply(&self, batch: &WriteSet) -> Result<(), Error> {
        let mut writes = sled::Batch::default();
        for (key, value) in batch.iter() {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        self.call(|| self.db.apply_batch(writes))?;
        // `flush` writes the log and calls sync_file_range, which leaves the file's new length and
        // the disk's cache alone; only the fdatasync makes it durable.
        self.call(|| self.db.flush())?;
        self.log.sync_data().map_err(Error::io("sync", &self.path.join(LOG)))
    }
}

/// Opens sled once, sitting out the files' lock.
fn open_once(path: &Path, cache_bytes: u64) -> Result<sled::Db, Error> {
    let config = sled::Config::new()
        .path(path)
        .mode(sled::Mode::LowSpace)
        .segment_size(SEGMENT_SIZE)
        .cache_capacity(cache_bytes.max(MIN_CACHE))
        // Every commit flushes, and nothing else writes, so there is nothing to flush in between.
        .flush_every_ms(None);
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        let result = contained(path, || {
            config.open().map_err(|error| {
                if is_lock(&error) { Error::Locked { path: path.join(LOG) } } else { convert(path, error) }
            })
        });
        match result {
            Err(Error::Locked { .. }) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

/// The second try, for a snapshot that a cut or a fault has spoilt: the log rebuilds it.
fn open_without_snapshots(path: &Path, cache_bytes: u64) -> Result<sled::Db, Error> {
    let snapshots = names(path, |name| name.starts_with(SNAPSHOT))?;
    let moves: Vec<(PathBuf, PathBuf)> =
        snapshots.iter().map(|name| (path.join(name), path.join(format!("{ASIDE}{name}")))).collect();
    for (from, to) in &moves {
        fs::rename(from, to).map_err(Error::io("rename", from))?;
    }
    match open_once(path, cache_bytes) {
        Ok(db) => {
            remove_all(path, |name| name.starts_with(ASIDE))?;
            Ok(db)
        }
        Err(error) => {
            // It was not the snapshots: put them back, so that the files are as they were.
            for (from, to) in &moves {
                fs::rename(to, from).map_err(Error::io("rename", to))?;
            }
            Err(error)
        }
    }
}

/// sled takes a missing or empty log for a new store. This one is not new.
fn check_log(path: &Path) -> Result<(), Error> {
    let log = path.join(LOG);
    match fs::metadata(&log) {
        Ok(metadata) if metadata.len() > 0 => Ok(()),
        Ok(_) => Err(Error::damaged(&log, "the log is empty")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::damaged(&log, "the log is missing")),
        Err(error) => Err(Error::io("read", &log)(error)),
    }
}

/// A blob file is never synced by sled, and no sync of ours can order it before the log. With our
/// segment size and record length none is ever made, so one that is there was not made by us.
fn check_blobs(path: &Path) -> Result<(), Error> {
    let blobs = path.join(BLOBS);
    match blobs.exists() && !names(&blobs, |_| true)?.is_empty() {
        true => Err(Error::damaged(&blobs, "it should be empty")),
        false => Ok(()),
    }
}

fn remove_all(path: &Path, which: impl Fn(&str) -> bool) -> Result<(), Error> {
    for name in names(path, which)? {
        let file = path.join(name);
        fs::remove_file(&file).map_err(Error::io("remove", &file))?;
    }
    Ok(())
}

/// The names in a directory that pass.
fn names(path: &Path, which: impl Fn(&str) -> bool) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(Error::io("read", path))? {
        let entry = entry.map_err(Error::io("read", path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if which(&name) {
            found.push(name);
        }
    }
    Ok(found)
}

/// sled has its own flock on the log. `LOCK` keeps other processes out, so whoever has it is a
/// store of this process that was just dropped and whose threads are not done yet.
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
const BLOBS: &str = "blobs";
const SNAPSHOT: &str = "snap.";
const ASIDE: &str = "aside.";

/// 4 MiB, fixed at creation: sled cannot change it later. Page images over a quarter of it go to
/// blob files, which no sync repairs; ours stay under 300 KiB (see `record::MAX_PIECE_LEN`).
const SEGMENT_SIZE: usize = 4 << 20;

/// 1 MiB: sled divides its cache by 256 and refuses a share of nothing.
const MIN_CACHE: u64 = 1 << 20;

/// How long to wait for our own predecessor: it has one segment to write at most.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
