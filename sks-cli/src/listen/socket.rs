//! The listening socket: made here, or handed over by systemd.
//!
//! A socket that nobody answers at is left over from a daemon that was killed, and is taken over. A live one is not,
//! and what is no socket is never touched. Of two daemons that start at the same path at once, one waits: the check
//! and the taking over happen under a lock on the directory, which leaves no lock file behind.

use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use listenfd::ListenFd;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

/// How long another daemon may take to bind its socket.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// Somebody answers there.
    #[error("{} is in use: a daemon listens there already", .0.display())]
    Live(PathBuf),
    /// Something else is there.
    #[error("{} is there and is not a socket: remove it, or name another place with --socket", .0.display())]
    NoSocket(PathBuf),
    /// The directory stays locked.
    #[error("{} is locked by another daemon that starts there", .0.display())]
    Locked(PathBuf),
    /// systemd passed something, but nothing to listen on.
    #[error("none of the sockets that systemd passed is a Unix stream socket")]
    Unfit,
    /// The system failed.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A listening socket. Dropped, it is closed, and its file removed if it was made here and is still the one.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    /// Absent when systemd owns the socket.
    file: Option<(PathBuf, FileId)>,
}

impl Socket {
    /// The first Unix stream socket that systemd handed over (`LISTEN_FDS`), if it handed over any. It takes the
    /// variables out of the environment, so it is called while there is one thread.
    ///
    /// # Errors
    /// [`SocketError::Unfit`].
    pub(crate) fn inherited() -> Result<Option<Self>, SocketError> {
        let mut passed = ListenFd::from_env();
        if passed.len() == 0 {
            return Ok(None);
        }
        let listener = (0..passed.len()).find_map(|index| passed.take_unix_listener(index).ok().flatten());
        Ok(Some(Self { listener: listener.ok_or(SocketError::Unfit)?, file: None }))
    }

    /// Listens at `path`, whose mode becomes `mode`. A directory that is not there is made for the owner alone.
    ///
    /// # Errors
    /// [`SocketError`]; then whatever is at `path` was left alone.
    pub(crate) fn bind(path: &Path, mode: u32) -> Result<Self, SocketError> {
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io_error("make", dir))?;
        let _lock = lock(dir)?;
        if let Some(metadata) = existing(path)? {
            if !metadata.file_type().is_socket() {
                return Err(SocketError::NoSocket(path.to_owned()));
            }
            if is_live(path).map_err(io_error("connect to", path))? {
                return Err(SocketError::Live(path.to_owned()));
            }
            fs::remove_file(path).map_err(io_error("take over", path))?;
        }
        // The process's umask keeps others out until the mode is set.
        let listener = UnixListener::bind(path).map_err(io_error("listen on", path))?;
        let file = existing(path)?.map(|metadata| (path.to_owned(), FileId::of(&metadata)));
        let socket = Self { listener, file };
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io_error("set the mode of", path))?;
        Ok(socket)
    }

    /// The socket to accept from.
    pub(crate) fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for Socket {
    /// Before the listener is closed: as long as it is open, no other daemon takes the path over.
    fn drop(&mut self) {
        if let Some((path, id)) = &self.file
            && existing(path).ok().flatten().is_some_and(|metadata| FileId::of(&metadata) == *id)
        {
            // A file that stays is stale, and the next daemon takes it over.
            let _ = fs::remove_file(path);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SocketError {
    let path = path.to_owned();
    move |source| SocketError::Io { doing, path, source }
}

/// What is at `path`, a symbolic link as itself.
fn existing(path: &Path) -> Result<Option<Metadata>, SocketError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("look at", path)(error)),
    }
}

/// Locks the directory, as long as the file lives.
fn lock(dir: &Path) -> Result<File, SocketError> {
    let file = File::open(dir).map_err(io_error("open", dir))?;
    let start = Instant::now();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) if start.elapsed() < LOCK_WAIT => thread::sleep(Duration::from_millis(20)),
            Err(Errno::WOULDBLOCK) => return Err(SocketError::Locked(dir.to_owned())),
            Err(error) => return Err(io_error("lock", dir)(error.into())),
        }
    }
}

/// Whether somebody listens. Without waiting: a daemon that hangs has a full queue, and is live.
fn is_live(path: &Path) -> io::Result<bool> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let probe = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match connect(&probe, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN) => Ok(true),
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_is_no_longer_ours_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sks.sock");
        let socket = Socket::bind(&path, 0o600).unwrap();
        fs::rename(&path, dir.path().join("away")).unwrap();
        let other = UnixListener::bind(&path).unwrap();
        drop(socket);
        assert!(path.exists());
        drop(other);
    }

    #[test]
    fn a_symbolic_link_is_no_socket() {
        let dir = tempfile::tempdir().unwrap();
        let socket = Socket::bind(&dir.path().join("real"), 0o600).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("real", &link).unwrap();
        assert!(matches!(Socket::bind(&link, 0o600), Err(SocketError::NoSocket(_))));
        drop(socket);
        assert!(fs::symlink_metadata(&link).is_ok());
    }

    #[test]
    fn two_that_start_at_once_do_not_both_listen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sks.sock");
        drop(UnixListener::bind(&path).unwrap()); // stale
        let bound: Vec<_> = thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| Socket::bind(&path, 0o600))).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert_eq!(bound.iter().filter(|socket| socket.is_ok()).count(), 1);
        assert!(bound.iter().flatten().count() == 1 && is_live(&path).unwrap());
    }
}
