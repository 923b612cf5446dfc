//! Signatures and HMACs, which the token makes.
//!
//! Source: PKCS#11 2.40, "Signing and MACing functions". The hash of multi-part data is made here; what is not hashed is
//! collected.

use std::sync::Arc;

use cryptoki_sys::{
    CK_OBJECT_HANDLE, CKR_DATA_INVALID, CKR_DATA_LEN_RANGE, CKR_DEVICE_ERROR, CKR_KEY_FUNCTION_NOT_PERMITTED,
    CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_OBJECT_HANDLE_INVALID, CKR_OPERATION_ACTIVE,
    CKR_OPERATION_NOT_INITIALIZED,
};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{perform_hmac, sign_hashed_data};
use sks_wire::types::KeyHandle;
use sks_wire::{Secret, Status};
use zeroize::Zeroizing;

use crate::digest::{Hash, Hasher};
use crate::error::{Result, Rv, status};
use crate::login;
use crate::mechanism::{Mechanism, Scheme};
use crate::module::Module;
use crate::object::{Key, Part};
use crate::session::{self, Reply, Room, Session};

/// Bytes of P-256's order: what ECDSA takes of a hash.
pub(crate) const EC_HASH: usize = 32;
/// What the token takes at once; `byte[]` has a length of two bytes.
pub(crate) const MOST: usize = 65535;

/// A signature or HMAC under way.
pub(crate) struct Signing {
    pub(crate) key: Arc<Key>,
    scheme: Scheme,
    input: Input,
    /// From C_Login with CKU_CONTEXT_SPECIFIC.
    pub(crate) pin: Option<Secret>,
}

/// What is to be signed: hashed, or collected.
pub(crate) enum Input {
    Hash(Hasher),
    Data(Zeroizing<Vec<u8>>),
}

impl Input {
    pub(crate) fn new(scheme: Scheme) -> Self {
        match scheme.hash() {
            Some(hash) => Self::Hash(Hasher::new(hash)),
            None => Self::Data(Zeroizing::default()),
        }
    }

    pub(crate) fn update(&mut self, more: &[u8]) -> Result<()> {
        match self {
            Self::Hash(hasher) => hasher.update(more),
            Self::Data(data) if data.len() + more.len() > MOST => return Rv::err(CKR_DATA_LEN_RANGE),
            Self::Data(data) => {
                // Grown by hand, so that no copy of it is left unwiped.
                let mut grown = Zeroizing::new(Vec::with_capacity(data.len() + more.len()));
                grown.extend_from_slice(data);
                grown.extend_from_slice(more);
                *data = grown;
            }
        }
        Ok(())
    }

    /// How much data is collected.
    pub(crate) fn collected(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            Self::Hash(_) => 0,
        }
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Hash(hasher) => Zeroizing::new(hasher.finish()),
            Self::Data(data) => data,
        }
    }
}

/// The key that an operation of the token is to use.
pub(crate) fn key(module: &Module, session: &Session, handle: CK_OBJECT_HANDLE) -> Result<Arc<Key>> {
    let found = session::object(module, session, handle).map_err(|rv| match rv {
        Rv(CKR_OBJECT_HANDLE_INVALID) => Rv(CKR_KEY_HANDLE_INVALID),
        other => other,
    })?;
    match found.original() {
        Some(object) if matches!(object.part, Part::Private | Part::Secret) => Ok(Arc::clone(&object.key)),
        _ => Rv::err(CKR_KEY_FUNCTION_NOT_PERMITTED),
    }
}

/// C_SignInit.
pub(crate) fn init(
    module: &Module,
    handle: u64,
    mechanism: &Mechanism<'_>,
    key_handle: CK_OBJECT_HANDLE,
) -> Result<()> {
    let session = module.session(handle)?;
    if session.operations.lock().sign.is_some() {
        return Rv::err(CKR_OPERATION_ACTIVE);
    }
    let scheme = Scheme::of(mechanism)?;
    let key = key(module, &session, key_handle)?;
    check(scheme, &key)?;
    let signing = Signing { key, scheme, input: Input::new(scheme), pin: None };
    session.operations.lock().sign = Some(signing);
    Ok(())
}

/// Whether the key is of the scheme's kind and may be used for it.
pub(crate) fn check(scheme: Scheme, key: &Key) -> Result<()> {
    if let Scheme::Hmac(algorithm) = scheme {
        if !key.is_symmetric() {
            return Rv::err(CKR_KEY_TYPE_INCONSISTENT);
        }
        return if key.endorsed.contains(&algorithm) { Ok(()) } else { Rv::err(CKR_KEY_FUNCTION_NOT_PERMITTED) };
    }
    if key.is_symmetric() || !scheme.fits(key.public_key()) {
        return Rv::err(CKR_KEY_TYPE_INCONSISTENT);
    }
    if key.signs() { Ok(()) } else { Rv::err(CKR_KEY_FUNCTION_NOT_PERMITTED) }
}

/// C_SignUpdate.
pub(crate) fn update(module: &Module, handle: u64, data: &[u8]) -> Result<()> {
    let session = module.session(handle)?;
    let mut operations = session.operations.lock();
    let signing = operations.sign.as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
    let result = signing.input.update(data);
    if result.is_err() {
        operations.sign = None;
    }
    result
}

