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

/// A file that is about to be written, opened before the token is asked, so that a bad path costs nothing. What is in
/// it stays until there is something to write.
pub(crate) struct Output {
    file: File,
    path: PathBuf,
    /// Whether it was made here.
    made: bool,
}

impl Output {
    /// Opens a file for what anyone may see, such as a signature.
    pub(crate) fn public(path: &Path) -> Result<Self, Failure> {
        let opened = match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(file) => Ok((file, true)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                OpenOptions::new().write(true).open(path).map(|file| (file, false))
            }
            Err(error) => Err(error),
        };
        let (file, made) = opened.map_err(Failure::doing(format!("opening {}", path.display())))?;
        Ok(Self { file, path: path.to_owned(), made })
    }

    /// Makes a file for its owner alone, mode 0600. What is there stays, and the command fails: the rights of an older
    /// file are not known.
    pub(crate) fn secret(path: &Path) -> Result<Self, Failure> {
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = opened.map_err(Failure::doing(format!("creating {}", path.display())))?;
        Ok(Self { file, path: path.to_owned(), made: true })
    }

    /// Replaces the whole content, durably.
    pub(crate) fn write(mut self, content: &[u8]) -> Result<(), Failure> {
        self.replace(content).map_err(Failure::doing(format!("writing {}", self.path.display())))
    }

    fn replace(&mut self, content: &[u8]) -> io::Result<()> {
        // A pipe or a device has no length, and nothing to sync.
        let is_file = self.file.metadata()?.is_file();
        if is_file {
            self.file.set_len(0)?;
        }
        self.file.write_all(content)?;
        if is_file { self.file.sync_all() } else { Ok(()) }
    }

    /// Removes a file that was made here: there is nothing to put in.
    pub(crate) fn discard(&self) {
        if self.made {
            // What failed before is what is told.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// DER as PEM (RFC 7468), wiped when dropped.
pub(crate) fn pem(label: &'static str, der: &[u8]) -> Result<Zeroizing<String>, Failure> {
    der::pem::encode_string(label, LineEnding::LF, der).map(Zeroizing::new).map_err(Failure::doing("writing PEM"))
}
