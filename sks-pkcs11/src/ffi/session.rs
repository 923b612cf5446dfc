//! Sessions and logins.
//!
//! Source: PKCS#11 2.40, "Session management functions"; 3.0 for C_SessionCancel and C_LoginUser.

use std::ffi::c_void;

use cryptoki_sys::{
    CK_FLAGS, CK_NOTIFY, CK_RV, CK_SESSION_HANDLE, CK_SESSION_INFO, CK_SLOT_ID, CK_ULONG, CK_USER_TYPE, CK_UTF8CHAR,
    CKR_ARGUMENTS_BAD, CKR_FUNCTION_NOT_PARALLEL,
};

use super::{memory, with_module};
use crate::error::Rv;
use crate::{login, session};

pub(super) unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    _: *mut c_void,
    _: CK_NOTIFY,
    handle: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    with_module(|module| {
        memory::check(handle)?;
        // SAFETY: the caller's contract.
        unsafe { memory::put(handle, session::open(module, slot, flags)?) }
    })
}

pub(super) unsafe extern "C" fn C_CloseSession(handle: CK_SESSION_HANDLE) -> CK_RV {
    with_module(|module| session::close(module, handle))
}

pub(super) unsafe extern "C" fn C_CloseAllSessions(slot: CK_SLOT_ID) -> CK_RV {
    with_module(|module| session::close_all(module, slot))
}

pub(super) unsafe extern "C" fn C_GetSessionInfo(handle: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        unsafe { memory::put(info, session::info(module, handle)?) }
    })
}

pub(super) unsafe extern "C" fn C_SessionCancel(handle: CK_SESSION_HANDLE, flags: CK_FLAGS) -> CK_RV {
    with_module(|module| session::cancel(module, handle, flags))
}

pub(super) unsafe extern "C" fn C_Login(
    handle: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    length: CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let pin = unsafe { memory::pin(pin, length) }?;
        login::login(module, handle, user, pin)
    })
}

/// Users have no names here.
pub(super) unsafe extern "C" fn C_LoginUser(
    handle: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    length: CK_ULONG,
    _: *mut CK_UTF8CHAR,
    name_length: CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        if name_length != 0 {
            return Rv::err(CKR_ARGUMENTS_BAD);
        }
        // SAFETY: the caller's contract.
        let pin = unsafe { memory::pin(pin, length) }?;
        login::login(module, handle, user, pin)
    })
}

pub(super) unsafe extern "C" fn C_Logout(handle: CK_SESSION_HANDLE) -> CK_RV {
    with_module(|module| login::logout(module, handle))
}

pub(super) unsafe extern "C" fn C_InitPIN(handle: CK_SESSION_HANDLE, pin: *mut CK_UTF8CHAR, length: CK_ULONG) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let pin = unsafe { memory::pin(pin, length) }?;
        login::init_pin(module, handle, pin)
    })
}

pub(super) unsafe extern "C" fn C_SetPIN(
    handle: CK_SESSION_HANDLE,
    old: *mut CK_UTF8CHAR,
    old_length: CK_ULONG,
    new: *mut CK_UTF8CHAR,
    new_length: CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let (old, new) = unsafe { (memory::pin(old, old_length)?, memory::pin(new, new_length)?) };
        login::set_pin(module, handle, old, new)
    })
}

pub(super) unsafe extern "C" fn C_GetFunctionStatus(_: CK_SESSION_HANDLE) -> CK_RV {
    with_module(|_| Rv::err(CKR_FUNCTION_NOT_PARALLEL))
}

pub(super) unsafe extern "C" fn C_CancelFunction(_: CK_SESSION_HANDLE) -> CK_RV {
    with_module(|_| Rv::err(CKR_FUNCTION_NOT_PARALLEL))
}
