//! Why a call has no result.

use std::io;
use std::path::{Path, PathBuf};

use sks_wire::frame::FrameError;
use sks_wire::{DecodeError, Refused};

/// Why a call has no result.
///
/// After [`Error::Refused`], [`Error::Argument`] and [`Error::Protocol`] the connection goes on; after the others it is
/// of no further use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The token answered, and its answer is no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There is no token: the socket is missing, or nobody listens on it.
    #[error("no token listens on {}", path.display())]
    Absent {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The stream failed, ended or timed out. Whether the token acted on the call is not known.
    #[error("the connection to the token failed")]
    Connection(#[source] io::Error),
    /// An argument is longer than its length field can tell. Nothing was sent.
    #[error("an argument is too long to be sent")]
    Argument(#[source] DecodeError),
    /// The token's bytes are no answer to the call.
    #[error("the token's answer cannot be read")]
    Protocol(#[from] DecodeError),
    /// The token announced an answer over the limit.
    #[error("the token announced an answer of {length} bytes, over the limit of {max}")]
    TooLong {
        /// What it announced, in bytes.
        length: u32,
        /// [`crate::Client::set_max_response`], in bytes.
        max: u32,
    },
}

impl Error {
    /// What connecting to `path` failed with.
    pub(crate) fn connecting(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                Self::Absent { path: path.to_owned(), source }
            }
            _ => Self::Connection(source),
        }
    }

    /// The token's own answer, if this is one.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }
}

impl From<FrameError> for Error {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::TooLong { length, max } => Self::TooLong { length, max },
            FrameError::Io(source) => Self::Connection(source),
        }
    }
}
