//! Why a store was not opened, and what a failed call becomes at the module's port.

use std::io;
use std::path::PathBuf;

use tw4s_sam::ports::StoreError;

/// Why a store was not opened. What it held is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Others than its owner may look into the directory, or change what is in it.
    #[error("others have rights to the directory {path}, which has mode {mode:04o}: take those from them (chmod 700)")]
    DirectoryPermissions {
        /// The store's directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The operating system did not tell about the directory.
    #[error("cannot read the directory {path}")]
    Directory {
        /// The store's directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A later release made the store.
    #[error("{path} has format {found}, and this program knows formats up to {known}: use a newer program")]
    NewerFormat {
        /// The store's directory.
        path: PathBuf,
        /// The format it has.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// What is there is no store of the module, or its first row is gone.
    #[error("{path} is damaged ({what}): restore it from a backup")]
    Damaged {
        /// The store's directory.
        path: PathBuf,
        /// What was found.
        what: &'static str,
    },
    /// The system has no thread for the store.
    #[error("there is no thread that waits for the disk")]
    Thread(#[source] io::Error),
    /// The database was not opened: in use, made with the other engine, damaged, no space.
    #[error(transparent)]
    Database(#[from] durable::Error),
}

/// What the module is told. A value over durable's 64 MiB is one that there is no space for.
pub(crate) fn failed(error: durable::Error) -> StoreError {
    match error {
        durable::Error::Full { .. } | durable::Error::ValueTooLong { .. } => StoreError::Full,
        durable::Error::Damaged { .. } => StoreError::Damaged(error.chain()),
        _ => StoreError::Failed(error.chain()),
    }
}
