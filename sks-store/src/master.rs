//! The master key: 32 bytes from a file that is made at the first start, or from a passphrase.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use sks_wire::Secret;
use zeroize::Zeroizing;

use crate::error::OpenError;
use crate::files;

/// Where the master key comes from. A store stays with the kind that it was made with.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A file of 32 bytes that only its owner can read. It is made together with the store if it is not there; see
    /// [`SealedStore::default_key_file`](crate::SealedStore::default_key_file).
    File(PathBuf),
    /// A passphrase, at least one byte.
    Passphrase(Secret),
}

/// What a guess at a passphrase costs: argon2id (RFC 9106), one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for PassphraseCost {
    /// 64 MiB, 3 passes: RFC 9106's second recommended choice, with one lane instead of four, since the daemon
    /// derives the key on one core.
    fn default() -> Self {
        Self { memory_kib: 64 << 10, passes: 3 }
    }
}

impl PassphraseCost {
    /// Whether a store may ask for this much: at most 1 GiB and 64 passes, so that a forged header cannot hang the
    /// daemon.
    pub(crate) fn is_bearable(self) -> bool {
        (8..=1 << 20).contains(&self.memory_kib) && (1..=64).contains(&self.passes)
    }
}

/// The key that all of a store's keys come from.
pub(crate) struct MasterKey(Zeroizing<[u8; LEN]>);

const LEN: usize = 32;

impl MasterKey {
    pub(crate) fn expose(&self) -> &[u8; LEN] {
        &self.0
    }

    /// argon2id v1.3 of the passphrase with the store's salt.
    pub(crate) fn derive(passphrase: &Secret, salt: &[u8], cost: PassphraseCost) -> Result<Self, OpenError> {
        if passphrase.is_empty() {
            return Err(OpenError::EmptyPassphrase);
        }
        if !cost.is_bearable() {
            return Err(OpenError::Cost { cost, why: "at most 1 GiB and 64 passes".to_owned() });
        }
        let mut key = Self(Zeroizing::new([0; LEN]));
        let params = Params::new(cost.memory_kib, cost.passes, 1, Some(LEN));
        params
            .and_then(|params| {
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                argon2.hash_password_into(passphrase.expose(), salt, &mut *key.0)
            })
            .map_err(|error| OpenError::Cost { cost, why: error.to_string() })?;
        Ok(key)
    }

    /// Reads a key file.
    pub(crate) fn read(path: &Path) -> Result<Self, OpenError> {
        let io = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => OpenError::MissingKey { path: path.to_owned() },
            _ => OpenError::io("read", path)(error),
        };
        let mut file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if metadata.mode() & 0o077 != 0 {
            return Err(OpenError::KeyFilePermissions { path: path.to_owned(), mode: metadata.mode() & 0o7777 });
        }
        if !metadata.is_file() || metadata.len() != LEN as u64 {
            return Err(OpenError::KeyFileLength { path: path.to_owned(), len: metadata.len() });
        }
        let mut key = Self(Zeroizing::new([0; LEN]));
        file.read_exact(&mut *key.0).map_err(io)?;
        Ok(key)
    }

    /// Makes a key file, whole or not at all, and never over another.
    pub(crate) fn create(path: &Path) -> Result<Self, OpenError> {
        let mut key = Zeroizing::new([0; LEN]);
        getrandom::fill(&mut *key).map_err(|_| OpenError::Random)?;
        files::write_new(&files::absolute(path)?, &*key)?;
        // What counts is what the file holds: another store's daemon may be making the same file now.
        Self::read(path)
    }

    /// Whether a key file is there, readable or not.
    pub(crate) fn exists(path: &Path) -> Result<bool, OpenError> {
        match OpenOptions::new().read(true).open(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(OpenError::io("read", path)(error)),
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(32 bytes)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn debug_shows_no_byte() {
        let key = MasterKey(Zeroizing::new([0xA7; LEN]));
        assert_eq!(format!("{key:?}"), "MasterKey(32 bytes)");
    }

    /// The parameters, the salt and the passphrase all count, and the function is argon2id and no other.
    #[test]
    fn derives_by_argon2id() {
        let cost = PassphraseCost { memory_kib: 32, passes: 3 };
        let key = MasterKey::derive(&Secret::new(b"tulip".to_vec()), &[7; 32], cost).unwrap();
        let mut expected = [0; LEN];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(32, 3, 1, None).unwrap())
            .hash_password_into(b"tulip", &[7; 32], &mut expected)
            .unwrap();
        assert_eq!(key.expose(), &expected);
    }
}
