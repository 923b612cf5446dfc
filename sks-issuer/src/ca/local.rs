//! CAs in files.
//!
//! A file appears under its name whole or not at all: it is written beside it, synced, and then linked or renamed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Ca, CaError, Subject};
use crate::random;

/// The CA of an emulated local issuer: a directory that only its owner enters.
///
/// `ca-key.pem` holds the key and the certificate, so that the two appear together; `ca.pem` is a copy of the
/// certificate for those who are to trust it.
#[derive(Debug)]
pub struct LocalCa {
    ca: Ca,
    directory: PathBuf,
    file: Option<FileState>,
}

/// Device, inode, size, and the time of the last change, in seconds and nanoseconds.
type FileState = (u64, u64, u64, i64, i64);

/// How long a local CA is valid, in years.
const YEARS: u16 = 20;
/// The key and the certificate.
const KEY_FILE: &str = "ca-key.pem";
/// The certificate's copy.
const CERTIFICATE_FILE: &str = "ca.pem";
/// What a certificate in PEM begins with.
const CERTIFICATE_BEGINS: &str = "-----BEGIN CERTIFICATE-----";

impl LocalCa {
    /// Opens the CA in `directory`, and makes it if there is none. Of several processes that make it at once, one
    /// wins and all take its CA.
    ///
    /// # Errors
    /// [`CaError::File`], [`CaError::Exposed`], and what is wrong with the file's content.
    pub fn open_or_create(directory: &Path) -> Result<Self, CaError> {
        let file = directory.join(KEY_FILE);
        // Before it is read: what changes it meanwhile is seen later.
        let state = state(&file);
        let ca = match open(&file) {
            Err(CaError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                create(directory, &file)?;
                open(&file)?
            }
            other => other?,
        };
        let copy = directory.join(CERTIFICATE_FILE);
        let pem = ca.certificate_pem()?;
        if fs::read(&copy).ok().as_deref() != Some(pem.as_bytes()) {
            write(&copy, pem.as_bytes(), 0o644, Publish::Replace)?;
        }
        Ok(Self { ca, directory: directory.to_owned(), file: state })
    }

    /// Whether the file is still the one that was opened.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.file.is_some() && self.file == state(&self.directory.join(KEY_FILE))
    }

    /// The certificate as a PEM file, for those who are to trust it.
    #[must_use]
    pub fn certificate_file(&self) -> PathBuf {
        self.directory.join(CERTIFICATE_FILE)
    }
}

fn state(file: &Path) -> Option<FileState> {
    let found = fs::metadata(file).ok()?;
    Some((found.dev(), found.ino(), found.size(), found.ctime(), found.ctime_nsec()))
}

impl Deref for LocalCa {
    type Target = Ca;

    fn deref(&self) -> &Ca {
        &self.ca
    }
}

impl Ca {
    /// Loads a CA from two PEM files.
    ///
    /// # Errors
    /// [`CaError::File`], [`CaError::Exposed`], and those of [`Ca::from_pem`].
    pub fn load(key: &Path, certificate: &Path) -> Result<Self, CaError> {
        let key = read_secret(key)?;
        let certificate = fs::read_to_string(certificate).map_err(|e| failed(certificate, e))?;
        Self::from_pem(&key, &certificate)
    }

    /// Saves the CA as two PEM files, the key's only for its owner. What is there is replaced.
    ///
    /// # Errors
    /// [`CaError::File`].
    pub fn save(&self, key: &Path, certificate: &Path) -> Result<(), CaError> {
        write(key, self.key_pem()?.as_bytes(), 0o600, Publish::Replace)?;
        write(certificate, self.certificate_pem()?.as_bytes(), 0o644, Publish::Replace)
    }
}

fn open(file: &Path) -> Result<Ca, CaError> {
    let text = read_secret(file)?;
    let at = text.find(CERTIFICATE_BEGINS).ok_or(CaError::Key)?;
    let (key, certificate) = text.split_at(at);
    Ca::from_pem(key, certificate)
}

fn create(directory: &Path, file: &Path) -> Result<(), CaError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|e| failed(directory, e))?;
    // Part of the name is random: where several local CAs are trusted, none hides another.
    let [a, b] = random::array::<2>()?;
    let ca = Ca::create(&Subject::common_name(&format!("SKS local CA {a:02x}{b:02x}"))?, YEARS)?;
    let mut text = ca.key_pem()?;
    let certificate = ca.certificate_pem()?;
    // Room first, so that no copy of the key is left where the string was.
    let mut whole = Zeroizing::new(String::with_capacity(text.len() + certificate.len()));
    whole.push_str(&text);
    whole.push_str(&certificate);
    zeroize::Zeroize::zeroize(&mut *text);
    write(file, whole.as_bytes(), 0o600, Publish::New)
}

/// How a written file gets its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Publish {
    /// It replaces what is there.
    Replace,
    /// What is there stays.
    New,
}

fn write(path: &Path, content: &[u8], mode: u32, publish: Publish) -> Result<(), CaError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(random::name(".")?);
    let beside = PathBuf::from(beside);
    let result = write_beside(path, &beside, content, mode, publish);
    if result.is_err() || publish == Publish::New {
        // After a link, it is the second name; after a failure, a fragment. A rename leaves none.
        let _ = fs::remove_file(&beside);
    }
    result.map_err(|e| failed(path, e))
}

fn write_beside(path: &Path, beside: &Path, content: &[u8], mode: u32, publish: Publish) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    match publish {
        Publish::Replace => fs::rename(beside, path)?,
        Publish::New => match fs::hard_link(beside, path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        },
    }
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

/// A file that its owner alone may read or write.
fn read_secret(path: &Path) -> Result<Zeroizing<String>, CaError> {
    let mut file = File::open(path).map_err(|e| failed(path, e))?;
    let mode = file.metadata().map_err(|e| failed(path, e))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(CaError::Exposed(path.to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(|e| failed(path, e))?;
    Ok(text)
}

fn failed(path: &Path, source: io::Error) -> CaError {
    CaError::File { path: path.to_owned(), source }
}
