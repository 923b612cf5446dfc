//! Hashes, and the digesting functions, which never leave the module.
//!
//! Source: FIPS 180-4; PKCS#11 2.40, "Message digesting functions".

use cryptoki_sys::{
    CK_MECHANISM_TYPE, CK_RSA_PKCS_MGF_TYPE, CKG_MGF1_SHA1, CKG_MGF1_SHA256, CKG_MGF1_SHA384, CKG_MGF1_SHA512,
    CKM_SHA_1, CKM_SHA256, CKM_SHA384, CKM_SHA512, CKR_MECHANISM_INVALID, CKR_OPERATION_ACTIVE,
    CKR_OPERATION_NOT_INITIALIZED,
};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::error::{Result, Rv};
use crate::module::Module;
use crate::session::{Reply, Room};

/// A hash that the token's algorithms use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// SHA-1
    Sha1,
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

impl Hash {
    /// Every hash.
    pub(crate) const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Of a digest mechanism.
    pub(crate) fn of(mechanism: CK_MECHANISM_TYPE) -> Option<Self> {
        Some(match mechanism {
            CKM_SHA_1 => Self::Sha1,
            CKM_SHA256 => Self::Sha256,
            CKM_SHA384 => Self::Sha384,
            CKM_SHA512 => Self::Sha512,
            _ => return None,
        })
    }

    /// Bytes of a digest.
    pub(crate) fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The mask generation function on it.
    pub(crate) fn mgf(self) -> CK_RSA_PKCS_MGF_TYPE {
        match self {
            Self::Sha1 => CKG_MGF1_SHA1,
            Self::Sha256 => CKG_MGF1_SHA256,
            Self::Sha384 => CKG_MGF1_SHA384,
            Self::Sha512 => CKG_MGF1_SHA512,
        }
    }

    /// What stands before the hash in a DigestInfo, RFC 8017, section 9.2.
    pub(crate) fn digest_info(self) -> &'static [u8] {
        match self {
            Self::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
            Self::Sha256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
            Self::Sha384 => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
            Self::Sha512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
        }
    }
}

/// A digest under way.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn new(hash: Hash) -> Self {
        match hash {
            Hash::Sha1 => Self::Sha1(Sha1::new()),
            Hash::Sha256 => Self::Sha256(Sha256::new()),
            Hash::Sha384 => Self::Sha384(Sha384::new()),
            Hash::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(data),
            Self::Sha256(hasher) => hasher.update(data),
            Self::Sha384(hasher) => hasher.update(data),
            Self::Sha512(hasher) => hasher.update(data),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Sha384(hasher) => hasher.finalize().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
        }
    }
}

/// A digest operation of a session.
pub(crate) struct Digesting {
    hash: Hash,
    hasher: Hasher,
}

/// C_DigestInit.
pub(crate) fn init(module: &Module, handle: u64, mechanism: CK_MECHANISM_TYPE) -> Result<()> {
    let session = module.session(handle)?;
    let hash = Hash::of(mechanism).ok_or(Rv(CKR_MECHANISM_INVALID))?;
    let mut operations = session.operations.lock();
    if operations.digest.is_some() {
        return Rv::err(CKR_OPERATION_ACTIVE);
    }
    operations.digest = Some(Digesting { hash, hasher: Hasher::new(hash) });
    Ok(())
}

/// C_DigestUpdate.
pub(crate) fn update(module: &Module, handle: u64, data: &[u8]) -> Result<()> {
    let session = module.session(handle)?;
    let mut operations = session.operations.lock();
    let digesting = operations.digest.as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
    digesting.hasher.update(data);
    Ok(())
}

/// C_Digest (with data) and C_DigestFinal.
pub(crate) fn finish(module: &Module, handle: u64, data: &[u8], room: Room) -> Result<Reply> {
    let session = module.session(handle)?;
    let mut operations = session.operations.lock();
    let digesting = operations.digest.take().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
    let length = digesting.hash.length();
    if !room.holds(length) {
        operations.digest = Some(digesting);
        return Ok(Reply::Needs(length));
    }
    let mut hasher = digesting.hasher;
    hasher.update(data);
    Ok(Reply::bytes(hasher.finish()))
}
