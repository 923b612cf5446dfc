//! Code integrity: SHA-512 over the binary, compared with a file that was made in advance.
//!
//! Source: the guide's 5.7, "carried out ... by the Linux command sha512sum. The expected checksums are stored in a
//! configuration file". The file has that command's form, so that `sha512sum -c` reads it as well. One binary is both
//! the SAM service and its management, and it is the running file that is read and that is started, not a path.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;

/// The file that this process runs, whatever is at its path by now.
pub(crate) const OWN_BINARY: &str = "/proc/self/exe";

/// Why the code is not known to be intact.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChecksumError {
    /// A file cannot be read or written.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the administrator could have written the checksum.
    #[error("{} can be written by others than its owner, or belongs to another user", .0.display())]
    Exposed(PathBuf),
    /// The checksum file is not one.
    #[error("{} holds no checksum", .0.display())]
    Content(PathBuf),
    /// The binary has changed.
    #[error("the binary is not the one that the checksum was made over")]
    Changed,
}

/// Writes the checksum over the running binary.
///
/// # Errors
/// [`ChecksumError::Io`]; then an older checksum file is as it was.
pub(crate) fn write(file: &Path) -> Result<(), ChecksumError> {
    let sum = sum(Path::new(OWN_BINARY))?;
    let binary = fs::read_link(OWN_BINARY).map_err(failed("find", Path::new(OWN_BINARY)))?;
    let text = format!("{}  {}\n", hex::encode(sum), binary.display());
    let new = file.with_extension("new");
    let write = |path: &Path| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        rustix::fs::fchmod(&file, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write(&new).map_err(failed("write", &new))?;
    fs::rename(&new, file).map_err(failed("replace", file))
}

/// Compares the running binary with the checksum.
///
/// # Errors
/// [`ChecksumError`].
pub(crate) fn check(file: &Path) -> Result<(), ChecksumError> {
    let expected = read(file)?;
    if bool::from(expected.as_slice().ct_eq(&sum(Path::new(OWN_BINARY))?)) {
        Ok(())
    } else {
        Err(ChecksumError::Changed)
    }
}

fn read(path: &Path) -> Result<[u8; 64], ChecksumError> {
    let mut file = File::open(path).map_err(failed("read", path))?;
    let metadata = file.metadata().map_err(failed("look at", path))?;
    let own = rustix::process::geteuid().as_raw();
    if metadata.mode() & 0o022 != 0 || ![own, 0].contains(&metadata.uid()) {
        return Err(ChecksumError::Exposed(path.to_owned()));
    }
    let mut bytes = [0; 128];
    file.read_exact(&mut bytes).map_err(|_| ChecksumError::Content(path.to_owned()))?;
    let mut sum = [0; 64];
    hex::decode_to_slice(bytes, &mut sum).map_err(|_| ChecksumError::Content(path.to_owned()))?;
    Ok(sum)
}

fn sum(path: &Path) -> Result<[u8; 64], ChecksumError> {
    let mut file = File::open(path).map_err(failed("read", path))?;
    let mut digest = Sha512::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(digest.finalize().into()),
            Ok(length) => digest.update(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed("read", path)(error)),
        }
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ChecksumError {
    let path = path.to_owned();
    move |source| ChecksumError::Io { doing, path, source }
}
