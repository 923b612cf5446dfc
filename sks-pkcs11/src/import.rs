//! Objects that a caller brings, copies and deletes.
//!
//! Source: PKCS#11 2.40, C_CreateObject, C_CopyObject, C_DestroyObject, C_SetAttributeValue. Private and secret keys are
//! imported as by an emulated local issuer (see `generate`); public keys, certificates and data live in the session.

use std::sync::Arc;

use cryptoki_sys::{
    CK_OBJECT_HANDLE, CKA_CLASS, CKA_EC_PARAMS, CKA_KEY_TYPE, CKA_MODULUS, CKA_PRIME_1, CKA_PRIME_2,
    CKA_PRIVATE_EXPONENT, CKA_PUBLIC_EXPONENT, CKA_TOKEN, CKA_VALUE, CKK_AES, CKK_EC, CKK_GENERIC_SECRET, CKK_RSA,
    CKO_CERTIFICATE, CKO_DATA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY, CKR_ACTION_PROHIBITED,
    CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_VALUE_INVALID, CKR_OBJECT_HANDLE_INVALID, CKR_SESSION_READ_ONLY,
    CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT,
};
use p256::pkcs8::{EncodePrivateKey, EncodePublicKey};
use rsa::BoxedUint;
use sks_client::Error;
use sks_wire::method::{decode_response, delete_key, encode_request, get_change_count};
use sks_wire::types::{DeletePolicy, KeyHandle};
use sks_wire::{Secret, Status};

use crate::error::{Result, Rv, status};
use crate::generate::{self, Kind, Wish, check_curve, endorsed};
use crate::login;
use crate::module::Module;
use crate::object::template::Template;
use crate::object::{Held, Object, Part};
use crate::session::{self, Found, Session};

/// C_CreateObject.
pub(crate) fn create(module: &Module, handle: u64, template: &Template<'_>) -> Result<CK_OBJECT_HANDLE> {
    let session = module.session(handle)?;
    let class = template.ulong(CKA_CLASS)?.ok_or(Rv(CKR_TEMPLATE_INCOMPLETE))?;
    let on_token = template.bool(CKA_TOKEN)?.unwrap_or(false);
    match (class, on_token) {
        (CKO_PRIVATE_KEY, _) => {
            let (pkcs8, spki) = private_key(template)?;
            make(module, &session, Kind::Imported(pkcs8, spki), template, Part::Private)
        }
        (CKO_SECRET_KEY, true) => {
            let value = template.need(CKA_VALUE)?;
            let kind = template.ulong(CKA_KEY_TYPE)?.ok_or(Rv(CKR_TEMPLATE_INCOMPLETE))?;
            if !matches!(kind, CKK_AES | CKK_GENERIC_SECRET) {
                return Rv::err(CKR_TEMPLATE_INCONSISTENT);
            }
            let endorsed = endorsed(kind, value.len())?;
            make(module, &session, Kind::Symmetric(Secret::from(value), endorsed), template, Part::Secret)
        }
        (CKO_PUBLIC_KEY, true) => existing_public_key(module, &session, template),
        // The certificate of a key is its issuer's to give; data objects are extension objects.
        (CKO_CERTIFICATE | CKO_DATA, true) => Rv::err(CKR_ACTION_PROHIBITED),
        (CKO_PUBLIC_KEY | CKO_CERTIFICATE | CKO_DATA | CKO_SECRET_KEY, false) => {
            let held = Held::new(session.handle, session.slot, None, template);
            if class == CKO_PUBLIC_KEY && held.public_key().is_none() {
                return Rv::err(CKR_ATTRIBUTE_VALUE_INVALID);
            }
            Ok(keep(module, held))
        }
        _ => Rv::err(CKR_ATTRIBUTE_VALUE_INVALID),
    }
}

fn keep(module: &Module, held: Held) -> CK_OBJECT_HANDLE {
    let handle = module.fresh_object();
    module.held.lock().insert(handle, Arc::new(held));
    handle
}

fn make(
    module: &Module,
    session: &Session,
    kind: Kind,
    template: &Template<'_>,
    part: Part,
) -> Result<CK_OBJECT_HANDLE> {
    let key = generate::make(module, session, &Wish::new(kind, template, &Template::default())?)?;
    Ok(Object { key, part }.handle())
}

/// The public key of a key that is there is there already.
fn existing_public_key(module: &Module, session: &Session, template: &Template<'_>) -> Result<CK_OBJECT_HANDLE> {
    let key = Held::new(session.handle, session.slot, None, template).public_key();
    let key = key.ok_or(Rv(CKR_ATTRIBUTE_VALUE_INVALID))?;
    let listing = module.listing()?;
    let slot = listing.slots.get(&session.slot).ok_or(Rv(CKR_ACTION_PROHIBITED))?;
    let found =
        slot.objects().iter().find(|object| object.part == Part::Public && object.key.public_key() == Some(&key));
    found.map(Object::handle).ok_or(Rv(CKR_ACTION_PROHIBITED))
}

