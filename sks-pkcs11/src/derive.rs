//! Key agreement: CKM_ECDH1_DERIVE by the token, its result an object of the session.
//!
//! Source: PKCS#11 2.40 Current Mechanisms, "ECDH key derivation"; SEC 1, section 3.6.1 for the KDFs.

use std::sync::Arc;

use cryptoki_sys::{
    CK_OBJECT_HANDLE, CK_ULONG, CKA_CLASS, CKA_EXTRACTABLE, CKA_KEY_TYPE, CKA_LOCAL, CKA_PRIVATE, CKA_SENSITIVE,
    CKA_TOKEN, CKA_VALUE, CKA_VALUE_LEN, CKD_NULL, CKD_SHA1_KDF, CKD_SHA256_KDF, CKD_SHA384_KDF, CKD_SHA512_KDF,
    CKK_AES, CKK_GENERIC_SECRET, CKM_ECDH1_DERIVE, CKO_SECRET_KEY, CKR_ATTRIBUTE_VALUE_INVALID,
    CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_TYPE_INCONSISTENT, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID,
    CKR_TEMPLATE_INCONSISTENT,
};
use p256::pkcs8::EncodePublicKey;
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::key_agreement;
use sks_wire::types::KeyHandle;
use zeroize::Zeroizing;

use crate::digest::{Hash, Hasher};
use crate::error::{Result, Rv, status};
use crate::login;
use crate::mechanism::{Mechanism, Parameter};
use crate::module::Module;
use crate::object::template::Template;
use crate::object::{Held, PublicKey, point};
use crate::sign;

/// C_DeriveKey.
pub(crate) fn derive(
    module: &Module,
    handle: u64,
    mechanism: &Mechanism<'_>,
    base: CK_OBJECT_HANDLE,
    template: &Template<'_>,
) -> Result<CK_OBJECT_HANDLE> {
    let session = module.session(handle)?;
    if mechanism.kind != CKM_ECDH1_DERIVE {
        return Rv::err(CKR_MECHANISM_INVALID);
    }
    let Parameter::Ecdh { kdf, shared, public } = mechanism.parameter else {
        return Rv::err(CKR_MECHANISM_PARAM_INVALID);
    };
    if template.bool(CKA_TOKEN)? == Some(true) {
        return Rv::err(CKR_TEMPLATE_INCONSISTENT);
    }
    template.expect(CKA_CLASS, CKO_SECRET_KEY)?;
    let kind = template.ulong(CKA_KEY_TYPE)?.unwrap_or(CKK_GENERIC_SECRET);
    let hash = hash_of(kdf, shared)?;
    let key = sign::key(module, &session, base)?;
    if !matches!(key.public_key(), Some(PublicKey::Ec(_))) || key.is_symmetric() {
        return Rv::err(CKR_KEY_TYPE_INCONSISTENT);
    }
    if !key.decrypts() {
        return Rv::err(CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    let point = point(public).ok_or(Rv(CKR_MECHANISM_PARAM_INVALID))?;
    let peer = p256::PublicKey::from_sec1_bytes(&point).map_err(|_| Rv(CKR_MECHANISM_PARAM_INVALID))?;
    let request = key_agreement::Request {
        key_handle: KeyHandle(key.handle),
        parameters: Vec::new(),
        algorithm: Algorithm::Ecdh.uri().into(),
        pin: login::pin_for(module, &key, None)?,
        public_key: peer.to_public_key_der().map_err(|_| Rv(CKR_MECHANISM_PARAM_INVALID))?.into_vec(),
    };
    let answer = module.use_key(&key, &request).map_err(|error| match status(&error) {
        Some(Status::Crypto) => Rv(CKR_MECHANISM_PARAM_INVALID),
        _ => login::operation_refused(module, &key, &error),
    })?;
    let length = length(template, kind, answer.shared_secret.len())?;
    let value = value(hash, answer.shared_secret.expose(), shared, length)?;

    let mut held = Held::new(session.handle, session.slot, None, template);
    held.set(CKA_VALUE, &value);
    held.set(CKA_VALUE_LEN, &(length as CK_ULONG).to_ne_bytes());
    held.set(CKA_LOCAL, &[0]);
    held.default(CKA_CLASS, &CKO_SECRET_KEY.to_ne_bytes());
    held.default(CKA_KEY_TYPE, &kind.to_ne_bytes());
    held.default(CKA_SENSITIVE, &[0]);
    held.default(CKA_EXTRACTABLE, &[1]);
    held.default(CKA_PRIVATE, &[0]);
    let new = module.fresh_object();
    module.held.lock().insert(new, Arc::new(held));
    Ok(new)
}

/// The KDF's hash; none for CKD_NULL, which takes no shared data.
fn hash_of(kdf: CK_ULONG, shared: &[u8]) -> Result<Option<Hash>> {
    match kdf {
        CKD_NULL if shared.is_empty() => Ok(None),
        CKD_SHA1_KDF => Ok(Some(Hash::Sha1)),
        CKD_SHA256_KDF => Ok(Some(Hash::Sha256)),
        CKD_SHA384_KDF => Ok(Some(Hash::Sha384)),
        CKD_SHA512_KDF => Ok(Some(Hash::Sha512)),
        _ => Rv::err(CKR_MECHANISM_PARAM_INVALID),
    }
}

fn length(template: &Template<'_>, kind: CK_ULONG, agreed: usize) -> Result<usize> {
    let Some(length) = template.ulong(CKA_VALUE_LEN)? else { return Ok(agreed) };
    let length = usize::try_from(length).map_err(|_| Rv(CKR_ATTRIBUTE_VALUE_INVALID))?;
    let aes = matches!(length, 16 | 24 | 32);
    if length == 0 || length > MOST || (kind == CKK_AES && !aes) {
        return Rv::err(CKR_ATTRIBUTE_VALUE_INVALID);
    }
    Ok(length)
}

/// Longest derived key in bytes.
const MOST: usize = 1024;

/// The derived key: without a KDF the end of the secret, "bytes are removed from the leading end"; else X9.63's.
fn value(hash: Option<Hash>, secret: &[u8], shared: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let Some(hash) = hash else {
        let start = secret.len().checked_sub(length).ok_or(Rv(CKR_ATTRIBUTE_VALUE_INVALID))?;
        return Ok(Zeroizing::new(secret.get(start..).unwrap_or_default().to_vec()));
    };
    let mut derived = Zeroizing::new(Vec::with_capacity(length + hash.length()));
    let mut counter: u32 = 1;
    while derived.len() < length {
        let mut hasher = Hasher::new(hash);
        hasher.update(secret);
        hasher.update(&counter.to_be_bytes());
        hasher.update(shared);
        derived.extend_from_slice(&Zeroizing::new(hasher.finish()));
        counter += 1;
    }
    derived.truncate(length);
    Ok(derived)
}
