//! The store's directory: its lock, its format, its markers, and what is synced when.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use crate::{Engine, Error, engine, log};

/// What a directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No store.
    Nothing,
    /// A creation that was cut short.
    Unfinished(Engine),
    /// A store.
    Ready(Engine),
}

/// Makes the directory if absent, its parents too, durably, for this user only.
pub(crate) fn make_dir(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = parent(dir);
    make_dir(parent)?;
    create_private_dir(dir)?;
    sync_dir(parent)
}

/// The store's lock, held until this is dropped.
pub(crate) struct Lock(File);

impl Lock {
    /// Takes it, or fails at once.
    pub(crate) fn take(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path }),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", &path)(source)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do, but for a child process that is just being started: it shares the
        // descriptor until it executes. If this fails, closing is what is left.
        let _ = self.0.unlock();
    }
}

/// Looks at FORMAT and READY.
pub(crate) fn inspect(dir: &Path) -> Result<Found, Error> {
    let path = dir.join(FORMAT);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return inspect_without_format(dir),
        Err(error) => return Err(Error::io("read", &path)(error)),
    };
    let (_, engine) = parse(dir, &text)?;
    Ok(match dir.join(READY).exists() {
        true => Found::Ready(engine),
        false => Found::Unfinished(engine),
    })
}

/// FORMAT is durable before anything else is made. So if it is missing beside other files, someone
/// took it away, and what those hold is not ours to delete.
fn inspect_without_format(dir: &Path) -> Result<Found, Error> {
    let names = Engine::ALL.into_iter().flat_map(engine::names).copied();
    let mut names = names.chain(log::NAMES).chain([READY]);
    match names.find(|name| dir.join(name).exists()) {
        Some(name) => Err(Error::damaged(dir, format!("{name} is there, and {FORMAT} is missing"))),
        None => Ok(Found::Nothing),
    }
}

/// Records the engine, durably.
pub(crate) fn write_format(dir: &Path, engine: Engine) -> Result<(), Error> {
    let new = dir.join(NEW_FORMAT);
    write_file(&new, format!("{TITLE}{VERSION}\nengine {engine}\n").as_bytes())?;
    fs::rename(&new, dir.join(FORMAT)).map_err(Error::io("rename", &new))?;
    sync_dir(dir)
}

/// Makes sure, durably, that programs which know no redo log leave the store alone.
pub(crate) fn raise_format(dir: &Path) -> Result<(), Error> {
    let path = dir.join(FORMAT);
    let text = fs::read(&path).map_err(Error::io("read", &path))?;
    match parse(dir, &text)? {
        (VERSION, _) => Ok(()),
        (_, engine) => write_format(dir, engine),
    }
}

/// Ends a creation: from here on, answers may leave.
pub(crate) fn write_ready(dir: &Path) -> Result<(), Error> {
    write_file(&dir.join(READY), READY_TEXT)?;
    sync_dir(dir)
}

/// How many batches the store is known to have had at some time.
pub(crate) fn seen(dir: &Path) -> Result<u64, Error> {
    let path = dir.join(SEEN);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Error::io("read", &path)(error)),
    };
    let number = text.strip_prefix(SEEN_TITLE).and_then(|number| number.trim_end().parse().ok());
    number.ok_or_else(|| Error::damaged(&path, "it is not in the form durable writes"))
}

/// Raises [`seen`], once that many are durable.
pub(crate) fn write_seen(dir: &Path, batches: u64) -> Result<(), Error> {
    let new = dir.join(NEW_SEEN);
    write_file(&new, format!("{SEEN_TITLE}{batches}\n").as_bytes())?;
    fs::rename(&new, dir.join(SEEN)).map_err(Error::io("rename", &new))?;
    sync_dir(dir)
}

/// Removes what an unfinished creation left.
pub(crate) fn remove_engine_files(dir: &Path) -> Result<(), Error> {
    for name in Engine::ALL.into_iter().flat_map(engine::names) {
        let path = dir.join(name);
        let removed = match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::io("remove", &path)(error));
            }
            _ => (),
        }
    }
    sync_dir(dir)
}

/// A directory for this user only.
pub(crate) fn create_private_dir(path: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result.map_err(Error::io("create", path)),
    }
}

/// Makes the names in the store's directory durable, and its own name.
pub(crate) fn sync_names(dir: &Path) -> Result<(), Error> {
    sync_dir(dir)?;
    sync_dir(parent(dir))
}

/// Makes a file, or a directory with all that is in it, durable; not its name.
pub(crate) fn sync_if_there(path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => sync_tree(path),
        Ok(_) => sync_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// Makes a directory durable, with all files and directories in it; not its name.
pub(crate) fn sync_tree(dir: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(Error::io("read", dir))? {
        let entry = entry.map_err(Error::io("read", dir))?;
        let kind = entry.file_type().map_err(Error::io("read", &entry.path()))?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            sync_file(&entry.path())?;
        }
    }
    sync_dir(dir)
}

/// Makes a file durable: its data and length, not its name.
pub(crate) fn sync_file(path: &Path) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    file.sync_all().map_err(Error::io("sync", path))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), Error> {
    sync_file(path)
}

/// The directory that holds the name of `path`.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        // A root is its own parent; a single relative name lies in the current directory.
        _ if path.has_root() => path,
        _ => Path::new("."),
    }
}

/// Writes a file and makes it durable; not its name.
pub(crate) fn write_file(path: &Path, text: &[u8]) -> Result<(), Error> {
    let write = || {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
        file.write_all(text)?;
        file.sync_all()
    };
    write().map_err(Error::io("write", path))
}

/// The version and the engine in FORMAT.
fn parse(dir: &Path, text: &[u8]) -> Result<(u32, Engine), Error> {
    let damaged = || Error::damaged(&dir.join(FORMAT), "it is not in the form durable writes");
    let text = std::str::from_utf8(text).map_err(|_| damaged())?;
    let rest = text.strip_prefix(TITLE).ok_or_else(damaged)?;
    let (version, rest) = rest.split_once('\n').ok_or_else(damaged)?;
    let version: u32 = version.parse().map_err(|_| damaged())?;
    if version > VERSION {
        return Err(Error::NewerFormat { path: dir.to_owned(), found: version, known: VERSION });
    }
    let name = rest.strip_prefix("engine ").and_then(|rest| rest.strip_suffix('\n'));
    match (version, name.map(str::parse)) {
        (WITHOUT_LOG | VERSION, Some(Ok(engine))) => Ok((version, engine)),
        _ => Err(damaged()),
    }
}

const LOCK: &str = "LOCK";
const FORMAT: &str = "FORMAT";
const NEW_FORMAT: &str = "FORMAT.new";
const READY: &str = "READY";
const SEEN: &str = "SEEN";
const NEW_SEEN: &str = "SEEN.new";

const TITLE: &str = "durable store, format ";
/// The format of stores that never had a redo log; else it is the same.
const WITHOUT_LOG: u32 = 1;
const VERSION: u32 = 2;
const SEEN_TITLE: &str = "batches ";
const READY_TEXT: &[u8] = b"The store beside this file is complete. Do not remove this file.\n";
