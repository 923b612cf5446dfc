//! The caller's memory: pointers and lengths become slices and values, or CKR_ARGUMENTS_BAD.
//!
//! All functions here ask of their caller what [`crate::ffi`] says of pointers.

use std::mem::size_of;
use std::slice;

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_BYTE, CK_ECDH1_DERIVE_PARAMS, CK_MECHANISM, CK_RSA_PKCS_OAEP_PARAMS, CK_RSA_PKCS_PSS_PARAMS,
    CK_ULONG, CKM_ECDH1_DERIVE, CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_PSS, CKM_SHA1_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS,
    CKM_SHA384_RSA_PKCS_PSS, CKM_SHA512_RSA_PKCS_PSS, CKR_ARGUMENTS_BAD, CKR_BUFFER_TOO_SMALL,
    CKR_MECHANISM_PARAM_INVALID,
};

use crate::error::{Result, Rv};
use crate::mechanism::{Mechanism, Parameter};
use crate::object::template::Template;
use crate::session::{Reply, Room};

/// Bytes of the longest input that is believed. A length over it is a mistake (-1, an address), not data.
const MOST_BYTES: usize = 1 << 31;
/// Attributes of the longest template that is believed.
const MOST_ATTRIBUTES: usize = 1 << 12;

/// Bytes that a caller gives. A null pointer is good for none.
pub(super) unsafe fn bytes<'a>(pointer: *const CK_BYTE, length: CK_ULONG) -> Result<&'a [u8]> {
    let length = usize::try_from(length).ok().filter(|length| *length <= MOST_BYTES).ok_or(Rv(CKR_ARGUMENTS_BAD))?;
    match (pointer.is_null(), length) {
        (_, 0) => Ok(&[]),
        (true, _) => Rv::err(CKR_ARGUMENTS_BAD),
        // SAFETY: the caller's contract; not null, bytes have no alignment, the length is below isize::MAX.
        (false, _) => Ok(unsafe { slice::from_raw_parts(pointer, length) }),
    }
}

/// A PIN: none for a null pointer, which asks the module to ask.
pub(super) unsafe fn pin<'a>(pointer: *const CK_BYTE, length: CK_ULONG) -> Result<Option<&'a [u8]>> {
    if pointer.is_null() {
        return if length == 0 { Ok(None) } else { Rv::err(CKR_ARGUMENTS_BAD) };
    }
    // SAFETY: the caller's contract.
    unsafe { bytes(pointer, length) }.map(Some)
}

/// Refuses a pointer that nothing can be written through.
pub(super) fn check<T>(pointer: *mut T) -> Result<()> {
    if pointer.is_null() || !pointer.is_aligned() { Rv::err(CKR_ARGUMENTS_BAD) } else { Ok(()) }
}

/// Writes a result.
pub(super) unsafe fn put<T>(pointer: *mut T, value: T) -> Result<()> {
    check(pointer)?;
    // SAFETY: the caller's contract; not null and aligned.
    unsafe { pointer.write(value) };
    Ok(())
}

/// Writes a list as the standard's "functions returning variable-length output": a null pointer asks for the length.
pub(super) unsafe fn list<T: Copy>(items: &[T], pointer: *mut T, count: *mut CK_ULONG) -> Result<()> {
    check(count)?;
    let needed = items.len() as CK_ULONG;
    // SAFETY: the caller's contract; not null and aligned.
    let room = unsafe { count.replace(needed) };
    if pointer.is_null() {
        return Ok(());
    }
    check(pointer)?;
    if room < needed {
        return Rv::err(CKR_BUFFER_TOO_SMALL);
    }
    // SAFETY: the caller's contract: there is room for as many; the source is a slice of our own.
    unsafe { pointer.copy_from_nonoverlapping(items.as_ptr(), items.len()) };
    Ok(())
}

