//! Files that are there whole or not at all, directories for their owner alone, and the lock.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::error::OpenError;

/// Makes a directory for its owner alone, with those above it, durably. One that is there stays as it is, but others
/// must not be able to replace what lies in it.
pub(crate) fn make_dir(dir: &Path) -> Result<(), OpenError> {
    let mut missing: Vec<&Path> = Vec::new();
    let mut above = Some(dir);
    while let Some(path) = above.filter(|path| !path.exists()) {
        missing.push(path);
        above = path.parent();
    }
    for path in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(OpenError::io("make the directory", path)(error));
            }
            _ => sync_parent(path)?,
        }
    }
    let metadata = fs::metadata(dir).map_err(OpenError::io("read", dir))?;
    if !metadata.is_dir() {
        return Err(OpenError::io("use", dir)(io::ErrorKind::NotADirectory.into()));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(OpenError::DirectoryPermissions { path: dir.to_owned(), mode: metadata.mode() & 0o7777 });
    }
    Ok(())
}

/// Takes the lock, which lasts as long as the file is open.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(OpenError::io("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(OpenError::io("lock", path)(error)),
    }
}

/// Writes a file under a temporary name, durably, and gives it its own name, which must be free.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let temporary = with_suffix(path, ".tmp");
    write(&temporary, bytes)?;
    rename_new(&temporary, path)
}

/// Writes a file anew, durably. Its name may be left pointing at half of it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    // A leftover could have another mode, or other readers.
    remove(path)?;
    let mut file =
        OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(OpenError::io("make", path))?;
    file.write_all(bytes).map_err(OpenError::io("write", path))?;
    file.sync_all().map_err(OpenError::io("write", path))?;
    sync_parent(path)
}

/// Renames, durably; a file that has the new name stays, and it is an error.
pub(crate) fn rename_new(from: &Path, to: &Path) -> Result<(), OpenError> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
        .map_err(io::Error::from)
        .map_err(OpenError::io("make", to))?;
    sync_parent(to)
}

/// Removes a file or a directory with all in it, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), OpenError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(OpenError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// `path` with a directory before its name.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, OpenError> {
    std::path::absolute(path).map_err(OpenError::io("use", path))
}

fn sync_parent(path: &Path) -> Result<(), OpenError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let synced = File::open(parent).and_then(|dir| dir.sync_all());
    synced.map_err(OpenError::io("write", parent))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
