//! Generating and deriving keys.
//!
//! Source: PKCS#11 2.40, "Key management functions".

use cryptoki_sys::{CK_ATTRIBUTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};

use super::{memory, with_module};
use crate::object::{Object, Part};
use crate::{derive, generate};

pub(super) unsafe extern "C" fn C_GenerateKey(
    handle: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    with_module(|module| {
        memory::check(key)?;
        // SAFETY: the caller's contract.
        let (mechanism, template) = unsafe { (memory::mechanism(mechanism)?, memory::template(attributes, count)?) };
        let made = generate::key(module, handle, mechanism.kind, &template)?;
        // SAFETY: the caller's contract.
        unsafe { memory::put(key, Object { key: made, part: Part::Secret }.handle()) }
    })
}

pub(super) unsafe extern "C" fn C_GenerateKeyPair(
    handle: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public_attributes: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private_attributes: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    with_module(|module| {
        memory::check(public_key)?;
        memory::check(private_key)?;
        // SAFETY: the caller's contract.
        let mechanism = unsafe { memory::mechanism(mechanism) }?;
        // SAFETY: the caller's contract.
        let public = unsafe { memory::template(public_attributes, public_count) }?;
        // SAFETY: the caller's contract.
        let private = unsafe { memory::template(private_attributes, private_count) }?;
        let key = generate::key_pair(module, handle, mechanism.kind, &public, &private)?;
        let object = Object { key, part: Part::Public };
        // SAFETY: the caller's contract.
        unsafe { memory::put(public_key, object.handle()) }?;
        // SAFETY: the caller's contract.
        unsafe { memory::put(private_key, Object { part: Part::Private, ..object }.handle()) }
    })
}

pub(super) unsafe extern "C" fn C_DeriveKey(
    handle: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    base: CK_OBJECT_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    with_module(|module| {
        memory::check(key)?;
        // SAFETY: the caller's contract.
        let (mechanism, template) = unsafe { (memory::mechanism(mechanism)?, memory::template(attributes, count)?) };
        // SAFETY: the caller's contract.
        unsafe { memory::put(key, derive::derive(module, handle, &mechanism, base, &template)?) }
    })
}
