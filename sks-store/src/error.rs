//! Why a store was not opened: what is wrong, where, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use durable::Engine;

use crate::master::PassphraseCost;

/// Why a store was not opened. Unless a variant says otherwise, the store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{path} is in use by another daemon: stop that one first, or use another directory")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// It was made with the other engine.
    #[error("the store {path} was made with the engine {recorded}, not {asked}: open it with {recorded}")]
    EngineMismatch {
        /// The store's database.
        path: PathBuf,
        /// The engine that it has.
        recorded: Engine,
        /// The engine that was asked for.
        asked: Engine,
    },
    /// A later release made it.
    #[error("{path} has format {found}, and this program knows formats up to {known}: use a newer program")]
    NewerFormat {
        /// The file or directory with that format.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The key file holds another key.
    #[error("{key_file} is not the master key of the store {path}: give the file that the store was made with")]
    WrongKey {
        /// The store's directory.
        path: PathBuf,
        /// The key file.
        key_file: PathBuf,
    },
    /// The passphrase is another.
    #[error("the passphrase is not that of the store {path}: try again")]
    WrongPassphrase {
        /// The store's directory.
        path: PathBuf,
    },
    /// The store is there and its key file is not. No other is made, since it could open nothing.
    #[error("the master key {path} is missing: put the file back from a backup; without it the store cannot be read")]
    MissingKey {
        /// The key file.
        path: PathBuf,
    },
    /// A passphrase was given for a store with a key file.
    #[error("the store {path} was made with a key file: give that, not a passphrase")]
    WantsKeyFile {
        /// The store's directory.
        path: PathBuf,
    },
    /// A key file was given for a store with a passphrase.
    #[error("the store {path} was made with a passphrase: give that, not a key file")]
    WantsPassphrase {
        /// The store's directory.
        path: PathBuf,
    },
    /// The passphrase is empty.
    #[error("the passphrase is empty: give one of at least one byte")]
    EmptyPassphrase,
    /// argon2id does not take these parameters.
    #[error("a passphrase cannot cost {} KiB and {} passes ({why})", cost.memory_kib, cost.passes)]
    Cost {
        /// What was asked for.
        cost: PassphraseCost,
        /// What is wrong with it.
        why: String,
    },
    /// Others than its owner may read or change the key file.
    #[error("{path} holds the master key and has mode {mode:04o}: nobody but its owner may read it (chmod 600)")]
    KeyFilePermissions {
        /// The key file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key file is no key file.
    #[error("{path} has {len} bytes, and a master key has 32: give the file that the store was made with")]
    KeyFileLength {
        /// The key file.
        path: PathBuf,
        /// Its length in bytes.
        len: u64,
    },
    /// Others than its owner may replace what is in the store's directory.
    #[error("others may write to the directory {path}, which has mode {mode:04o}: take that from them (chmod 700)")]
    DirectoryPermissions {
        /// The store's directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Something of the store is missing, or is not what was written.
    #[error("{path} is damaged ({what}): restore the store from a backup")]
    Damaged {
        /// The damaged file or directory.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// No space for a new store, which is then made anew at the next start.
    #[error("too little space for a new store in {path}: {needed} bytes must be free, {free} are")]
    Full {
        /// The store's directory.
        path: PathBuf,
        /// Bytes free on its file system.
        free: u64,
        /// Bytes that must be free.
        needed: u64,
    },
    /// The random source failed.
    #[error("the source of random numbers failed")]
    Random,
    /// The operating system refused a call. A store that was being made is made anew at the next start.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database failed in another way.
    #[error("the database in {path} failed")]
    Database {
        /// The store's directory.
        path: PathBuf,
        /// How.
        source: durable::Error,
    },
}

impl OpenError {
    /// Builds the closure that `map_err` wants around a system call.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }

    /// What durable says, in the words of the store.
    pub(crate) fn database(dir: &Path) -> impl FnOnce(durable::Error) -> Self {
        let dir = dir.to_owned();
        move |error| match error {
            durable::Error::Locked { path } => Self::Locked { path },
            durable::Error::EngineMismatch { path, recorded, asked } => Self::EngineMismatch { path, recorded, asked },
            durable::Error::NewerFormat { path, found, known } => Self::NewerFormat { path, found, known },
            durable::Error::Damaged { path, what } => Self::Damaged { path, what },
            durable::Error::Full { path, free, needed } => Self::Full { path, free, needed },
            durable::Error::Io { doing, path, source } => Self::Io { doing, path, source },
            source => Self::Database { path: dir, source },
        }
    }
}
