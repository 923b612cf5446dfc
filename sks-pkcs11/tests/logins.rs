//! PINs and PUKs through the module: right, wrong, locked, changed, asked for each time, asked for by pinentry.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::os::unix::fs::PermissionsExt;

use common::{Daemon, is, object, pin};
use cryptoki::context::Pkcs11;
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::{Session, UserType};
use sks_issuer::ca::{Ca, Subject};
use sks_issuer::{KeyOptions, PinPolicyOptions, Protection};
use sks_wire::Secret;
use sks_wire::types::{Id, InputMethod};

/// A key of an issuer that is not the local one.
fn issue(daemon: &Daemon, name: &str, caching: bool, input_method: InputMethod, code: &str) {
    let mut session = common::issuer(daemon, "https://ca.example.com/enroll");
    let options = PinPolicyOptions { input_method, ..PinPolicyOptions::new(Id::new("PIN.1").unwrap()) };
    let policy = session.create_pin_policy(&options, None).unwrap();
    let code = Secret::from(code.as_bytes());
    let mut options = KeyOptions::p256(Id::new("Key.1").unwrap());
    options.friendly_name = name.to_owned();
    options.enable_pin_caching = caching;
    let ca = Ca::create(&Subject::common_name("A CA").unwrap(), 5).unwrap();
    common::certified(&mut session, &ca, &options, Protection::Pin { policy: &policy, pin: &code });
    session.close().unwrap();
}

#[test]
fn logins() {
    let daemon = Daemon::start();
    daemon.enroll("mine", Some("1563"), Some("87654321"), &[]);
    issue(&daemon, "each time", false, InputMethod::Any, "2222");
    issue(&daemon, "by dialogue", true, InputMethod::TrustedGui, "33%3");
    daemon.adopt();
    pinentry(&daemon);
    let module = common::load();
    user(&module);
    officer(&module);
    changed_elsewhere(&daemon, &module);
    each_time(&module);
    by_dialogue(&module);
    several_pins(&daemon, &module);
    shared_pin_at_its_last_try(&daemon, &module);
}

fn open(module: &Pkcs11, label: &str) -> Session {
    module.open_rw_session(common::slot(module, label)).unwrap()
}

fn sign(session: &Session, label: &str) -> cryptoki::error::Result<Vec<u8>> {
    session.sign(&Mechanism::EcdsaSha256, object(session, ObjectClass::PRIVATE_KEY, label), b"x")
}

fn user(module: &Pkcs11) {
    let session = open(module, "mine");
    let info = || module.get_token_info(common::slot(module, "mine")).unwrap();
    assert!(info().login_required() && info().user_pin_initialized() && !info().protected_authentication_path());
    assert_eq!((info().min_pin_length(), info().max_pin_length()), (4, 100));
    assert_eq!(session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap(), []);

    is(session.login(UserType::User, Some(&pin("156"))), RvError::PinLenRange);
    is(session.login(UserType::User, Some(&pin(&"1".repeat(101)))), RvError::PinLenRange);
    assert!(!info().user_pin_count_low(), "a PIN of the wrong length costs no try");
    is(session.login(UserType::User, Some(&pin("0000"))), RvError::PinIncorrect);
    assert!(info().user_pin_count_low() && !info().user_pin_final_try());
    is(session.login(UserType::User, Some(&pin("0000"))), RvError::PinIncorrect);
    assert!(info().user_pin_final_try());
    session.login(UserType::User, Some(&pin("1563"))).unwrap();
    is(session.login(UserType::User, Some(&pin("1563"))), RvError::UserAlreadyLoggedIn);
    is(session.login(UserType::So, Some(&pin("87654321"))), RvError::UserAnotherAlreadyLoggedIn);
    assert!(!info().user_pin_count_low());
    sign(&session, "mine").unwrap();

    let private = object(&session, ObjectClass::PRIVATE_KEY, "mine");
    session.logout().unwrap();
    is(session.logout(), RvError::UserNotLoggedIn);
    is(session.sign(&Mechanism::EcdsaSha256, private, b"x"), RvError::UserNotLoggedIn);
}

fn officer(module: &Pkcs11) {
    let session = open(module, "mine");
    for _ in 0..2 {
        is(session.login(UserType::User, Some(&pin("0000"))), RvError::PinIncorrect);
    }
    is(session.login(UserType::User, Some(&pin("0000"))), RvError::PinLocked);
    is(session.login(UserType::User, Some(&pin("1563"))), RvError::PinLocked);
    let info = module.get_token_info(common::slot(module, "mine")).unwrap();
    assert!(info.user_pin_locked());
    is(session.init_pin(&pin("7777")), RvError::UserNotLoggedIn);
    is(session.login(UserType::So, Some(&pin("00000000"))), RvError::PinIncorrect);
    session.login(UserType::So, Some(&pin("87654321"))).unwrap();
    is(session.init_pin(&pin("1")), RvError::PinLenRange);
    session.init_pin(&pin("7777")).unwrap();
    session.logout().unwrap();
    session.login(UserType::User, Some(&pin("7777"))).unwrap();
    is(session.set_pin(&pin("0000"), &pin("8888")), RvError::PinIncorrect);
    session.set_pin(&pin("7777"), &pin("8888")).unwrap();
    sign(&session, "mine").unwrap();
    session.logout().unwrap();
    // Another issuer's key has no PUK.
    is(open(module, "each time").login(UserType::So, Some(&pin("87654321"))), RvError::UserTypeInvalid);
}

