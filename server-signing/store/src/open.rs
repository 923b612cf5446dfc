//! Opening, and making, a store.

use std::fs;
use std::io::ErrorKind;
use std::ops::Bound;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use durable::{Db, Engine, Options, Tree};
use parking_lot::Mutex;
use tw4s_sam::audit::Row;
use tw4s_sam::ports::{Read, Store, StoreError, Txn};
use tw4s_sam::record::{KeyId, Object, ObjectKind, Once, SadName, Seal, Table, User, UserId};

use crate::committer::Committer;
use crate::consumed::OLDER_HASHES;
use crate::error::{OpenError, failed};
use crate::read::{self, impl_read};
use crate::schema::{CONSUMED, FORMAT, FORMAT_KEY, FORMAT_TITLE, OLDER_FORMATS, STORE};
use crate::txn::SamTxn;

/// An open store. Threads share it by reference.
#[derive(Debug)]
pub struct SamStore {
    db: Db,
    committer: Committer,
    /// The newest audit row, as the next transaction will find it.
    head: Mutex<Option<Row>>,
    created: bool,
    /// There were hashes of an older format when it was opened, and there may still be.
    has_older_hashes: bool,
}

impl SamStore {
    /// Opens the store in `dir`. If there is none it is made, and so is the directory, with mode 0700.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &Path, options: &Options) -> Result<Self, OpenError> {
        check_dir(dir)?;
        let db = Db::open(dir, options)?;
        let created = check_format(&db, dir)?;
        let has_older_hashes = has_older_hashes(&db)?;
        Ok(Self { db, committer: Committer::start()?, head: Mutex::default(), created, has_older_hashes })
    }

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

    fn has(&self, what: &Once) -> Result<bool, StoreError> {
        read::is_consumed(&self.db, what, self.has_older_hashes)
    }

    /// The newest that is durable.
    fn newest(&self) -> Result<Option<Row>, StoreError> {
        read::audit_head(&self.db)
    }
}

impl_read!(SamStore, db);

impl Store for SamStore {
    fn begin(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        let head = self.head.lock();
        let txn = self.db.begin().map_err(failed)?;
        Ok(Box::new(SamTxn::new(txn, &self.committer, head, self.has_older_hashes)))
    }

    fn request_begins(&self) {
        self.committer.begins();
    }

    fn request_ends(&self) {
        self.committer.ends();
    }

    fn consumed_hashes(&self, sad: &SadName) -> Result<u64, StoreError> {
        read::consumed_hashes(&self.db, sad)
    }
}

/// redb's file takes its mode from the umask, so the directory is what keeps others out.
fn check_dir(dir: &Path) -> Result<(), OpenError> {
    let mode = match fs::metadata(dir) {
        Ok(metadata) => metadata.mode() & 0o7777,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(OpenError::Directory { path: dir.to_owned(), source }),
    };
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(OpenError::DirectoryPermissions { path: dir.to_owned(), mode }),
    }
}

/// Refuses a layout that is not known; true if the store is new.
fn check_format(db: &Db, dir: &Path) -> Result<bool, OpenError> {
    let damaged = |what| OpenError::Damaged { path: dir.to_owned(), what };
    let Some(record) = db.get(STORE, FORMAT_KEY)? else {
        // A cut between durable's creation and this row leaves a database without any.
        if !is_empty(db)? {
            return Err(damaged("its format is missing"));
        }
        write_format(db)?;
        return Ok(true);
    };
    let found = std::str::from_utf8(&record).ok().and_then(|text| text.strip_prefix(FORMAT_TITLE)?.parse().ok());
    match found {
        Some(FORMAT) => Ok(false),
        Some(older) if OLDER_FORMATS.contains(&older) => write_format(db).map(|()| false),
        Some(found) if found > FORMAT => Err(OpenError::NewerFormat { path: dir.to_owned(), found, known: FORMAT }),
        _ => Err(damaged("its format cannot be read")),
    }
}

fn write_format(db: &Db) -> Result<(), OpenError> {
    let mut txn = db.begin()?;
    txn.put(STORE, FORMAT_KEY, format!("{FORMAT_TITLE}{FORMAT}").as_bytes())?;
    Ok(txn.commit()?)
}

fn has_older_hashes(db: &Db) -> Result<bool, OpenError> {
    let first = db.next(CONSUMED, Bound::Included(&[OLDER_HASHES]))?;
    Ok(first.is_some_and(|(key, _)| key.starts_with(&[OLDER_HASHES])))
}

fn is_empty(db: &Db) -> Result<bool, OpenError> {
    for tree in 0..=LAST_TREE {
        if db.next(Tree(tree), Bound::Unbounded)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The last that durable has: a database of something else is not to be taken over.
const LAST_TREE: u8 = 127;