/// C_Sign (with data) and C_SignFinal.
pub(crate) fn finish(module: &Module, handle: u64, data: &[u8], room: Room) -> Result<Reply> {
    let session = module.session(handle)?;
    let mut signing = {
        let mut operations = session.operations.lock();
        let signing = operations.sign.take().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
        let length = length(&signing);
        if !room.holds(length) {
            operations.sign = Some(signing);
            return Ok(Reply::Needs(length));
        }
        signing
    };
    signing.input.update(data)?;
    let pin = login::pin_for(module, &signing.key, signing.pin.as_ref())?;
    let data = signing.input.finish();
    if let Scheme::Hmac(algorithm) = signing.scheme {
        return hmac(module, &signing.key, algorithm, pin, &data).map(Reply::bytes);
    }
    let (algorithm, hash) = to_sign(signing.scheme, &data)?;
    sign(module, &signing.key, algorithm, pin, hash).map(Reply::bytes)
}

fn length(signing: &Signing) -> usize {
    match signing.scheme {
        Scheme::Hmac(Algorithm::HmacSha1) => 20,
        Scheme::Hmac(_) => 32,
        _ => signing.key.public_key().map_or(0, |key| key.signature_length()),
    }
}

/// The algorithm that the token is asked for, and the hash that it is given.
fn to_sign(scheme: Scheme, data: &[u8]) -> Result<(Algorithm, Vec<u8>)> {
    Ok(match scheme {
        Scheme::Ecdsa(_) => (Algorithm::EcdsaSha256, ec_hash(data)?.to_vec()),
        Scheme::Pkcs1(Some(hash)) => (pkcs1(hash), data.to_vec()),
        Scheme::Pkcs1(None) => {
            let (hash, digest) = digest_info(data).ok_or(Rv(CKR_DATA_INVALID))?;
            (pkcs1(hash), digest.to_vec())
        }
        Scheme::Pss { hash, .. } if data.len() != hash.length() => return Rv::err(CKR_DATA_LEN_RANGE),
        Scheme::Pss { hash, .. } => (pss(hash), data.to_vec()),
        Scheme::Hmac(algorithm) => (algorithm, data.to_vec()),
    })
}

/// The 256 bits that ECDSA on P-256 takes of a hash of any length (SEC 1, section 4.1.3): its first, or all and zeros
/// before them. So one algorithm of the token's serves all.
pub(crate) fn ec_hash(data: &[u8]) -> Result<[u8; EC_HASH]> {
    if data.is_empty() {
        return Rv::err(CKR_DATA_LEN_RANGE);
    }
    let taken = data.get(..EC_HASH).unwrap_or(data);
    let mut hash = [0; EC_HASH];
    hash.iter_mut().rev().zip(taken.iter().rev()).for_each(|(to, from)| *to = *from);
    Ok(hash)
}

/// The hash in a DigestInfo of a kind that the token signs.
pub(crate) fn digest_info(data: &[u8]) -> Option<(Hash, &[u8])> {
    Hash::ALL.into_iter().find_map(|hash| {
        let digest = data.strip_prefix(hash.digest_info()).filter(|digest| digest.len() == hash.length())?;
        Some((hash, digest))
    })
}

fn pkcs1(hash: Hash) -> Algorithm {
    match hash {
        Hash::Sha1 => Algorithm::RsaSha1,
        Hash::Sha256 => Algorithm::RsaSha256,
        Hash::Sha384 => Algorithm::RsaSha384,
        Hash::Sha512 => Algorithm::RsaSha512,
    }
}

fn pss(hash: Hash) -> Algorithm {
    match hash {
        Hash::Sha1 => Algorithm::RsaPssSha1,
        Hash::Sha256 => Algorithm::RsaPssSha256,
        Hash::Sha384 => Algorithm::RsaPssSha384,
        Hash::Sha512 => Algorithm::RsaPssSha512,
    }
}

fn sign(module: &Module, key: &Key, algorithm: Algorithm, pin: Secret, hash: Vec<u8>) -> Result<Vec<u8>> {
    let request = sign_hashed_data::Request {
        key_handle: KeyHandle(key.handle),
        signature_algorithm: algorithm.uri().into(),
        pin,
        hashed_data: hash,
    };
    let answer = module.use_key(key, &request).map_err(|error| match status(&error) {
        // The scheme fits the kind of key, so its size is too small for this hash.
        Some(Status::Algorithm) => Rv(cryptoki_sys::CKR_KEY_SIZE_RANGE),
        _ => login::operation_refused(module, key, &error),
    })?;
    match algorithm {
        // PKCS#11 wants r and s, 32 bytes each.
        Algorithm::EcdsaSha256 => {
            let signature = p256::ecdsa::Signature::from_der(&answer.result).map_err(|_| Rv(CKR_DEVICE_ERROR))?;
            Ok(signature.to_bytes().to_vec())
        }
        _ => Ok(answer.result),
    }
}

/// An HMAC by the token.
pub(crate) fn hmac(module: &Module, key: &Key, algorithm: Algorithm, pin: Secret, data: &[u8]) -> Result<Vec<u8>> {
    let request = perform_hmac::Request {
        key_handle: KeyHandle(key.handle),
        hmac_algorithm: algorithm.uri().into(),
        pin,
        data: data.to_vec(),
    };
    let answer = module.use_key(key, &request).map_err(|error| login::operation_refused(module, key, &error))?;
    Ok(answer.result)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn short_hashes_are_padded_and_long_ones_cut() {
        assert_eq!(ec_hash(&[7]).unwrap()[30..], [0, 7]);
        assert_eq!(ec_hash(&[9; 64]).unwrap(), [9; 32]);
        assert!(ec_hash(&[]).is_err());
    }

    #[test]
    fn digest_infos_are_recognised_whole() {
        let info = [Hash::Sha384.digest_info(), &[1; 48]].concat();
        assert_eq!(digest_info(&info), Some((Hash::Sha384, &[1; 48][..])));
        assert_eq!(digest_info(info.split_last().unwrap().1), None);
    }
}
