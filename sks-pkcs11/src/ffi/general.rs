//! C_Initialize to C_GetMechanismInfo, and the random numbers.
//!
//! Source: PKCS#11 2.40, "General-purpose functions", "Slot and token management functions".

use std::ffi::c_void;

use cryptoki_sys::{
    CK_BBOOL, CK_BYTE, CK_C_INITIALIZE_ARGS, CK_FLAGS, CK_INFO, CK_MECHANISM_INFO, CK_MECHANISM_TYPE, CK_RV,
    CK_SESSION_HANDLE, CK_SLOT_ID, CK_SLOT_INFO, CK_TOKEN_INFO, CK_ULONG, CK_UTF8CHAR, CK_VERSION, CKF_DONT_BLOCK,
    CKF_OS_LOCKING_OK, CKR_ARGUMENTS_BAD, CKR_CANT_LOCK, CKR_FUNCTION_FAILED, CKR_FUNCTION_NOT_SUPPORTED, CKR_NO_EVENT,
};

use super::{finalize, guard, initialize, memory, with_module};
use crate::error::Rv;
use crate::{mechanism, slot};

pub(super) unsafe extern "C" fn C_Initialize(arguments: *mut c_void) -> CK_RV {
    guard(|| {
        if !arguments.is_null() {
            let arguments: *mut CK_C_INITIALIZE_ARGS = arguments.cast();
            memory::check(arguments)?;
            // SAFETY: the caller's contract; not null and aligned.
            let given = unsafe { arguments.read() };
            let functions = [
                given.CreateMutex.is_some(),
                given.DestroyMutex.is_some(),
                given.LockMutex.is_some(),
                given.UnlockMutex.is_some(),
            ];
            let any = functions.contains(&true);
            if !given.pReserved.is_null() || (any && functions.contains(&false)) {
                return Rv::err(CKR_ARGUMENTS_BAD);
            }
            // Locks are the operating system's.
            if any && given.flags & CKF_OS_LOCKING_OK == 0 {
                return Rv::err(CKR_CANT_LOCK);
            }
        }
        initialize()
    })
}

pub(super) unsafe extern "C" fn C_Finalize(reserved: *mut c_void) -> CK_RV {
    with_module(|module| if reserved.is_null() { finalize(module) } else { Rv::err(CKR_ARGUMENTS_BAD) })
}

pub(super) unsafe extern "C" fn C_GetInfo(info: *mut CK_INFO) -> CK_RV {
    with_module(|_| {
        let value = CK_INFO {
            cryptokiVersion: CK_VERSION { major: 3, minor: 0 },
            manufacturerID: slot::padded("SKS"),
            flags: 0,
            libraryDescription: slot::padded("SKS PKCS#11 module"),
            libraryVersion: CK_VERSION { major: 0, minor: 1 },
        };
        // SAFETY: the caller's contract.
        unsafe { memory::put(info, value) }
    })
}

pub(super) unsafe extern "C" fn C_GetSlotList(
    present: CK_BBOOL,
    slots: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        memory::check(count)?;
        let known = module.slots(slots.is_null());
        let ids: Vec<CK_SLOT_ID> =
            known.into_iter().filter(|(_, token)| *token || present == 0).map(|(id, _)| id).collect();
        // SAFETY: the caller's contract.
        unsafe { memory::list(&ids, slots, count) }
    })
}

pub(super) unsafe extern "C" fn C_GetSlotInfo(id: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    with_module(|module| {
        memory::check(info)?;
        // SAFETY: the caller's contract.
        unsafe { memory::put(info, slot::slot_info(module, id)?) }
    })
}

pub(super) unsafe extern "C" fn C_GetTokenInfo(id: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    with_module(|module| {
        memory::check(info)?;
        // SAFETY: the caller's contract.
        unsafe { memory::put(info, slot::token_info(module, id)?) }
    })
}

pub(super) unsafe extern "C" fn C_GetMechanismList(
    id: CK_SLOT_ID,
    kinds: *mut CK_MECHANISM_TYPE,
    count: *mut CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        module.check_slot(id)?;
        // SAFETY: the caller's contract.
        unsafe { memory::list(&mechanism::list(), kinds, count) }
    })
}

pub(super) unsafe extern "C" fn C_GetMechanismInfo(
    id: CK_SLOT_ID,
    kind: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    with_module(|module| {
        module.check_slot(id)?;
        // SAFETY: the caller's contract.
        unsafe { memory::put(info, mechanism::info(kind)?) }
    })
}

/// A token comes with its issuer's keys.
pub(super) unsafe extern "C" fn C_InitToken(
    _: CK_SLOT_ID,
    _: *mut CK_UTF8CHAR,
    _: CK_ULONG,
    _: *mut CK_UTF8CHAR,
) -> CK_RV {
    with_module(|_| Rv::err(CKR_FUNCTION_NOT_SUPPORTED))
}

pub(super) unsafe extern "C" fn C_WaitForSlotEvent(flags: CK_FLAGS, _: *mut CK_SLOT_ID, _: *mut c_void) -> CK_RV {
    let blocks = flags & CKF_DONT_BLOCK == 0;
    with_module(|_| Rv::err(if blocks { CKR_FUNCTION_NOT_SUPPORTED } else { CKR_NO_EVENT }))
}

/// The operating system's randomness needs no seed; taking one quietly is what clients expect.
pub(super) unsafe extern "C" fn C_SeedRandom(handle: CK_SESSION_HANDLE, seed: *mut CK_BYTE, length: CK_ULONG) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        unsafe { memory::bytes(seed, length) }?;
        module.session(handle).map(|_| ())
    })
}

pub(super) unsafe extern "C" fn C_GenerateRandom(
    handle: CK_SESSION_HANDLE,
    out: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    /// Bytes of a piece: the caller's buffer need not be initialised, so it is only written to.
    const PIECE: usize = 256;
    with_module(|module| {
        module.session(handle)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= 1 << 31).ok_or(Rv(CKR_ARGUMENTS_BAD))?;
        if length > 0 {
            memory::check(out)?;
        }
        let mut piece = [0; PIECE];
        for start in (0..length).step_by(PIECE) {
            let count = PIECE.min(length - start);
            getrandom::fill(&mut piece).map_err(|_| Rv(CKR_FUNCTION_FAILED))?;
            // SAFETY: the caller's contract: `length` bytes, of which these are the next; `piece` has at least as many.
            unsafe { out.add(start).copy_from_nonoverlapping(piece.as_ptr(), count) };
        }
        Ok(())
    })
}
