//! Reading a secret: from a file, from stdin, at the terminal. Never from the command line, and no copy is left behind.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Bytes of the longest secret.
pub const MAX: usize = 1024;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file, or stdin, cannot be read.
    #[error("reading {}", place.display())]
    Read {
        /// Its path.
        place: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("{} is open to others than its owner: chmod 600", .0.display())]
    Exposed(PathBuf),
    /// There is nothing in it.
    #[error("reading {}: it is empty", .0.display())]
    Empty(PathBuf),
    /// It is longer than [`MAX`].
    #[error("reading {}: it has over {MAX} bytes", .0.display())]
    TooLong(PathBuf),
    /// Nobody can be asked.
    #[error("there is no terminal to ask at")]
    NoTerminal,
    /// The answer was empty.
    #[error("nothing was entered")]
    NothingEntered,
}

impl Error {
    /// Whether the caller gave something that cannot be a secret, and the system did what it could.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Read { .. } | Self::Exposed(_))
    }
}

/// Opens a file with a secret in it, which is for its owner alone.
///
/// # Errors
/// [`Error::Read`], [`Error::Exposed`].
pub fn open(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::Read { place: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    match file.metadata().map_err(failed)?.mode() & 0o077 {
        0 => Ok(file),
        _ => Err(Error::Exposed(path.to_owned())),
    }
}

/// The content of a file that is for its owner alone; one newline at its end is dropped.
///
/// # Errors
/// Those of [`open`], [`Error::Empty`], [`Error::TooLong`].
pub fn from_private_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    read(path, Ok(open(path)?))
}

/// As [`from_private_file`], whatever the file's mode: service managers hand secrets over in files that a group reads.
///
/// # Errors
/// [`Error::Read`], [`Error::Empty`], [`Error::TooLong`].
pub fn from_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    read(path, File::open(path))
}

/// All of stdin, as [`from_file`].
///
/// # Errors
/// As [`from_file`].
pub fn from_stdin() -> Result<Zeroizing<Vec<u8>>, Error> {
    // Past the standard library's buffer, which nobody wipes.
    read(Path::new("stdin"), io::stdin().as_fd().try_clone_to_owned().map(File::from))
}

/// The answer to a prompt at the terminal, which does not show it.
///
/// # Errors
/// [`Error::NoTerminal`], [`Error::NothingEntered`].
pub fn ask(prompt: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let answer = rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|_| Error::NoTerminal)?;
    match answer.is_empty() {
        true => Err(Error::NothingEntered),
        false => Ok(Zeroizing::new(answer.as_bytes().to_vec())),
    }
}

fn read(place: &Path, file: io::Result<File>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let bytes = file.and_then(bounded).map_err(|source| Error::Read { place: place.to_owned(), source });
    let mut bytes = bytes?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    match bytes.len() {
        0 => Err(Error::Empty(place.to_owned())),
        length if length > MAX => Err(Error::TooLong(place.to_owned())),
        _ => Ok(bytes),
    }
}

/// The whole content, or a little more than [`MAX`] bytes of it. The buffer never grows, so that it leaves no copy.
fn bounded(mut file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut buffer = Zeroizing::new(vec![0; MAX + 2]);
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn of(content: &[u8]) -> Result<Vec<u8>, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        from_file(file.path()).map(|secret| secret.to_vec())
    }

    #[test]
    fn one_newline_at_the_end_is_dropped() {
        assert_eq!(of(b"1234\n").unwrap(), b"1234");
        assert_eq!(of(b"1234\n\n").unwrap(), b"1234\n");
        assert_eq!(of(b" 12 34").unwrap(), b" 12 34");
    }

    #[test]
    fn lengths_are_held_to_their_bounds() {
        assert!(matches!(of(b""), Err(Error::Empty(_))) && matches!(of(b"\n"), Err(Error::Empty(_))));
        assert_eq!(of(&[b'x'; MAX]).unwrap().len(), MAX);
        assert_eq!(of(&[&[b'x'; MAX][..], b"\n"].concat()).unwrap().len(), MAX);
        assert!(matches!(of(&[b'x'; MAX + 1]), Err(Error::TooLong(_))));
        assert!(matches!(of(&[b'x'; 3 * MAX]), Err(Error::TooLong(_))));
    }

    #[test]
    fn a_file_for_others_than_its_owner_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "1234").unwrap();
        let with = |mode| {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            from_private_file(file.path()).map(|secret| secret.to_vec())
        };
        for mode in [0o640, 0o620, 0o610, 0o604, 0o602, 0o601] {
            let error = with(mode).unwrap_err();
            assert!(matches!(&error, Error::Exposed(path) if path == file.path()) && !error.is_usage(), "{mode:o}");
        }
        for mode in [0o600, 0o700, 0o400] {
            assert_eq!(with(mode).unwrap(), b"1234", "{mode:o}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_no_wrong_use() {
        let error = from_file(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(!error.is_usage() && error.to_string() == "reading /nowhere/at/all");
    }
}
