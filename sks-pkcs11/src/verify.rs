//! Verification, in the module but for HMACs, whose key is the token's.
//!
//! Source: PKCS#11 2.40, "Functions for verifying signatures and MACs".

use std::sync::Arc;

use cryptoki_sys::{
    CK_OBJECT_HANDLE, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_TYPE_INCONSISTENT, CKR_OPERATION_ACTIVE,
    CKR_OPERATION_NOT_INITIALIZED, CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE,
};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use sks_wire::Secret;

use crate::digest::Hash;
use crate::error::{Result, Rv};
use crate::login;
use crate::mechanism::{Mechanism, Scheme};
use crate::module::Module;
use crate::object::{Key, Part, PublicKey};
use crate::session::{self, Found, Session};
use crate::sign::{self, Input, digest_info, ec_hash};

/// A verification under way.
pub(crate) struct Verifying {
    key: Verifier,
    scheme: Scheme,
    input: Input,
}

/// What verifies.
#[derive(Clone)]
pub(crate) enum Verifier {
    /// A public key, in the module.
    Public(PublicKey),
    /// A symmetric key of the token's.
    Symmetric(Arc<Key>),
}

/// The public key behind an object: a public or private key of the token, a certificate, or an imported key.
pub(crate) fn public_key(found: &Found) -> Option<PublicKey> {
    match (found.original(), found) {
        (Some(object), _) if matches!(object.part, Part::Public | Part::Private | Part::Certificate(0)) => {
            object.key.public_key().cloned()
        }
        (None, Found::Held(held)) => held.public_key(),
        _ => None,
    }
}

fn verifier(module: &Module, session: &Session, scheme: Scheme, handle: CK_OBJECT_HANDLE) -> Result<Verifier> {
    if let Scheme::Hmac(_) = scheme {
        let key = sign::key(module, session, handle)?;
        sign::check(scheme, &key)?;
        return Ok(Verifier::Symmetric(key));
    }
    let found = session::object(module, session, handle)?;
    let key = public_key(&found).ok_or(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED))?;
    if scheme.fits(Some(&key)) { Ok(Verifier::Public(key)) } else { Rv::err(CKR_KEY_TYPE_INCONSISTENT) }
}

/// C_VerifyInit.
pub(crate) fn init(
    module: &Module,
    handle: u64,
    mechanism: &Mechanism<'_>,
    key_handle: CK_OBJECT_HANDLE,
) -> Result<()> {
    let session = module.session(handle)?;
    if session.operations.lock().verify.is_some() {
        return Rv::err(CKR_OPERATION_ACTIVE);
    }
    let scheme = Scheme::of(mechanism)?;
    let key = verifier(module, &session, scheme, key_handle)?;
    session.operations.lock().verify = Some(Verifying { key, scheme, input: Input::new(scheme) });
    Ok(())
}

/// C_VerifyUpdate.
pub(crate) fn update(module: &Module, handle: u64, data: &[u8]) -> Result<()> {
    let session = module.session(handle)?;
    let mut operations = session.operations.lock();
    let verifying = operations.verify.as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
    verifying.input.update(data)
}

/// C_Verify (with data) and C_VerifyFinal.
pub(crate) fn finish(module: &Module, handle: u64, data: &[u8], signature: &[u8]) -> Result<()> {
    let session = module.session(handle)?;
    let verifying = session.operations.lock().verify.take();
    let mut verifying = verifying.ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
    verifying.input.update(data)?;
    let data = verifying.input.finish();
    match (&verifying.key, verifying.scheme) {
        (Verifier::Symmetric(key), Scheme::Hmac(algorithm)) => {
            let pin = login::pin_for(module, key, None)?;
            let expected = Secret::new(sign::hmac(module, key, algorithm, pin, &data)?);
            if signature.len() != expected.len() {
                return Rv::err(CKR_SIGNATURE_LEN_RANGE);
            }
            // `Secret` compares in constant time.
            if expected == Secret::from(signature) { Ok(()) } else { Rv::err(CKR_SIGNATURE_INVALID) }
        }
        (Verifier::Public(key), scheme) => verify(key, scheme, &data, signature),
        (Verifier::Symmetric(_), _) => Rv::err(CKR_KEY_TYPE_INCONSISTENT),
    }
}

fn verify(key: &PublicKey, scheme: Scheme, data: &[u8], signature: &[u8]) -> Result<()> {
    if signature.len() != key.signature_length() {
        return Rv::err(CKR_SIGNATURE_LEN_RANGE);
    }
    let good = match key {
        PublicKey::Ec(point) => {
            let hash = ec_hash(data)?;
            let key = VerifyingKey::from_sec1_bytes(point).ok();
            let signature = Signature::from_slice(signature).ok();
            key.zip(signature).is_some_and(|(key, signature)| key.verify_prehash(&hash, &signature).is_ok())
        }
        PublicKey::Rsa { modulus, exponent } => {
            rsa_key(modulus, exponent).is_some_and(|key| verify_rsa(&key, scheme, data, signature))
        }
    };
    if good { Ok(()) } else { Rv::err(CKR_SIGNATURE_INVALID) }
}

/// An RSA key for the module's own work.
pub(crate) fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Option<RsaPublicKey> {
    let n = BoxedUint::from_be_slice_vartime(modulus);
    let e = BoxedUint::from_be_slice_vartime(exponent);
    RsaPublicKey::new(n, e).ok()
}

fn verify_rsa(key: &RsaPublicKey, scheme: Scheme, data: &[u8], signature: &[u8]) -> bool {
    match scheme {
        Scheme::Pkcs1(Some(hash)) => key.verify(pkcs1(hash), data, signature).is_ok(),
        Scheme::Pkcs1(None) => match digest_info(data) {
            Some((hash, digest)) => key.verify(pkcs1(hash), digest, signature).is_ok(),
            None => key.verify(Pkcs1v15Sign::new_unprefixed(), data, signature).is_ok(),
        },
        Scheme::Pss { hash, .. } if data.len() == hash.length() => {
            let length = hash.length();
            match hash {
                Hash::Sha1 => key.verify(Pss::<Sha1>::new_with_salt(length), data, signature),
                Hash::Sha256 => key.verify(Pss::<Sha256>::new_with_salt(length), data, signature),
                Hash::Sha384 => key.verify(Pss::<Sha384>::new_with_salt(length), data, signature),
                Hash::Sha512 => key.verify(Pss::<Sha512>::new_with_salt(length), data, signature),
            }
            .is_ok()
        }
        _ => false,
    }
}

fn pkcs1(hash: Hash) -> Pkcs1v15Sign {
    match hash {
        Hash::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
        Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
        Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
        Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
    }
}
