//! Signing, verifying, encrypting, decrypting and digesting.
//!
//! Source: PKCS#11 2.40, the sections of these names.

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};

use super::{memory, with_module};
use crate::cipher::Direction;
use crate::{cipher, digest, sign, verify};

/// The functions of an operation with a key whose output is bytes: what begins it, the one that does it at once, those
/// for parts, and the safe functions behind them.
macro_rules! operation {
    ($init:ident $once:ident $last:ident: $begin:expr, $finish:expr) => {
        pub(super) unsafe extern "C" fn $init(
            handle: CK_SESSION_HANDLE,
            mechanism: *mut CK_MECHANISM,
            key: CK_OBJECT_HANDLE,
        ) -> CK_RV {
            with_module(|module| {
                // SAFETY: the caller's contract.
                let mechanism = unsafe { memory::mechanism(mechanism) }?;
                $begin(module, handle, &mechanism, key)
            })
        }

        pub(super) unsafe extern "C" fn $once(
            handle: CK_SESSION_HANDLE,
            data: *mut CK_BYTE,
            length: CK_ULONG,
            out: *mut CK_BYTE,
            out_length: *mut CK_ULONG,
        ) -> CK_RV {
            with_module(|module| {
                // SAFETY: the caller's contract.
                let data = unsafe { memory::bytes(data, length) }?;
                // SAFETY: the caller's contract.
                unsafe { memory::reply(out, out_length, |room| $finish(module, handle, data, room)) }
            })
        }

        pub(super) unsafe extern "C" fn $last(
            handle: CK_SESSION_HANDLE,
            out: *mut CK_BYTE,
            out_length: *mut CK_ULONG,
        ) -> CK_RV {
            with_module(|module| {
                // SAFETY: the caller's contract.
                unsafe { memory::reply(out, out_length, |room| $finish(module, handle, &[], room)) }
            })
        }
    };
}

/// A function that takes a part and puts nothing out.
macro_rules! update {
    ($($name:ident: $update:expr;)*) => {$(
        pub(super) unsafe extern "C" fn $name(
            handle: CK_SESSION_HANDLE,
            data: *mut CK_BYTE,
            length: CK_ULONG,
        ) -> CK_RV {
            with_module(|module| {
                // SAFETY: the caller's contract.
                let data = unsafe { memory::bytes(data, length) }?;
                $update(module, handle, data)
            })
        }
    )*};
}

/// A function that takes a part and puts out what is ready.
macro_rules! cipher_update {
    ($($name:ident: $direction:expr;)*) => {$(
        pub(super) unsafe extern "C" fn $name(
            handle: CK_SESSION_HANDLE,
            data: *mut CK_BYTE,
            length: CK_ULONG,
            out: *mut CK_BYTE,
            out_length: *mut CK_ULONG,
        ) -> CK_RV {
            with_module(|module| {
                // SAFETY: the caller's contract.
                let data = unsafe { memory::bytes(data, length) }?;
                // SAFETY: the caller's contract.
                unsafe {
                    memory::reply(out, out_length, |room| cipher::update(module, handle, $direction, data, room))
                }
            })
        }
    )*};
}

operation!(C_SignInit C_Sign C_SignFinal: sign::init, sign::finish);
operation!(C_EncryptInit C_Encrypt C_EncryptFinal:
    |m, h, mechanism, key| cipher::init(m, h, Direction::Encrypt, mechanism, key),
    |m, h, data, room| cipher::finish(m, h, Direction::Encrypt, data, room));
operation!(C_DecryptInit C_Decrypt C_DecryptFinal:
    |m, h, mechanism, key| cipher::init(m, h, Direction::Decrypt, mechanism, key),
    |m, h, data, room| cipher::finish(m, h, Direction::Decrypt, data, room));

update! {
    C_SignUpdate: sign::update;
    C_VerifyUpdate: verify::update;
    C_DigestUpdate: digest::update;
}

cipher_update! {
    C_EncryptUpdate: Direction::Encrypt;
    C_DecryptUpdate: Direction::Decrypt;
}

pub(super) unsafe extern "C" fn C_VerifyInit(
    handle: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let mechanism = unsafe { memory::mechanism(mechanism) }?;
        verify::init(module, handle, &mechanism, key)
    })
}

pub(super) unsafe extern "C" fn C_Verify(
    handle: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_length: CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let (data, signature) = unsafe { (memory::bytes(data, length)?, memory::bytes(signature, signature_length)?) };
        verify::finish(module, handle, data, signature)
    })
}

pub(super) unsafe extern "C" fn C_VerifyFinal(
    handle: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let signature = unsafe { memory::bytes(signature, length) }?;
        verify::finish(module, handle, &[], signature)
    })
}

pub(super) unsafe extern "C" fn C_DigestInit(handle: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let mechanism = unsafe { memory::mechanism(mechanism) }?;
        digest::init(module, handle, mechanism.kind)
    })
}

pub(super) unsafe extern "C" fn C_Digest(
    handle: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
    out: *mut CK_BYTE,
    out_length: *mut CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        let data = unsafe { memory::bytes(data, length) }?;
        // SAFETY: the caller's contract.
        unsafe { memory::reply(out, out_length, |room| digest::finish(module, handle, data, room)) }
    })
}

pub(super) unsafe extern "C" fn C_DigestFinal(
    handle: CK_SESSION_HANDLE,
    out: *mut CK_BYTE,
    out_length: *mut CK_ULONG,
) -> CK_RV {
    with_module(|module| {
        // SAFETY: the caller's contract.
        unsafe { memory::reply(out, out_length, |room| digest::finish(module, handle, &[], room)) }
    })
}
