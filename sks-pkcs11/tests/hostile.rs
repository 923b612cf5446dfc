//! Callers that are broken or hostile: null pointers, lengths that no buffer has, stale handles, functions out of order.
//! Straight through the function list, as no well-behaved client would.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(unsafe_code, clippy::wildcard_imports, reason = "the C interface is what is tested, and most of its names")]

mod common;

use std::ptr::{null_mut, without_provenance_mut};

use common::Daemon;
use cryptoki_sys::*;
use sks_issuer::ca::{Ca, Subject};
use sks_issuer::{KeyOptions, PinPolicyOptions, Protection};
use sks_pkcs11::ffi::{C_GetFunctionList, C_GetInterface, C_GetInterfaceList};
use sks_wire::Secret;
use sks_wire::types::Id;

macro_rules! call {
    ($list:expr, $name:ident($($argument:expr),*)) => {
        // SAFETY: the functions promise to refuse what these tests give them.
        unsafe { $list.$name.unwrap()($($argument),*) }
    };
}

fn list() -> &'static CK_FUNCTION_LIST {
    let mut list = null_mut();
    // SAFETY: a pointer that may be written.
    assert_eq!(unsafe { C_GetFunctionList(&raw mut list) }, CKR_OK);
    // SAFETY: the module's static.
    unsafe { &*list }
}

fn list_3_0() -> &'static CK_FUNCTION_LIST_3_0 {
    let mut interface = null_mut();
    // SAFETY: a pointer that may be written; the rest is left open.
    assert_eq!(unsafe { C_GetInterface(null_mut(), null_mut(), &raw mut interface, 0) }, CKR_OK);
    // SAFETY: the module's statics.
    unsafe { &*(*interface).pFunctionList.cast() }
}

