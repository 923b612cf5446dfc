//! Another token behind the same socket: what it answers for a handle of the first one's is not passed on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "the module takes its socket from the environment")]

mod common;

use std::os::unix::fs::symlink;

use common::{Daemon, is, object};
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectClass;
use cryptoki::slot::Slot;

#[test]
fn another_tokens_signature_is_not_passed_on() {
    let (first, second) = (Daemon::start(), Daemon::start());
    first.enroll("of the first", None, None, &[]);
    second.enroll("of the second", None, None, &[]);
    first.adopt();
    let socket = first.path("either.sock");
    symlink(first.path("sks.sock"), &socket).unwrap();
    // SAFETY: the only test of this program, before the module is loaded.
    unsafe { std::env::set_var("SKS_SOCKET", &socket) };
    let module = common::load();
    let session = module.open_rw_session(Slot::try_from(0_u64).unwrap()).unwrap();
    let key = object(&session, ObjectClass::PRIVATE_KEY, "of the first");
    session.sign(&Mechanism::EcdsaSha256, key, b"x").unwrap();

    // The token itself, begun anew, goes on.
    first.stop();
    first.serve();
    session.sign(&Mechanism::EcdsaSha256, key, b"x").unwrap();

    session.sign_init(&Mechanism::EcdsaSha256, key).unwrap();
    first.stop();
    std::fs::remove_file(&socket).unwrap();
    symlink(second.path("sks.sock"), &socket).unwrap();
    session.sign_update(b"x").unwrap();
    is(session.sign_final(), RvError::DeviceError);
    let own = object(&session, ObjectClass::PRIVATE_KEY, "of the second");
    session.sign(&Mechanism::EcdsaSha256, own, b"x").unwrap();
}
