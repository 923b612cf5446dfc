//! Opens sled's files after anything that may have happened to them.
//!
//! When sled opens, it writes a snapshot of where its pages lie, renames it into place, removes the
//! one before, and then wipes every segment of the log that the new snapshot does not need. All of
//! that in one call, and with no fsync of the directory. So a cut in it can keep the wiping and lose
//! the snapshot; and a log with wiped segments and no snapshot that knows of it reads as empty.
//! Therefore an open is two opens here: the first is made to fail between the snapshot and the
//! wiping, then the snapshot is made durable, then the second open wipes. And there are always two
//! copies of the snapshot, for sled has removed the one before by then, and an fsync of the
//! directory may have brought that and not the rename.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::Path,
};

use super::{LOG, open_once};
use crate::{Error, layout};

/// Opens the files of a store that was ready once. All that sled did to them is durable on return.
pub(super) fn recover(path: &Path, cache_bytes: u64) -> Result<sled::Db, Error> {
    check_log(path)?;
    check_blobs(path)?;
    // A cut while sled writes a snapshot leaves `snap.<lsn>.generating`. sled then takes it for
    // the newest snapshot, and every later open fails.
    remove_all(path, |name| name.starts_with(SNAPSHOT) && name.ends_with(UNFINISHED) || name.starts_with(ASIDE))?;
    if newest(path, SNAPSHOT)?.is_none() {
        restore_snapshot(path)?;
    }
    keep_snapshot(path)?;
    match write_snapshot(path, cache_bytes) {
        Err(error @ Error::Damaged { .. }) => with_second_copy(path, cache_bytes, error)?,
        result => result?,
    }
    layout::sync_tree(path)?;
    keep_snapshot(path)?;
    let db = open_once(path, cache_bytes)?;
    // Durable before the first answer, or a cut would take back what that answer showed. Not only
    // the log: sled never syncs `conf`, and a torn one bars every later open.
    layout::sync_tree(path)?;
    Ok(db)
}

/// The first open: recovers the log, writes a snapshot of it, and fails.
///
/// It fails where sled looks for left-over blobs, which is after the snapshot and before the
/// wiping: `blobs`, which it only asks to exist, is a file then, and not a directory.
fn write_snapshot(path: &Path, cache_bytes: u64) -> Result<(), Error> {
    let blobs = path.join(BLOBS);
    remove_blobs(&blobs)?;
    File::create(&blobs).map_err(Error::io("create", &blobs))?;
    let result = open_once(path, cache_bytes);
    remove_blobs(&blobs)?;
    layout::create_private_dir(&blobs)?;
    match result {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotADirectory => Ok(()),
        // Nothing to make a snapshot of, so nothing was wiped.
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Tries again with the second copy of the snapshot, if it is another than the first.
///
/// To try without any is no remedy: sled then takes the log for torn at the first segment that was
/// ever wiped, and wipes the rest.
fn with_second_copy(path: &Path, cache_bytes: u64, error: Error) -> Result<(), Error> {
    let Some(name) = newest(path, SNAPSHOT)? else { return Err(error) };
    let (first, second) = (path.join(&name), path.join(format!("{KEPT}{name}")));
    let read = |file: &Path| fs::read(file).map_err(Error::io("read", file));
    if !second.exists() || read(&first)? == read(&second)? {
        return Err(error);
    }
    let aside = path.join(format!("{ASIDE}{name}"));
    fs::rename(&first, &aside).map_err(Error::io("rename", &first))?;
    restore_snapshot(path)?;
    match write_snapshot(path, cache_bytes) {
        Ok(()) => remove_all(path, |name| name.starts_with(ASIDE)),
        Err(_) => {
            // It was not the snapshot: put it back, so that the files are as they were.
            fs::rename(&aside, &first).map_err(Error::io("rename", &aside))?;
            Err(error)
        }
    }
}

/// Makes the second copy of the snapshot, durably, and removes those of older ones.
fn keep_snapshot(path: &Path) -> Result<(), Error> {
    let Some(name) = newest(path, SNAPSHOT)? else { return Ok(()) };
    let kept = format!("{KEPT}{name}");
    if !path.join(&kept).exists() {
        copy(path, &name, &kept)?;
    }
    remove_all(path, |name| name.starts_with(KEPT) && name != kept)
}

/// Puts the second copy in the place of the first, which is not there.
fn restore_snapshot(path: &Path) -> Result<(), Error> {
    match newest(path, KEPT)? {
        Some(kept) => copy(path, &kept, kept.trim_start_matches(KEPT)),
        None => Ok(()),
    }
}

/// Copies a file so that a cut leaves no part of the copy.
fn copy(path: &Path, from: &str, to: &str) -> Result<(), Error> {
    let (from, new) = (path.join(from), path.join(format!("{ASIDE}new")));
    let bytes = fs::read(&from).map_err(Error::io("read", &from))?;
    layout::write_file(&new, &bytes)?;
    fs::rename(&new, path.join(to)).map_err(Error::io("rename", &new))?;
    layout::sync_dir(path)
}

/// sled takes a missing or empty log for a new store. This one is not new.
fn check_log(path: &Path) -> Result<(), Error> {
    let log = path.join(LOG);
    match fs::metadata(&log) {
        Ok(metadata) if metadata.len() > 0 => Ok(()),
        Ok(_) => Err(Error::damaged(&log, "the log is empty")),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::damaged(&log, "the log is missing")),
        Err(error) => Err(Error::io("read", &log)(error)),
    }
}

/// A blob file is never synced by sled, and no sync of ours can order it before the log. With our
/// segment size and record length none is ever made, so one that is there was not made by us.
fn check_blobs(path: &Path) -> Result<(), Error> {
    let blobs = path.join(BLOBS);
    match blobs.is_dir() && !names(&blobs, |_| true)?.is_empty() {
        true => Err(Error::damaged(&blobs, "it should be empty")),
        false => Ok(()),
    }
}

/// Removes `blobs`, an empty directory, or a file if a cut left it so.
fn remove_blobs(blobs: &Path) -> Result<(), Error> {
    let removed = match blobs.is_dir() {
        true => fs::remove_dir(blobs),
        false => fs::remove_file(blobs),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", blobs)(error)),
        _ => Ok(()),
    }
}

/// The name with the highest log position of those that begin so.
fn newest(path: &Path, start: &str) -> Result<Option<String>, Error> {
    Ok(names(path, |name| name.starts_with(start))?.into_iter().max())
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

const BLOBS: &str = "blobs";
const SNAPSHOT: &str = "snap.";
const UNFINISHED: &str = ".generating";
const KEPT: &str = "kept.";
const ASIDE: &str = "aside.";
