//! A thread that has used the module ends after the module was unloaded.
//!
//! AWS-LC keeps state for each thread, and has the thread call it when it ends. With the code unmapped by then, hosts
//! that load the module in one thread and unload it there died of SIGSEGV; so the module stays mapped.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::Daemon;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::slot::Slot;

/// Loads the module, makes a key, and unloads the module.
fn use_once() {
    let module = common::load();
    let session = module.open_rw_session(Slot::try_from(0_u64).unwrap()).unwrap();
    let (public, private) = ([common::p256()], [Attribute::Token(true)]);
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap();
    drop(session);
    module.finalize().unwrap();
}

#[test]
fn threads_end_after_the_module_is_unloaded() {
    let daemon = Daemon::start();
    daemon.adopt();
    for _ in 0..2 {
        std::thread::spawn(use_once).join().unwrap();
    }
}
