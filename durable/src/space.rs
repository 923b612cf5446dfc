//! Keeps the engines clear of a full disk: a write that fails inside one breaks the store.

use std::path::Path;

use crate::{Error, log, write_set::WriteSet};

/// Refuses a transaction that the disk may not hold. `outstanding` is what others were promised
/// and may not have written yet.
pub(crate) fn check(dir: &Path, reserve: u64, outstanding: u64, writes: &WriteSet) -> Result<(), Error> {
    let bytes = writes.bytes().saturating_add(outstanding);
    // The log is written once, and grows in steps; most often it has grown before.
    let log = writes.bytes().saturating_add(log::MAX_STEP);
    let needed = match writes.only_removes() {
        true => bytes.saturating_add(log),
        false => bytes.saturating_mul(REWRITES).saturating_add(log).saturating_add(reserve),
    };
    let stat = rustix::fs::statvfs(dir).map_err(|error| Error::io("ask for the free space of", dir)(error.into()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    match free < needed {
        true => Err(Error::Full { path: dir.to_owned(), free, needed }),
        false => Ok(()),
    }
}

/// How often a byte is written, about: sled writes a page anew after ten changes to it, redb the
/// path from the root.
const REWRITES: u64 = 3;