/// Runs an operation with the caller's room, and writes what it answers.
pub(super) unsafe fn reply(
    pointer: *mut CK_BYTE,
    length: *mut CK_ULONG,
    operation: impl FnOnce(Room) -> Result<Reply>,
) -> Result<()> {
    check(length)?;
    // SAFETY: the caller's contract; not null and aligned.
    let given = unsafe { length.read() };
    let room = if pointer.is_null() { None } else { Some(usize::try_from(given).unwrap_or(usize::MAX)) };
    let (needed, bytes) = match operation(Room(room))? {
        Reply::Needs(needed) => (needed, None),
        Reply::Bytes(bytes) => (bytes.len(), Some(bytes)),
    };
    // SAFETY: as above.
    unsafe { length.write(needed as CK_ULONG) };
    match (bytes, room) {
        (Some(bytes), Some(room)) if bytes.len() <= room => {
            // SAFETY: the caller's contract: the buffer has `room` bytes, and ours is not the caller's.
            unsafe { pointer.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
            Ok(())
        }
        (_, None) => Ok(()),
        _ => Rv::err(CKR_BUFFER_TOO_SMALL),
    }
}

/// The attributes of a list, as they lie there.
pub(super) unsafe fn attributes(pointer: *mut CK_ATTRIBUTE, count: CK_ULONG) -> Result<Vec<CK_ATTRIBUTE>> {
    let count = usize::try_from(count).ok().filter(|count| *count <= MOST_ATTRIBUTES).ok_or(Rv(CKR_ARGUMENTS_BAD))?;
    if count == 0 {
        return Ok(Vec::new());
    }
    check(pointer)?;
    // SAFETY: the caller's contract; each element is copied, so no reference into the caller's memory stays.
    Ok((0..count).map(|at| unsafe { pointer.add(at).read() }).collect())
}

/// A template.
pub(super) unsafe fn template<'a>(pointer: *mut CK_ATTRIBUTE, count: CK_ULONG) -> Result<Template<'a>> {
    // SAFETY: the caller's contract.
    let attributes = unsafe { attributes(pointer, count) }?;
    let value = |attribute: &CK_ATTRIBUTE| {
        // SAFETY: the caller's contract.
        let value = unsafe { bytes(attribute.pValue.cast(), attribute.ulValueLen) }?;
        Ok((attribute.type_, value))
    };
    attributes.iter().map(value).collect::<Result<_>>().map(Template)
}

/// A mechanism and its parameter.
pub(super) unsafe fn mechanism<'a>(pointer: *const CK_MECHANISM) -> Result<Mechanism<'a>> {
    check(pointer.cast_mut())?;
    // SAFETY: the caller's contract; not null and aligned.
    let CK_MECHANISM { mechanism: kind, pParameter, ulParameterLen } = unsafe { pointer.read() };
    // SAFETY: the caller's contract.
    let raw = unsafe { bytes(pParameter.cast(), ulParameterLen) }?;
    let parameter = match kind {
        CKM_RSA_PKCS_PSS
        | CKM_SHA1_RSA_PKCS_PSS
        | CKM_SHA256_RSA_PKCS_PSS
        | CKM_SHA384_RSA_PKCS_PSS
        | CKM_SHA512_RSA_PKCS_PSS => {
            // SAFETY: plain numbers.
            let CK_RSA_PKCS_PSS_PARAMS { hashAlg, mgf, sLen } = unsafe { parameter(raw) }?;
            Parameter::Pss { hash: hashAlg, mgf, salt: sLen }
        }
        CKM_RSA_PKCS_OAEP => {
            // SAFETY: numbers and a pointer, which any bytes are.
            let given: CK_RSA_PKCS_OAEP_PARAMS = unsafe { parameter(raw) }?;
            // SAFETY: the caller's contract.
            let label = unsafe { bytes(given.pSourceData.cast(), given.ulSourceDataLen) }?;
            Parameter::Oaep { hash: given.hashAlg, mgf: given.mgf, source: given.source, label }
        }
        CKM_ECDH1_DERIVE => {
            // SAFETY: numbers and pointers, which any bytes are.
            let given: CK_ECDH1_DERIVE_PARAMS = unsafe { parameter(raw) }?;
            // SAFETY: the caller's contract.
            let shared = unsafe { bytes(given.pSharedData, given.ulSharedDataLen) }?;
            // SAFETY: the caller's contract.
            let public = unsafe { bytes(given.pPublicData, given.ulPublicDataLen) }?;
            Parameter::Ecdh { kdf: given.kdf, shared, public }
        }
        _ => Parameter::Bytes(raw),
    };
    Ok(Mechanism { kind, parameter })
}

/// A parameter structure, of which any bytes must be a value. It need not be aligned.
unsafe fn parameter<T>(raw: &[u8]) -> Result<T> {
    if raw.len() != size_of::<T>() {
        return Rv::err(CKR_MECHANISM_PARAM_INVALID);
    }
    // SAFETY: as many bytes as T has, and any are a T.
    Ok(unsafe { raw.as_ptr().cast::<T>().read_unaligned() })
}