/// A PIN that is kept and was changed behind the module's back is tried once, and then forgotten.
fn changed_elsewhere(daemon: &Daemon, module: &Pkcs11) {
    let session = open(module, "mine");
    session.login(UserType::User, Some(&pin("8888"))).unwrap();
    let private = object(&session, ObjectClass::PRIVATE_KEY, "mine");
    let mut arguments = vec!["change-pin".to_owned(), "1".to_owned()];
    for (option, text) in [("--pin-file", "8888"), ("--new-pin-file", "1563")] {
        arguments.extend([option.to_owned(), daemon.secret(text, text).display().to_string()]);
    }
    let output = daemon.run(common::sks(), &arguments);
    assert!(output.status.success(), "{output:?}");
    for _ in 0..5 {
        is(session.sign(&Mechanism::EcdsaSha256, private, b"x"), RvError::UserNotLoggedIn);
    }
    session.login(UserType::User, Some(&pin("1563"))).unwrap();
    sign(&session, "mine").unwrap();
    session.logout().unwrap();
}

fn each_time(module: &Pkcs11) {
    let session = open(module, "each time");
    session.login(UserType::User, Some(&pin("2222"))).unwrap();
    let private = object(&session, ObjectClass::PRIVATE_KEY, "each time");
    let always = session.get_attributes(private, &[AttributeType::AlwaysAuthenticate]).unwrap();
    assert_eq!(always, [Attribute::AlwaysAuthenticate(true)]);
    is(sign(&session, "each time"), RvError::UserNotLoggedIn);
    is(session.login(UserType::ContextSpecific, Some(&pin("2222"))), RvError::OperationNotInitialized);
    session.sign_init(&Mechanism::EcdsaSha256, private).unwrap();
    is(session.login(UserType::ContextSpecific, Some(&pin("0000"))), RvError::PinIncorrect);
    session.login(UserType::ContextSpecific, Some(&pin("2222"))).unwrap();
    session.sign_update(b"x").unwrap();
    session.sign_final().unwrap();
    is(sign(&session, "each time"), RvError::UserNotLoggedIn);
}

/// A pinentry that always answers the same, first in this process' PATH.
#[allow(unsafe_code, reason = "the module finds the program in the PATH of its host")]
fn pinentry(daemon: &Daemon) {
    let script = "#!/bin/sh\necho OK hello\nwhile read -r line; do\ncase $line in GETPIN) echo 'D 33%253';; esac\necho OK\ndone\n";
    let program = daemon.file("pinentry", script);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", daemon.dir.path().display(), std::env::var("PATH").unwrap());
    // SAFETY: the only test of this program, and no other thread yet.
    unsafe { std::env::set_var("PATH", path) };
}

fn by_dialogue(module: &Pkcs11) {
    let session = open(module, "by dialogue");
    assert!(module.get_token_info(common::slot(module, "by dialogue")).unwrap().protected_authentication_path());
    session.login(UserType::User, None).unwrap();
    sign(&session, "by dialogue").unwrap();
}

/// The label of the local issuer's token, once it has several keys.
const SHARED: &str = "local-issuer user-pin";

/// Two enrolments with different PINs share a slot: each PIN opens its own key, and does not lock the other's.
fn several_pins(daemon: &Daemon, module: &Pkcs11) {
    daemon.enroll("mine too", Some("4444"), None, &[]);
    for (code, opened, closed) in [("1563", "mine", "mine too"), ("4444", "mine too", "mine")] {
        for _ in 0..5 {
            let session = open(module, SHARED);
            session.login(UserType::User, Some(&pin(code))).unwrap();
            sign(&session, opened).unwrap();
            is(sign(&session, closed), RvError::UserNotLoggedIn);
            session.logout().unwrap();
        }
    }
}

/// Two wrong tries, then the right PIN: it opens all keys that have it, although each was at its last try. A key that is
/// locked does not make the others look locked.
fn shared_pin_at_its_last_try(daemon: &Daemon, module: &Pkcs11) {
    daemon.enroll("mine again", Some("4444"), None, &[]);
    let session = open(module, SHARED);
    let login = |code: &str| session.login(UserType::User, Some(&pin(code)));
    // The tries lost: none by "mine", one each by the two of "4444"; after the wrong PIN one and two.
    login("1563").unwrap();
    session.logout().unwrap();
    is(login("0000"), RvError::PinIncorrect);
    login("4444").unwrap();
    sign(&session, "mine too").unwrap();
    sign(&session, "mine again").unwrap();
    session.logout().unwrap();
    // Now "mine" locks, and then the others.
    for _ in 0..2 {
        is(login("0000"), RvError::PinIncorrect);
    }
    login("4444").unwrap();
    session.logout().unwrap();
    for _ in 0..2 {
        is(login("0000"), RvError::PinIncorrect);
    }
    is(login("0000"), RvError::PinLocked);
    is(login("4444"), RvError::PinLocked);
}
