//! The local issuer's slot when its keys have different PINs and PUKs: each opens, and changes, what it is for, and locks
//! nothing else.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{Daemon, is, object, pin};
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectClass;
use cryptoki::session::{Session, UserType};

/// More often than a PIN or a PUK may be wrong.
const OFTEN: usize = 5;

#[test]
fn pins_and_puks_change_what_they_open() {
    let daemon = Daemon::start();
    daemon.enroll("a", Some("1563"), Some("11111111"), &[]);
    daemon.enroll("b", Some("4444"), Some("22222222"), &[]);
    daemon.enroll("c", Some("1563"), Some("11111111"), &[]);
    daemon.adopt();
    let module = common::load();
    let session = module.open_rw_session(common::slot(&module, "local-issuer user-pin")).unwrap();

    // C_SetPIN needs no login.
    for _ in 0..OFTEN {
        session.set_pin(&pin("1563"), &pin("7777")).unwrap();
        session.set_pin(&pin("7777"), &pin("1563")).unwrap();
    }
    opens(&session, "1563", &["a", "c"], &["b"]);
    opens(&session, "4444", &["b"], &["a", "c"]);
    is(session.set_pin(&pin("0000"), &pin("7777")), RvError::PinIncorrect);

    let officer = |puk: &str, new: &str| {
        session.login(UserType::So, Some(&pin(puk))).unwrap();
        session.init_pin(&pin(new)).unwrap();
        session.logout().unwrap();
    };
    for _ in 0..OFTEN {
        officer("11111111", "8888");
    }
    opens(&session, "8888", &["a", "c"], &["b"]);
    opens(&session, "4444", &["b"], &["a", "c"]);
    officer("22222222", "9999");
    opens(&session, "9999", &["b"], &["a", "c"]);
    is(session.login(UserType::So, Some(&pin("00000000"))), RvError::PinIncorrect);
}

fn opens(session: &Session, code: &str, opened: &[&str], closed: &[&str]) {
    session.login(UserType::User, Some(&pin(code))).unwrap();
    let sign = |label| session.sign(&Mechanism::EcdsaSha256, object(session, ObjectClass::PRIVATE_KEY, label), b"x");
    for label in opened {
        sign(label).unwrap();
    }
    for label in closed {
        is(sign(label), RvError::UserNotLoggedIn);
    }
    session.logout().unwrap();
}
