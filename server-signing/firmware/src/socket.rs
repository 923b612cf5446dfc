//! The socket's file, and who is at the other end.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;

/// A listening socket. Dropped, its file is removed, if it is still this one.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    file: (u64, u64),
}

impl Socket {
    /// Listens at `path`, for its owner alone. A socket that nobody answers at is taken over; a live one is not, and
    /// what is no socket is never touched.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(metadata) if !metadata.file_type().is_socket() => {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket is there"));
            }
            Ok(_) if UnixStream::connect(path).is_ok() => {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "another firmware listens there"));
            }
            Ok(_) => {}
        }
        // Under another name first, so that it never stands at its path with another mode, and replaces a stale one at
        // once.
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}", std::process::id()));
        let beside = PathBuf::from(beside);
        let _ = fs::remove_file(&beside); // left by a killed process with the same id, or not there
        let listener = UnixListener::bind(&beside)?;
        let placed = fs::set_permissions(&beside, Permissions::from_mode(0o600)).and_then(|()| {
            let metadata = fs::symlink_metadata(&beside)?;
            fs::rename(&beside, path)?;
            Ok((metadata.dev(), metadata.ino()))
        });
        match placed {
            Ok(file) => Ok(Self { listener, path: path.to_owned(), file }),
            Err(error) => {
                // The error that counts is the other one.
                let _ = fs::remove_file(&beside);
                Err(error)
            }
        }
    }

    pub(crate) fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let ours = |metadata: fs::Metadata| (metadata.dev(), metadata.ino()) == self.file;
        if fs::symlink_metadata(&self.path).is_ok_and(ours) {
            // A file that stays is stale, and the next firmware takes it over.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The user at the other end, when the connection was made.
pub(crate) fn peer_uid(stream: &UnixStream) -> io::Result<u32> {
    Ok(getsockopt(stream, PeerCredentials)?.uid())
}

/// The user of this process.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}