/// The private key of a template, as PKCS#8, and its SubjectPublicKeyInfo.
fn private_key(template: &Template<'_>) -> Result<(Secret, Vec<u8>)> {
    let invalid = Rv(CKR_ATTRIBUTE_VALUE_INVALID);
    match template.ulong(CKA_KEY_TYPE)?.ok_or(Rv(CKR_TEMPLATE_INCOMPLETE))? {
        CKK_EC => {
            check_curve(template.need(CKA_EC_PARAMS)?)?;
            let given = template.need(CKA_VALUE)?;
            let scalar = given.iter().position(|byte| *byte != 0).and_then(|at| given.get(at..)).unwrap_or_default();
            let mut padded = zeroize::Zeroizing::new([0; 32]);
            if scalar.len() > padded.len() {
                return Err(invalid);
            }
            padded.iter_mut().rev().zip(scalar.iter().rev()).for_each(|(to, from)| *to = *from);
            let key = p256::SecretKey::from_slice(padded.as_slice()).map_err(|_| invalid)?;
            let pkcs8 = key.to_pkcs8_der().map_err(|_| invalid)?;
            let spki = key.public_key().to_public_key_der().map_err(|_| invalid)?;
            Ok((Secret::from(pkcs8.to_bytes()), spki.into_vec()))
        }
        CKK_RSA => {
            let number = |kind| template.need(kind).map(BoxedUint::from_be_slice_vartime);
            let (n, e) = (number(CKA_MODULUS)?, number(CKA_PUBLIC_EXPONENT)?);
            let d = number(CKA_PRIVATE_EXPONENT)?;
            let primes = vec![number(CKA_PRIME_1)?, number(CKA_PRIME_2)?];
            let key = rsa::RsaPrivateKey::from_components(n, e, d, primes).map_err(|_| invalid)?;
            let pkcs8 = key.to_pkcs8_der().map_err(|_| invalid)?;
            let spki = key.to_public_key().to_public_key_der().map_err(|_| invalid)?;
            Ok((Secret::from(pkcs8.to_bytes()), spki.into_vec()))
        }
        _ => Err(invalid),
    }
}

/// C_CopyObject: a copy in the session.
pub(crate) fn copy(
    module: &Module,
    handle: u64,
    object: CK_OBJECT_HANDLE,
    template: &Template<'_>,
) -> Result<CK_OBJECT_HANDLE> {
    let session = module.session(handle)?;
    let found = session::object(module, &session, object)?;
    if template.bool(CKA_TOKEN)? == Some(true) {
        return Rv::err(CKR_ACTION_PROHIBITED);
    }
    // Only what names a copy may differ from the original.
    let names = [CKA_TOKEN, cryptoki_sys::CKA_LABEL, cryptoki_sys::CKA_ID];
    if template.0.iter().any(|(kind, _)| !names.contains(kind)) {
        return Rv::err(CKR_ATTRIBUTE_READ_ONLY);
    }
    let mut held = Held::new(session.handle, session.slot, found.original().cloned(), template);
    if let Found::Held(original) = &found {
        for (kind, value) in &original.attributes {
            held.default(*kind, value);
        }
    }
    Ok(keep(module, held))
}

/// C_DestroyObject. With a private key go its public key, its certificate, and all else that is the key's.
pub(crate) fn destroy(module: &Module, handle: u64, object: CK_OBJECT_HANDLE) -> Result<()> {
    let session = module.session(handle)?;
    let object = match session::object(module, &session, object)? {
        Found::Held(_) => {
            module.held.lock().remove(&object);
            return Ok(());
        }
        Found::Token(object) => object,
    };
    if !matches!(object.part, Part::Private | Part::Secret) {
        return Rv::err(CKR_ACTION_PROHIBITED);
    }
    if !session.read_write {
        return Rv::err(CKR_SESSION_READ_ONLY);
    }
    let key = &object.key;
    let authorization = match key.policy.delete_policy.get() {
        Ok(DeletePolicy::None) => Secret::default(),
        Ok(DeletePolicy::Pin) => login::pin_for(module, key, None)?,
        // The user has no PUK.
        _ => return Rv::err(CKR_ACTION_PROHIBITED),
    };
    let request = delete_key::Request { key_handle: KeyHandle(key.handle), optional_authorization: authorization };
    let since = module.last_listing_of_same()?.count;
    let calls = [encode_request(&request), encode_request(&get_change_count::Request {})];
    let answers = module.token.call_all_raw(&calls)?;
    let mut answers = answers.iter().map(|answer| answer.as_slice());
    let deleted = decode_response::<delete_key::Request>(answers.next().unwrap_or_default());
    if let Err(error) = deleted.map_err(Error::from).and_then(|answer| Ok(answer?)) {
        return Err(match status(&error) {
            Some(Status::NoKey) => Rv(CKR_OBJECT_HANDLE_INVALID),
            _ => login::operation_refused(module, key, &error),
        });
    }
    if let Ok(Ok(count)) = decode_response::<get_change_count::Request>(answers.next().unwrap_or_default()) {
        module.forget(key, since, count.count);
    }
    Ok(())
}

/// C_SetAttributeValue: what is said of the token's objects is fixed when they are made.
pub(crate) fn set_attributes(
    module: &Module,
    handle: u64,
    object: CK_OBJECT_HANDLE,
    template: &Template<'_>,
) -> Result<()> {
    let session = module.session(handle)?;
    let found = session::object(module, &session, object)?;
    let same = |(kind, value): &(u64, &[u8])| matches!(found.attribute(*kind), crate::object::Value::Bytes(present) if present.as_slice() == *value);
    // What is so already needs no change; NSS sets the CKA_ID that it has read.
    if template.0.iter().all(same) { Ok(()) } else { Rv::err(CKR_ATTRIBUTE_READ_ONLY) }
}
