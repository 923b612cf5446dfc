//! The lists of functions, and the three symbols that the module exports.
//!
//! Source: PKCS#11 2.40, C_GetFunctionList; 3.0, C_GetInterface and C_GetInterfaceList.

use std::ffi::{CStr, c_void};

use cryptoki_sys::{
    CK_FLAGS, CK_FUNCTION_LIST, CK_FUNCTION_LIST_3_0, CK_INTERFACE, CK_RV, CK_ULONG, CK_UTF8CHAR, CK_VERSION,
    CKF_INTERFACE_FORK_SAFE, CKR_ARGUMENTS_BAD,
};

use super::{general, guard, key, memory, object, operation, session, unsupported};
use crate::error::Rv;

/// A list of functions, by the module that each is in; those of this module last.
macro_rules! list {
    ($kind:ident $version:expr, $($module:ident { $($name:ident)* })*; $($own:ident)*) => {
        $kind { version: $version, $($($name: Some($module::$name),)*)* $($own: Some($own),)* }
    };
}

static LIST: CK_FUNCTION_LIST = list!(CK_FUNCTION_LIST CK_VERSION { major: 2, minor: 40 },
    general {
        C_Initialize C_Finalize C_GetInfo C_GetSlotList C_GetSlotInfo C_GetTokenInfo C_GetMechanismList
        C_GetMechanismInfo C_InitToken C_SeedRandom C_GenerateRandom C_WaitForSlotEvent
    }
    session {
        C_InitPIN C_SetPIN C_OpenSession C_CloseSession C_CloseAllSessions C_GetSessionInfo C_Login C_Logout
        C_GetFunctionStatus C_CancelFunction
    }
    unsupported {
        C_GetOperationState C_SetOperationState C_DigestKey C_SignRecoverInit C_SignRecover C_VerifyRecoverInit
        C_VerifyRecover C_DigestEncryptUpdate C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate
        C_WrapKey C_UnwrapKey
    }
    object {
        C_CreateObject C_CopyObject C_DestroyObject C_GetObjectSize C_GetAttributeValue C_SetAttributeValue
        C_FindObjectsInit C_FindObjects C_FindObjectsFinal
    }
    operation {
        C_EncryptInit C_Encrypt C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal
        C_DigestInit C_Digest C_DigestUpdate C_DigestFinal C_SignInit C_Sign C_SignUpdate C_SignFinal C_VerifyInit
        C_Verify C_VerifyUpdate C_VerifyFinal
    }
    key {
        C_GenerateKey C_GenerateKeyPair C_DeriveKey
    }; C_GetFunctionList);

static LIST_3_0: CK_FUNCTION_LIST_3_0 = list!(CK_FUNCTION_LIST_3_0 CK_VERSION { major: 3, minor: 0 },
    general {
        C_Initialize C_Finalize C_GetInfo C_GetSlotList C_GetSlotInfo C_GetTokenInfo C_GetMechanismList
        C_GetMechanismInfo C_InitToken C_SeedRandom C_GenerateRandom C_WaitForSlotEvent
    }
    session {
        C_InitPIN C_SetPIN C_OpenSession C_CloseSession C_CloseAllSessions C_GetSessionInfo C_Login C_Logout
        C_GetFunctionStatus C_CancelFunction C_LoginUser C_SessionCancel
    }
    unsupported {
        C_GetOperationState C_SetOperationState C_DigestKey C_SignRecoverInit C_SignRecover C_VerifyRecoverInit
        C_VerifyRecover C_DigestEncryptUpdate C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate
        C_WrapKey C_UnwrapKey C_MessageEncryptInit C_EncryptMessage C_EncryptMessageBegin C_EncryptMessageNext
        C_MessageEncryptFinal C_MessageDecryptInit C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext
        C_MessageDecryptFinal C_MessageSignInit C_SignMessage C_SignMessageBegin C_SignMessageNext C_MessageSignFinal
        C_MessageVerifyInit C_VerifyMessage C_VerifyMessageBegin C_VerifyMessageNext C_MessageVerifyFinal
    }
    object {
        C_CreateObject C_CopyObject C_DestroyObject C_GetObjectSize C_GetAttributeValue C_SetAttributeValue
        C_FindObjectsInit C_FindObjects C_FindObjectsFinal
    }
    operation {
        C_EncryptInit C_Encrypt C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal
        C_DigestInit C_Digest C_DigestUpdate C_DigestFinal C_SignInit C_Sign C_SignUpdate C_SignFinal C_VerifyInit
        C_Verify C_VerifyUpdate C_VerifyFinal
    }
    key {
        C_GenerateKey C_GenerateKeyPair C_DeriveKey
    }; C_GetFunctionList C_GetInterfaceList C_GetInterface);

/// The name of the standard's own interface.
const NAME: &CStr = c"PKCS 11";

/// The interfaces.
struct Interfaces([CK_INTERFACE; 2]);

// SAFETY: the pointers are to immutable statics.
unsafe impl Sync for Interfaces {}

static INTERFACES: Interfaces =
    Interfaces([interface((&raw const LIST_3_0).cast()), interface((&raw const LIST).cast())]);

const fn interface(list: *const c_void) -> CK_INTERFACE {
    CK_INTERFACE {
        pInterfaceName: NAME.as_ptr().cast_mut().cast(),
        pFunctionList: list.cast_mut(),
        flags: CKF_INTERFACE_FORK_SAFE,
    }
}

/// Gives the list of 2.40.
///
/// # Safety
/// `list` points to a pointer that may be written, or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    // SAFETY: the caller's contract. Callers get a pointer to mutable by the standard's types, and do not write.
    guard(|| unsafe { memory::put(list, (&raw const LIST).cast_mut()) })
}

/// Gives the interfaces: 3.0, the default, and 2.40.
///
/// # Safety
/// `count` points to a number that may be written, `list` to as many interfaces as it says; either may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterfaceList(list: *mut CK_INTERFACE, count: *mut CK_ULONG) -> CK_RV {
    // SAFETY: the caller's contract.
    guard(|| unsafe { memory::list(&INTERFACES.0, list, count) })
}

/// Gives the interface of a name and version; either may be left open.
///
/// # Safety
/// `name` is a C string, `version` a version, `interface` points to a pointer that may be written; each may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterface(
    name: *mut CK_UTF8CHAR,
    version: *mut CK_VERSION,
    interface: *mut *mut CK_INTERFACE,
    flags: CK_FLAGS,
) -> CK_RV {
    guard(|| {
        memory::check(interface)?;
        // SAFETY: the caller's contract: a C string.
        let named = name.is_null() || unsafe { CStr::from_ptr(name.cast()) } == NAME;
        // SAFETY: the caller's contract; bytes have no alignment.
        let version = if version.is_null() { None } else { Some(unsafe { version.read() }) };
        let at = match version.map(|version| (version.major, version.minor)) {
            None | Some((3, 0)) => 0,
            Some((2, 40)) => 1,
            Some(_) => usize::MAX,
        };
        let found = INTERFACES.0.get(at).filter(|found| named && flags & !found.flags == 0);
        let found = found.ok_or(Rv(CKR_ARGUMENTS_BAD))?;
        // SAFETY: the caller's contract.
        unsafe { memory::put(interface, std::ptr::from_ref(found).cast_mut()) }
    })
}
