//! Objects: making, reading, finding, deleting.
//!
//! Source: PKCS#11 2.40, "Object management functions".

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CK_UNAVAILABLE_INFORMATION,
    CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, CKR_BUFFER_TOO_SMALL,
};

use super::{memory, with_module};
use crate::error::{Result, Rv};
use crate::object::Value;
use crate::{import, session};

pub(super) unsafe extern "C" fn C_CreateObject(
    handle: CK_SESSION_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    object: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    with_module(|module| {
        memory::check(object)?;
        // SAFETY: the caller's contract.
        let template = unsafe { memory::template(attributes, count) }?;
        // SAFETY: the caller's contract.
        unsafe { memory::put(object, import::create(module, handle, &template)?) }
    })
}

pub(super) unsafe extern "C" fn C_CopyObject(
    handle: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    copy: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    with_module(|module| {
        memory::check(copy)?;
        // SAFETY: the caller's contract.
        let template = unsafe { memory::template(attributes, count) }?;
        // SAFETY: the caller's contract.
        unsafe { memory::put(copy, import::copy(module, handle, object, &template)?) }
    })
}

pub(super) unsafe extern "C" fn C_DestroyObject(handle: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> CK_RV {
    with_module(|module| import::destroy(module, handle, object))
}

pub(super) unsafe extern "C" fn C_GetObjectSize(
    handle: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    size: *mut CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        let session = module.session(handle)?;
        session::object(module, &session, object)?;
        // SAFETY: the caller's contract. The token does not tell sizes.
        unsafe { memory::put(size, CK_UNAVAILABLE_INFORMATION) }
    })
}

pub(super) unsafe extern "C" fn C_GetAttributeValue(
    handle: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let wanted = unsafe { memory::attributes(attributes, count) }?;
        let kinds: Vec<_> = wanted.iter().map(|attribute| attribute.type_).collect();
        let values = session::values(module, handle, object, &kinds)?;
        let mut result = Ok(());
        for (at, (attribute, value)) in wanted.into_iter().zip(values).enumerate() {
            // SAFETY: the caller's contract: the buffer that the attribute names has the length that it says.
            let (length, written) = unsafe { write(attribute, &value) };
            // SAFETY: one of the elements that `attributes` has just read.
            unsafe { (&raw mut (*attributes.add(at)).ulValueLen).write(length) };
            result = result.and(written);
        }
        result
    })
}

/// Writes one value, and tells the length to report.
unsafe fn write(attribute: CK_ATTRIBUTE, value: &Value) -> (CK_ULONG, Result<()>) {
    let bytes = match value {
        Value::Bytes(bytes) => bytes,
        Value::Sensitive => return (CK_UNAVAILABLE_INFORMATION, Rv::err(CKR_ATTRIBUTE_SENSITIVE)),
        Value::Extension | Value::Unknown => {
            return (CK_UNAVAILABLE_INFORMATION, Rv::err(CKR_ATTRIBUTE_TYPE_INVALID));
        }
    };
    let needed = bytes.len() as CK_ULONG;
    if attribute.pValue.is_null() {
        return (needed, Ok(()));
    }
    if attribute.ulValueLen < needed {
        return (CK_UNAVAILABLE_INFORMATION, Rv::err(CKR_BUFFER_TOO_SMALL));
    }
    // SAFETY: the caller's contract: `ulValueLen` bytes, at least as many as these.
    unsafe { attribute.pValue.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    (needed, Ok(()))
}

pub(super) unsafe extern "C" fn C_SetAttributeValue(
    handle: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let template = unsafe { memory::template(attributes, count) }?;
        import::set_attributes(module, handle, object, &template)
    })
}

pub(super) unsafe extern "C" fn C_FindObjectsInit(
    handle: CK_SESSION_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let template = unsafe { memory::template(attributes, count) }?;
        session::find_init(module, handle, &template)
    })
}

pub(super) unsafe extern "C" fn C_FindObjects(
    handle: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    most: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        memory::check(count)?;
        if most > 0 {
            memory::check(objects)?;
        }
        let found = session::find_next(module, handle, usize::try_from(most).unwrap_or(usize::MAX))?;
        // SAFETY: the caller's contract: room for `most`, and there are no more than that.
        unsafe { objects.copy_from_nonoverlapping(found.as_ptr(), found.len()) };
        // SAFETY: the caller's contract.
        unsafe { memory::put(count, found.len() as CK_ULONG) }
    })
}

pub(super) unsafe extern "C" fn C_FindObjectsFinal(handle: CK_SESSION_HANDLE) -> CK_RV {
    with_module(|module| session::find_final(module, handle))
}
