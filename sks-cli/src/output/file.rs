//! Files that the commands read and write.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use der::pem::LineEnding;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// Whether a path stands for stdin.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Hands out the content of a file, or stdin, in pieces.
pub(crate) fn read_pieces(path: Option<&Path>, mut piece: impl FnMut(&[u8])) -> Result<(), Failure> {
    let named = path.filter(|path| !is_stdin(path));
    let what = named.map_or_else(|| "reading stdin".to_owned(), |path| format!("reading {}", path.display()));
    let mut input: Box<dyn Read> = match named {
        Some(path) => Box::new(File::open(path).map_err(Failure::doing(what.clone()))?),
        None => Box::new(io::stdin().lock()),
    };
    let mut buffer = vec![0; 65536];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => piece(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::doing(what)(error)),
        }
    }
}

/// A file that is about to be written, opened before the token is asked, so that a bad path costs nothing.
pub(crate) struct Output {
    file: File,
    path: PathBuf,
}

impl Output {
    /// Opens a file for what anyone may see, such as a signature. What is there is replaced.
    pub(crate) fn public(path: &Path) -> Result<Self, Failure> {
        Self::open(path, OpenOptions::new().write(true).create(true).truncate(true))
    }

    /// Makes a file for its owner alone, mode 0600. What is there stays, and the command fails: the rights of an older
    /// file are not known.
    pub(crate) fn secret(path: &Path) -> Result<Self, Failure> {
        Self::open(path, OpenOptions::new().write(true).create_new(true).mode(0o600))
    }

    fn open(path: &Path, options: &OpenOptions) -> Result<Self, Failure> {
        let file = options.open(path).map_err(Failure::doing(format!("creating {}", path.display())))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Writes the whole content, durably.
    pub(crate) fn write(mut self, content: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(content).and_then(|()| match self.file.sync_all() {
            // A pipe or a terminal has nothing to sync.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            other => other,
        });
        written.map_err(Failure::doing(format!("writing {}", self.path.display())))
    }

    /// Removes the file again: there is nothing to put in.
    pub(crate) fn discard(&self) {
        // It may be a device, or gone; what failed before is what is told.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// DER as PEM (RFC 7468), wiped when dropped.
pub(crate) fn pem(label: &'static str, der: &[u8]) -> Result<Zeroizing<String>, Failure> {
    der::pem::encode_string(label, LineEnding::LF, der).map(Zeroizing::new).map_err(Failure::doing("writing PEM"))
}
