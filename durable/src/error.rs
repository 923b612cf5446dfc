//! Everything that can go wrong.

use std::{io, path::PathBuf};

use crate::{
    Engine,
    record::{MAX_KEY_LEN, MAX_VALUE_LEN},
};

/// Why a call failed. Each variant says what state it leaves behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process has the store open. Nothing was touched.
    #[error("{path} is in use by another process: stop it first, or use another directory")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The store was made with the other engine. Nothing was touched.
    #[error("{path} was made with {recorded}, not {asked}: open it with {recorded}")]
    EngineMismatch {
        /// The store's directory.
        path: PathBuf,
        /// The engine the store has.
        recorded: Engine,
        /// The engine that [`Options`](crate::Options) asked for.
        asked: Engine,
    },
    /// A later release made the store. Nothing was touched.
    #[error("{path} has format {found}, and this program knows formats up to {known}: use a newer program")]
    NewerFormat {
        /// The store's directory.
        path: PathBuf,
        /// The format it has.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// Files of the store are missing or hold what was never written. They are left as they were,
    /// except where sled has taken damage in its log for the log's end, and wiped the rest.
    #[error("{path} is damaged ({what}): restore it from a backup")]
    Damaged {
        /// The damaged file or directory.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// Too little space is free. The transaction did not happen; the store stays usable.
    #[error("no space for {path}: {free} bytes are free and {needed} are needed; free some, or remove records")]
    Full {
        /// The store's directory.
        path: PathBuf,
        /// Bytes free on its file system.
        free: u64,
        /// Bytes that must be free, the reserve among them.
        needed: u64,
    },
    /// An earlier write failed, so what is on disk is not known. Nothing more is read or written;
    /// everything acknowledged before is there after a restart.
    #[error("the store stopped after a failed write ({first}): mend the cause, then restart this program")]
    Broken {
        /// The first failure.
        first: String,
    },
    /// The operating system refused a call. In [`Db::open`](crate::Db::open) and in reads only; a
    /// failed write is [`Error::Broken`].
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key is longer than [`MAX_KEY_LEN`]. The transaction goes on without this call.
    #[error("a key of {len} bytes is too long: at most {MAX_KEY_LEN}")]
    KeyTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The value is longer than [`MAX_VALUE_LEN`]. The transaction goes on without this call.
    #[error("a value of {len} bytes is too long: at most {MAX_VALUE_LEN}")]
    ValueTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// Trees are numbered 0 to 127. The transaction goes on without this call.
    #[error("there is no tree {tree}: trees are numbered 0 to 127")]
    NoSuchTree {
        /// The number given.
        tree: u8,
    },
}

impl Error {
    /// Builds the closure that `map_err` wants around a system call.
    pub(crate) fn io(doing: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// A [`Error::Damaged`].
    pub(crate) fn damaged(path: &std::path::Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }

    /// The error and its causes on one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            line.push_str(": ");
            line.push_str(&error.to_string());
            source = error.source();
        }
        line
    }
}
