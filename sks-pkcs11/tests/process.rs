//! The module and its process: a daemon that is absent, goes, comes back or dies in the middle of a call, and a fork.
//!
//! One test, for a process has one module, and what it has seen decides what it may say next.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "fork is what is tested")]

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use common::{Daemon, is, object};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectClass;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

#[test]
fn the_module_outlives_its_daemon() {
    let daemon = Daemon::start();
    daemon.enroll("free", None, None, &[]);
    daemon.enroll("mine", Some("1563"), None, &[]);
    daemon.adopt();
    daemon.stop();

    let begun = Instant::now();
    let module = common::load();
    let zero = Slot::try_from(0_u64).unwrap();
    assert_eq!(module.get_slots_with_token().unwrap(), []);
    assert_eq!(module.get_all_slots().unwrap(), [zero]);
    assert!(!module.get_slot_info(zero).unwrap().token_present());
    is(module.get_token_info(zero), RvError::TokenNotPresent);
    is(module.open_rw_session(zero), RvError::TokenNotPresent);
    assert!(begun.elapsed() < Duration::from_secs(5), "an absent daemon is not waited for");

    daemon.serve();
    let session = module.open_rw_session(common::slot(&module, "mine")).unwrap();
    session.login(UserType::User, Some(&AuthPin::new("1563".into()))).unwrap();
    sign(&session).unwrap();

    daemon.stop();
    let private_gone = session.find_objects(&[]);
    is(private_gone, RvError::DeviceRemoved);
    daemon.serve();
    // The login goes on, and so does the session: a new connection is made.
    sign(&session).unwrap();
    daemon.stop();
    daemon.serve();
    sign(&session).unwrap();

    killed_in_a_call(&daemon, &session);
    forked(&module, &session);
}

fn sign(session: &Session) -> cryptoki::error::Result<Vec<u8>> {
    session.sign(&Mechanism::EcdsaSha256, object(session, ObjectClass::PRIVATE_KEY, "mine"), b"x")
}

/// A daemon that stands still and is then killed: the signature fails, and is not made again in silence.
fn killed_in_a_call(daemon: &Daemon, session: &Session) {
    let private = object(session, ObjectClass::PRIVATE_KEY, "mine");
    session.sign(&Mechanism::EcdsaSha256, private, b"x").unwrap();
    let pid = std::fs::read_to_string(daemon.path("pid")).unwrap();
    let signal = |name: &str| assert!(Command::new("kill").args([name, pid.trim()]).status().unwrap().success());
    signal("-STOP");
    // One thread takes the signal; until it runs, which a busy machine may put off, the others answer calls.
    while !stands_still(pid.trim()) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let killer = {
        let pid = pid.trim().to_owned();
        std::thread::spawn(move || {
            // By then the call is out.
            std::thread::sleep(Duration::from_secs(2));
            Command::new("kill").args(["-KILL", &pid]).status().unwrap()
        })
    };
    is(session.sign(&Mechanism::EcdsaSha256, private, b"x"), RvError::DeviceError);
    assert!(killer.join().unwrap().success());
    daemon.stop();
    daemon.serve();
    session.sign(&Mechanism::EcdsaSha256, private, b"x").unwrap();
}

/// Whether all threads of a process are stopped: the state in proc_pid_stat(5), after the name in parentheses.
fn stands_still(pid: &str) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.into_iter().all(|thread| {
        let stat = std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().starts_with('T')
    })
}

/// The child has to initialise the module anew, and then has connections of its own.
fn forked(module: &Pkcs11, session: &Session) {
    // SAFETY: the child runs what is below and nothing else, and ends without unwinding into the test.
    let child = unsafe { fork() };
    if child == 0 {
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| in_child(module, session)));
        // SAFETY: ends the child at once.
        unsafe { _exit(i32::from(good.is_err())) };
    }
    // The parent goes on meanwhile, on its own connections.
    for _ in 0..50 {
        sign(session).unwrap();
    }
    let mut status = -1;
    // SAFETY: the child's id and a place for its status.
    assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child failed");
    sign(session).unwrap();
}

fn in_child(module: &Pkcs11, inherited: &Session) {
    is(module.get_all_slots(), RvError::CryptokiNotInitialized);
    is(inherited.get_session_info().map(|_| ()), RvError::CryptokiNotInitialized);
    // Through a loading of its own: the crate's remembers that it is initialised.
    let own = Pkcs11::new(common::module()).unwrap();
    own.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let session = own.open_rw_session(common::slot(&own, "mine")).unwrap();
    assert_eq!(session.find_objects(&[cryptoki::object::Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap(), []);
    session.login(UserType::User, Some(&AuthPin::new("1563".into()))).unwrap();
    for _ in 0..50 {
        sign(&session).unwrap();
    }
}