#[test]
fn callers_cannot_break_it() {
    let daemon = Daemon::start();
    daemon.enroll("free", None, None, &[]);
    daemon.enroll("mine", Some("1563"), None, &[]);
    daemon.adopt();
    let f = list();
    interfaces();
    before_initialize(f);
    assert_eq!(call!(f, C_Initialize(null_mut())), CKR_OK);
    assert_eq!(call!(f, C_Initialize(null_mut())), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    slots(f);
    let mut session = 0;
    let open = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    assert_eq!(call!(f, C_OpenSession(0, open, null_mut(), None, &raw mut session)), CKR_OK);
    assert_eq!(
        call!(f, C_OpenSession(0, CKF_RW_SESSION, null_mut(), None, &raw mut session)),
        CKR_SESSION_PARALLEL_NOT_SUPPORTED
    );
    stale_handles(f, session);
    out_of_order(f, session);
    let key = find_private(f, session);
    pointers_and_lengths(f, session, key);
    outputs(f, session, key);
    new_groups_appear_at_a_null_list(f, &daemon);
    assert_eq!(call!(f, C_Finalize(without_provenance_mut(8))), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(f, C_Finalize(null_mut())), CKR_OK);
    assert_eq!(call!(f, C_CloseSession(session)), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_eq!(call!(f, C_Initialize(null_mut())), CKR_OK);
    assert_eq!(call!(f, C_CloseSession(session)), CKR_SESSION_HANDLE_INVALID);
}

fn interfaces() {
    // SAFETY: null pointers are refused.
    assert_eq!(unsafe { C_GetFunctionList(null_mut()) }, CKR_ARGUMENTS_BAD);
    let mut count = 0;
    // SAFETY: a number that may be written.
    assert_eq!(unsafe { C_GetInterfaceList(null_mut(), &raw mut count) }, CKR_OK);
    assert_eq!(count, 2);
    let mut found = null_mut();
    let mut name = *b"Vendor\0";
    // SAFETY: a C string, and a pointer that may be written.
    assert_eq!(unsafe { C_GetInterface(name.as_mut_ptr(), null_mut(), &raw mut found, 0) }, CKR_ARGUMENTS_BAD);
    let mut version = CK_VERSION { major: 9, minor: 9 };
    // SAFETY: a version, and a pointer that may be written.
    assert_eq!(unsafe { C_GetInterface(null_mut(), &raw mut version, &raw mut found, 0) }, CKR_ARGUMENTS_BAD);
    // Every slot of both lists is filled: a list is its version, padded, and pointers.
    fn filled<T>(list: &T) {
        let words = size_of::<T>() / size_of::<usize>();
        // SAFETY: the list is that many words, none of them padding but the first's end.
        let words = unsafe { std::slice::from_raw_parts(std::ptr::from_ref(list).cast::<usize>(), words) };
        assert!(words[1..].iter().all(|word| *word != 0));
    }
    filled(list());
    filled(list_3_0());
}

fn before_initialize(f: &CK_FUNCTION_LIST) {
    let mut count = 0;
    assert_eq!(call!(f, C_GetSlotList(0, null_mut(), &raw mut count)), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_eq!(call!(f, C_Finalize(null_mut())), CKR_CRYPTOKI_NOT_INITIALIZED);
    let mut arguments = CK_C_INITIALIZE_ARGS {
        CreateMutex: None,
        DestroyMutex: None,
        LockMutex: None,
        UnlockMutex: None,
        flags: 0,
        pReserved: without_provenance_mut(1),
    };
    assert_eq!(call!(f, C_Initialize((&raw mut arguments).cast())), CKR_ARGUMENTS_BAD);
    unsafe extern "C" fn create(_: *mut *mut std::ffi::c_void) -> CK_RV {
        CKR_OK
    }
    arguments.pReserved = null_mut();
    arguments.CreateMutex = Some(create);
    assert_eq!(call!(f, C_Initialize((&raw mut arguments).cast())), CKR_ARGUMENTS_BAD);
}

fn slots(f: &CK_FUNCTION_LIST) {
    assert_eq!(call!(f, C_GetSlotList(1, null_mut(), null_mut())), CKR_ARGUMENTS_BAD);
    let (mut ids, mut count) = ([0; 8], 8);
    assert_eq!(call!(f, C_GetSlotList(1, ids.as_mut_ptr(), &raw mut count)), CKR_OK);
    assert_eq!(count, 2);
    count = 1;
    assert_eq!(call!(f, C_GetSlotList(1, ids.as_mut_ptr(), &raw mut count)), CKR_BUFFER_TOO_SMALL);
    assert_eq!(count, 2);
    assert_eq!(call!(f, C_GetTokenInfo(0, null_mut())), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(f, C_GetTokenInfo(0, without_provenance_mut(3))), CKR_ARGUMENTS_BAD);
    for slot in [77, CK_ULONG::MAX] {
        // SAFETY: plain bytes.
        let mut info: CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
        assert_eq!(call!(f, C_GetTokenInfo(slot, &raw mut info)), CKR_SLOT_ID_INVALID);
    }
    assert_eq!(call!(f, C_InitToken(0, null_mut(), 0, null_mut())), CKR_FUNCTION_NOT_SUPPORTED);
}

fn stale_handles(f: &CK_FUNCTION_LIST, session: CK_SESSION_HANDLE) {
    let mut mechanism = CK_MECHANISM { mechanism: CKM_ECDSA, pParameter: null_mut(), ulParameterLen: 0 };
    for handle in [0, session + 1000, CK_ULONG::MAX] {
        assert_eq!(call!(f, C_CloseSession(handle)), CKR_SESSION_HANDLE_INVALID);
        assert_eq!(call!(f, C_SignInit(handle, &raw mut mechanism, 1)), CKR_SESSION_HANDLE_INVALID);
        assert_eq!(call!(f, C_Logout(handle)), CKR_SESSION_HANDLE_INVALID);
    }
    // No key, no part, another slot's key, a session object's that is not there.
    for object in [0, 1, 99 << 20 | 1 << 16, 1 << 20, 1 << 20 | 9 << 16, 1 << 60 | 5, CK_ULONG::MAX] {
        assert_eq!(call!(f, C_SignInit(session, &raw mut mechanism, object)), CKR_KEY_HANDLE_INVALID, "{object:x}");
        assert_eq!(call!(f, C_DestroyObject(session, object)), CKR_OBJECT_HANDLE_INVALID);
        assert_eq!(call!(f, C_GetAttributeValue(session, object, null_mut(), 0)), CKR_OBJECT_HANDLE_INVALID);
    }
    let mine = 2 << 20 | 1 << 16;
    assert_eq!(call!(f, C_SignInit(session, &raw mut mechanism, mine)), CKR_KEY_HANDLE_INVALID);
}

fn out_of_order(f: &CK_FUNCTION_LIST, session: CK_SESSION_HANDLE) {
    let (mut data, mut length) = ([0; 64], 64);
    let none = CKR_OPERATION_NOT_INITIALIZED;
    let out = data.as_mut_ptr();
    assert_eq!(call!(f, C_Sign(session, out, 4, out, &raw mut length)), none);
    assert_eq!(call!(f, C_SignUpdate(session, out, 4)), none);
    assert_eq!(call!(f, C_SignFinal(session, out, &raw mut length)), none);
    assert_eq!(call!(f, C_Verify(session, out, 4, out, 64)), none);
    assert_eq!(call!(f, C_Decrypt(session, out, 4, out, &raw mut length)), none);
    assert_eq!(call!(f, C_EncryptFinal(session, out, &raw mut length)), none);
    assert_eq!(call!(f, C_DigestUpdate(session, out, 4)), none);
    assert_eq!(call!(f, C_FindObjectsFinal(session)), none);
    let mut found = 0;
    assert_eq!(call!(f, C_FindObjects(session, &raw mut found, 1, &raw mut length)), none);
    assert_eq!(call!(f, C_FindObjectsInit(session, null_mut(), 0)), CKR_OK);
    assert_eq!(call!(f, C_FindObjectsInit(session, null_mut(), 0)), CKR_OPERATION_ACTIVE);
    assert_eq!(call!(f, C_FindObjectsFinal(session)), CKR_OK);
    assert_eq!(call!(f, C_Login(session, CKU_USER, out, 4)), CKR_USER_TYPE_INVALID);
    assert_eq!(call!(f, C_Login(session, 77, out, 4)), CKR_USER_TYPE_INVALID);
    assert_eq!(call!(f, C_InitPIN(session, out, 4)), CKR_USER_NOT_LOGGED_IN);
    assert_eq!(call!(list_3_0(), C_MessageSignInit(session, null_mut(), 0)), CKR_FUNCTION_NOT_SUPPORTED);
}

fn find_private(f: &CK_FUNCTION_LIST, session: CK_SESSION_HANDLE) -> CK_OBJECT_HANDLE {
    let mut class = CKO_PRIVATE_KEY;
    let mut template = [CK_ATTRIBUTE {
        type_: CKA_CLASS,
        pValue: (&raw mut class).cast(),
        ulValueLen: size_of::<CK_ULONG>() as CK_ULONG,
    }];
    assert_eq!(call!(f, C_FindObjectsInit(session, template.as_mut_ptr(), 1)), CKR_OK);
    let (mut key, mut count) = (0, 0);
    assert_eq!(call!(f, C_FindObjects(session, null_mut(), 1, &raw mut count)), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(f, C_FindObjects(session, &raw mut key, 1, null_mut())), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(f, C_FindObjects(session, &raw mut key, 1, &raw mut count)), CKR_OK);
    assert_eq!(count, 1);
    assert_eq!(call!(f, C_FindObjectsFinal(session)), CKR_OK);
    key
}

/// Lengths that no buffer has come with pointers that must not be followed.
fn pointers_and_lengths(f: &CK_FUNCTION_LIST, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) {
    let bad = CKR_ARGUMENTS_BAD;
    let mut data = [0u8; 64];
    let byte = data.as_mut_ptr();
    let mut mechanism = CK_MECHANISM { mechanism: CKM_ECDSA, pParameter: null_mut(), ulParameterLen: 0 };
    assert_eq!(call!(f, C_SignInit(session, null_mut(), key)), bad);
    assert_eq!(call!(f, C_SignInit(session, without_provenance_mut(3), key)), bad);
    for length in [CK_ULONG::MAX, CK_ULONG::MAX / 2, 1 << 40] {
        let mut out_length = length;
        assert_eq!(call!(f, C_Login(session, CKU_USER, byte, length)), bad);
        assert_eq!(call!(f, C_SeedRandom(session, byte, length)), bad);
        assert_eq!(call!(f, C_GenerateRandom(session, byte, length)), bad);
        assert_eq!(call!(f, C_FindObjectsInit(session, without_provenance_mut(64), length)), bad);
        assert_eq!(call!(f, C_GetAttributeValue(session, key, without_provenance_mut(64), length)), bad);
        let mut attribute = CK_ATTRIBUTE { type_: CKA_LABEL, pValue: byte.cast(), ulValueLen: length };
        assert_eq!(call!(f, C_FindObjectsInit(session, &raw mut attribute, 1)), bad);
        assert_eq!(call!(f, C_CreateObject(session, &raw mut attribute, 1, &raw mut out_length)), bad);
        assert_eq!(call!(f, C_SignInit(session, &raw mut mechanism, key)), CKR_OK);
        assert_eq!(call!(f, C_SignUpdate(session, byte, length)), bad);
        assert_eq!(call!(f, C_Sign(session, byte, length, byte, &raw mut out_length)), bad);
        assert_eq!(call!(list_3_0(), C_SessionCancel(session, CKF_SIGN)), CKR_OK);
        mechanism.ulParameterLen = length;
        assert_eq!(call!(f, C_SignInit(session, &raw mut mechanism, key)), bad);
        mechanism.ulParameterLen = 0;
    }
    assert_eq!(call!(f, C_SetPIN(session, null_mut(), 4, byte, 4)), bad);
    assert_eq!(call!(f, C_GenerateRandom(session, null_mut(), 4)), bad);
    assert_eq!(call!(f, C_GenerateRandom(session, byte, 64)), CKR_OK);
    assert_ne!(data, [0; 64]);
    // A parameter that is too short, and one whose inner pointer is null.
    let mut pss = CK_MECHANISM { mechanism: CKM_RSA_PKCS_PSS, pParameter: data.as_mut_ptr().cast(), ulParameterLen: 3 };
    assert_eq!(call!(f, C_SignInit(session, &raw mut pss, key)), CKR_MECHANISM_PARAM_INVALID);
    let mut ecdh = CK_ECDH1_DERIVE_PARAMS {
        kdf: CKD_NULL,
        ulSharedDataLen: 0,
        pSharedData: null_mut(),
        ulPublicDataLen: 65,
        pPublicData: null_mut(),
    };
    let mut derive = CK_MECHANISM {
        mechanism: CKM_ECDH1_DERIVE,
        pParameter: (&raw mut ecdh).cast(),
        ulParameterLen: size_of::<CK_ECDH1_DERIVE_PARAMS>() as CK_ULONG,
    };
    let mut made = 0;
    assert_eq!(call!(f, C_DeriveKey(session, &raw mut derive, key, null_mut(), 0, &raw mut made)), bad);
    let mut ecdh = CK_ECDH1_DERIVE_PARAMS { pPublicData: data.as_mut_ptr(), ulPublicDataLen: 64, ..ecdh };
    derive.pParameter = (&raw mut ecdh).cast();
    let refused = call!(f, C_DeriveKey(session, &raw mut derive, key, null_mut(), 0, &raw mut made));
    assert_eq!(refused, CKR_MECHANISM_PARAM_INVALID);
}

fn outputs(f: &CK_FUNCTION_LIST, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) {
    let mut mechanism = CK_MECHANISM { mechanism: CKM_ECDSA_SHA256, pParameter: null_mut(), ulParameterLen: 0 };
    let mut data = *b"data";
    let (mut out, mut length) = ([0u8; 65], 0);
    assert_eq!(call!(f, C_SignInit(session, &raw mut mechanism, key)), CKR_OK);
    assert_eq!(call!(f, C_SignInit(session, &raw mut mechanism, key)), CKR_OPERATION_ACTIVE);
    // Asking for the length, and room that is too small, leave the operation as it is.
    assert_eq!(call!(f, C_Sign(session, data.as_mut_ptr(), 4, null_mut(), &raw mut length)), CKR_OK);
    assert_eq!(length, 64);
    length = 63;
    assert_eq!(
        call!(f, C_Sign(session, data.as_mut_ptr(), 4, out.as_mut_ptr(), &raw mut length)),
        CKR_BUFFER_TOO_SMALL
    );
    assert_eq!((length, out), (64, [0; 65]));
    assert_eq!(call!(f, C_Sign(session, data.as_mut_ptr(), 4, out.as_mut_ptr(), &raw mut length)), CKR_OK);
    assert_eq!((length, out[64]), (64, 0));
    let again = call!(f, C_Sign(session, data.as_mut_ptr(), 4, out.as_mut_ptr(), &raw mut length));
    assert_eq!(again, CKR_OPERATION_NOT_INITIALIZED);

    let mut small = [0u8; 2];
    let attribute = |kind, value, length| CK_ATTRIBUTE { type_: kind, pValue: value, ulValueLen: length };
    let mut wanted = [
        attribute(CKA_LABEL, small.as_mut_ptr().cast(), 2),
        attribute(CKA_VALUE, null_mut(), 0),
        attribute(CKA_MODULUS, null_mut(), 0),
        attribute(0x8000_1234, null_mut(), 0),
        attribute(CKA_LABEL, null_mut(), 0),
    ];
    let result = call!(f, C_GetAttributeValue(session, key, wanted.as_mut_ptr(), 5));
    assert!(matches!(result, CKR_BUFFER_TOO_SMALL | CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID));
    let gone = CK_UNAVAILABLE_INFORMATION;
    assert_eq!(wanted.map(|attribute| attribute.ulValueLen), [gone, gone, gone, gone, 4]);
    assert_eq!(small, [0; 2]);
    for (kind, refused) in [(CKA_VALUE, CKR_ATTRIBUTE_SENSITIVE), (0x8000_1234, CKR_ATTRIBUTE_TYPE_INVALID)] {
        let mut wanted = attribute(kind, null_mut(), 0);
        assert_eq!(call!(f, C_GetAttributeValue(session, key, &raw mut wanted, 1)), refused);
    }
}

/// Neither a list with room for more nor the search for objects makes a slot known.
fn new_groups_appear_at_a_null_list(f: &CK_FUNCTION_LIST, daemon: &Daemon) {
    let mut issuing = common::issuer(daemon, "https://issuer.example");
    let policy = issuing.create_pin_policy(&PinPolicyOptions::new(Id::new("PIN.1").unwrap()), None).unwrap();
    let pin = Secret::from(b"1563".as_slice());
    let ca = Ca::create(&Subject::common_name("A CA").unwrap(), 5).unwrap();
    let options = KeyOptions { friendly_name: "new".to_owned(), ..KeyOptions::p256(Id::new("Key.1").unwrap()) };
    let protection = Protection::Pin { policy: &policy, pin: &pin };
    let new = CK_SLOT_ID::from(common::certified(&mut issuing, &ca, &options, protection).handle.0);
    issuing.close().unwrap();

    let (mut ids, mut count) = ([0; 8], 8);
    assert_eq!(call!(f, C_GetSlotList(1, ids.as_mut_ptr(), &raw mut count)), CKR_OK);
    assert_eq!(count, 2);
    // SAFETY: plain bytes.
    let mut info: CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
    assert_eq!(call!(f, C_GetTokenInfo(new, &raw mut info)), CKR_SLOT_ID_INVALID);
    assert_eq!(call!(f, C_GetSlotList(1, null_mut(), &raw mut count)), CKR_OK);
    assert_eq!(count, 3);
    assert_eq!(call!(f, C_GetSlotList(1, ids.as_mut_ptr(), &raw mut count)), CKR_OK);
    assert_eq!(ids[..3], [0, 2, new]);
    assert_eq!(call!(f, C_GetTokenInfo(new, &raw mut info)), CKR_OK);
}
