//! The C interface: every function of PKCS#11 2.40 and 3.0.
//!
//! Source: PKCS#11 3.0, "C function calls". The only unsafe code of the project. Each function catches panics, checks
//! what it can of pointers and lengths (null, alignment, sizes that no object has), copies or borrows what they point to
//! for the one call, and goes on in safe code.
//!
//! # Safety
//!
//! What can not be checked is the caller's contract, and the reason of every `unsafe` block here: a pointer that is not
//! null points to as many objects as its length says, readable, or writable where the standard has the function write
//! there, and nobody else changes them during the call.

#![allow(unsafe_code, non_snake_case, reason = "a C interface, whose functions have the standard's names")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use cryptoki_sys::{CK_RV, CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_GENERAL_ERROR, CKR_OK};

use crate::error::{Result, Rv};
use crate::module::Module;

mod general;
mod key;
mod list;
mod memory;
mod object;
mod operation;
mod session;
mod unsupported;

pub use list::{C_GetFunctionList, C_GetInterface, C_GetInterfaceList};

/// The state; null before C_Initialize. What it points to is never freed: another thread may still read it. C_Finalize
/// empties it, so that little is lost.
static STATE: AtomicPtr<Module> = AtomicPtr::new(ptr::null_mut());

/// Runs a function's body; a panic becomes CKR_GENERAL_ERROR.
fn guard(body: impl FnOnce() -> Result<()>) -> CK_RV {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => CKR_OK,
        Ok(Err(Rv(value))) => value,
        Err(_) => CKR_GENERAL_ERROR,
    }
}

/// Runs the body of a function that needs the module.
fn with_module(body: impl FnOnce(&'static Module) -> Result<()>) -> CK_RV {
    guard(|| {
        let module = state().ok_or(Rv(CKR_CRYPTOKI_NOT_INITIALIZED))?;
        module.check_process()?;
        body(module)
    })
}

fn state() -> Option<&'static Module> {
    // SAFETY: null, or from `Box::leak` below and so valid for ever; only shared references are made.
    unsafe { STATE.load(Ordering::Acquire).as_ref() }
}

fn initialize() -> Result<()> {
    let before = state();
    match before {
        Some(module) if module.check_process().is_ok() => return Rv::err(CKR_CRYPTOKI_ALREADY_INITIALIZED),
        // Inherited through a fork.
        Some(module) => module.abandon(),
        None => {}
    }
    let before = before.map_or(ptr::null_mut(), |module| ptr::from_ref(module).cast_mut());
    let fresh = Box::into_raw(Box::new(Module::new()));
    match STATE.compare_exchange(before, fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(()),
        Err(_) => {
            // SAFETY: from `Box::into_raw` above, and nobody else has seen it.
            drop(unsafe { Box::from_raw(fresh) });
            Rv::err(CKR_CRYPTOKI_ALREADY_INITIALIZED)
        }
    }
}

fn finalize(module: &Module) -> Result<()> {
    let present = ptr::from_ref(module).cast_mut();
    match STATE.compare_exchange(present, ptr::null_mut(), Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            module.end();
            Ok(())
        }
        Err(_) => Rv::err(CKR_CRYPTOKI_NOT_INITIALIZED),
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "what is tested")]
mod tests {
    use super::*;

    #[test]
    fn panics_do_not_reach_the_caller() {
        assert_eq!(guard(|| panic!("in a function's body")), CKR_GENERAL_ERROR);
    }
}
