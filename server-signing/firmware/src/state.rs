//! The state file: what the firmware keeps besides the master backup key, sealed under it.
//!
//! ```text
//! file  ::= "TW4SFW" 00 01 | nonce (24 bytes) | XChaCha20-Poly1305(state), the first 8 bytes authenticated with it
//! State ::= SEQUENCE { version INTEGER (1), samId UTF8String, moduleKeyId UTF8String, dualControl BOOLEAN,
//!                      generation INTEGER, administrators SEQUENCE OF Administrator,
//!                      idpCertificates SEQUENCE OF OCTET STRING, anchors [0] IMPLICIT SEQUENCE OF Anchor OPTIONAL,
//!                      forgotten [1] IMPLICIT SEQUENCE OF Forgotten OPTIONAL }
//! ```
//! It holds no key. The generation rises with each change, so that whoever keeps the last one elsewhere sees that an
//! older file was put back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use der::Sequence;
use tw4s_formats::limit::MAX_CERTIFICATE_LEN;
use tw4s_formats::{Format, List, Octets, Text, V1};
use zeroize::Zeroizing;

use crate::administrator::{Administrator, MAX_ADMINISTRATORS};
use crate::anchor::{Anchors, MAX_SAMS};
use crate::error::StateError;
use crate::forgotten::{Forgotten, ForgottenAnchors, MAX_FORGOTTEN};
use crate::idp::MAX_IDPS;
use crate::master::MasterKey;

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(crate) struct State {
    pub(crate) version: V1,
    pub(crate) sam_id: Text,
    pub(crate) module_key_id: Text,
    pub(crate) dual_control: bool,
    pub(crate) generation: u64,
    pub(crate) administrators: List<Administrator, 1, MAX_ADMINISTRATORS>,
    /// Empty until the first `setidpkeys`.
    pub(crate) idp_certificates: List<Octets<1, MAX_CERTIFICATE_LEN>, 0, MAX_IDPS>,
    /// Absent until the first checkpoint.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) anchors: Option<Anchors>,
    /// Absent while all is recorded.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) forgotten: Option<List<Forgotten, 0, MAX_FORGOTTEN>>,
}

impl Format for State {
    /// All administrators, certificates and anchors, and room.
    const MAX_LEN: usize = MAX_IDPS * MAX_CERTIFICATE_LEN + MAX_SAMS * 96 + ForgottenAnchors::MAX_LEN + 16 * 1024;
}

/// Where it is and how it is sealed.
pub(crate) struct StateFile {
    path: PathBuf,
    seal: Zeroizing<[u8; 32]>,
}

impl StateFile {
    pub(crate) fn new(path: &Path, master: &MasterKey) -> Result<Self, StateError> {
        Ok(Self { path: path.to_owned(), seal: master.derive("state file seal")? })
    }

    /// Writes the first state.
    ///
    /// # Errors
    /// [`StateError::Initialised`], [`StateError::Io`], [`StateError::Failed`].
    pub(crate) fn create(&self, state: &State) -> Result<(), StateError> {
        let sealed = self.seal(state)?;
        // Linking, unlike renaming, does not replace what is there, whatever it is and whenever it came.
        self.write_beside(&sealed, |from, to| {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        })
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => StateError::Initialised(self.path.clone()),
            _ => StateError::io("write", &self.path)(error),
        })
    }

    /// Replaces the state, durably, or leaves it as it was.
    ///
    /// # Errors
    /// [`StateError::Io`], [`StateError::Failed`].
    pub(crate) fn replace(&self, state: &State) -> Result<(), StateError> {
        let sealed = self.seal(state)?;
        self.write_beside(&sealed, |from, to| fs::rename(from, to)).map_err(StateError::io("write", &self.path))
    }

    /// Reads the state.
    ///
    /// # Errors
    /// [`StateError`].
    pub(crate) fn read(&self) -> Result<State, StateError> {
        let file = File::open(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StateError::NotInitialised(self.path.clone()),
            _ => StateError::io("open", &self.path)(error),
        })?;
        let mut sealed = Vec::new();
        let limit = State::MAX_LEN + HEADER_LEN + TAG_LEN;
        file.take(limit as u64 + 1).read_to_end(&mut sealed).map_err(StateError::io("read", &self.path))?;
        self.open(&sealed).ok_or(StateError::WrongMasterKey)
    }

    fn seal(&self, state: &State) -> Result<Vec<u8>, StateError> {
        let failed = || StateError::Failed("sealing the state");
        let clear = state.to_bytes().map_err(|_| failed())?;
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| StateError::Failed("the source of random numbers"))?;
        let payload = Payload { msg: &clear, aad: MAGIC };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| failed())?;
        Ok([&MAGIC[..], &nonce, &sealed].concat())
    }

    fn open(&self, sealed: &[u8]) -> Option<State> {
        let (nonce, sealed) = sealed.strip_prefix(MAGIC)?.split_first_chunk::<NONCE_LEN>()?;
        let payload = Payload { msg: sealed, aad: MAGIC };
        let clear = self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()?;
        State::parse(&clear).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.seal).into())
    }

    /// Writes and syncs a file beside the path, moves it there with `place`, and syncs the directory.
    fn write_beside(&self, bytes: &[u8], place: impl FnOnce(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(format!(".new.{}", std::process::id()));
        let beside = PathBuf::from(beside);
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            place(&beside, &self.path)
        })();
        if written.is_err() {
            // It may not be there at all.
            let _ = fs::remove_file(&beside);
        }
        written?;
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()
    }
}

/// What the file is, and its version.
const MAGIC: &[u8; 8] = b"TW4SFW\0\x01";
/// Bytes of an XChaCha20-Poly1305 nonce: long enough to be drawn.
const NONCE_LEN: usize = 24;
const HEADER_LEN: usize = MAGIC.len() + NONCE_LEN;
/// Bytes of the Poly1305 tag.
const TAG_LEN: usize = 16;
