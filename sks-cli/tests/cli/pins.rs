//! PINs and PUKs: wrong, locked, unlocked, changed; and where they come from.

use crate::support::{PIN, Token};

/// A call that needs the PIN.
fn sign(key: u64) -> String {
    format!("sign {key} --hash {}", "11".repeat(32))
}

#[test]
fn wrong_pins_are_counted_and_lock_and_the_puk_unlocks() {
    let token = Token::start();
    let key = token.enroll("");
    let sign = sign(key);
    for count in 1..=3 {
        token.run(&format!("{sign} --pin-file @wrong")).fails(1, "ERROR_AUTHORIZATION: the PIN is wrong");
        assert_eq!(token.protection(key)["pin_error_count"], count);
    }
    assert_eq!(token.protection(key)["pin_locked"], true);
    assert!(token.run(&format!("key {key}")).ok().text().contains("3 of 3 wrong tries, LOCKED"));
    token.run(&format!("{sign} --pin-file @pin")).fails(1, "the key is locked");
    // A locked key's PIN is not asked for.
    token.run(&sign).fails(1, "the key is locked");

    token.run(&format!("unlock {key} --puk-file @wrong")).fails(1, "ERROR_AUTHORIZATION: the PUK is wrong");
    assert_eq!(token.protection(key)["puk_error_count"], 1);
    assert_eq!(token.run(&format!("unlock {key} --puk-file @puk")).ok().text(), format!("key {key} unlocked\n"));
    token.run(&format!("{sign} --pin-file @pin")).ok();
    assert_eq!(token.protection(key)["pin_error_count"], 0);
}

#[test]
fn a_pin_is_changed_by_itself_and_by_the_puk() {
    let token = Token::start();
    let key = token.enroll("");
    token.write("second", b"s\xc3\xa5fer\n");
    let changed = token.run(&format!("change-pin {key} --pin-file @pin --new-pin-file @second")).ok();
    assert_eq!(changed.text(), format!("key {key} has its new PIN\n"));
    token.run(&format!("{} --pin-file @pin", sign(key))).fails(1, "ERROR_AUTHORIZATION");
    token.run(&format!("{} --pin-file @second", sign(key))).ok();

    for _ in 0..3 {
        token.run(&format!("change-pin {key} --pin-file @wrong --new-pin-file @pin")).fails(1, "ERROR_AUTHORIZATION");
    }
    token.run(&format!("change-pin {key} --puk-file @puk --new-pin-file @pin")).ok();
    token.run(&format!("{} --pin-file @pin", sign(key))).ok();
    token.write("short", b"123");
    token.run(&format!("change-pin {key} --pin-file @pin --new-pin-file @short")).fails(1, "ERROR_OPTION");
}

#[test]
fn a_pin_may_come_by_stdin() {
    let token = Token::start();
    let key = token.enroll("");
    token.run_with(&format!("{} --pin-file -", sign(key)), format!("{PIN}\n").as_bytes()).ok();
    token
        .run_with(&format!("{} --pin-file -", sign(key)), format!("{PIN}\n\n").as_bytes())
        .fails(1, "the PIN is wrong");
}

#[test]
fn a_key_without_a_puk_cannot_be_unlocked() {
    let token = Token::start();
    let key = token.json("enroll --name Alice --new-pin-file @pin")["key_handle"].as_u64().unwrap();
    token.run(&format!("unlock {key}")).fails(1, "ERROR_NOT_ALLOWED: the key has no PUK");
    token.run(&format!("change-pin {key} --with-puk --new-pin-file @pin")).fails(1, "ERROR_NOT_ALLOWED");
    assert_eq!(token.protection(key)["puk"], false);
}

#[test]
fn pins_of_the_local_issuer_have_the_agreed_policy() {
    let token = Token::start();
    let key = token.enroll("");
    let shown = token.json(&format!("key {key}"));
    assert_eq!(shown["group"]["pin_policy_id"], "user-pin");
    assert_eq!(shown["protection"]["retry_limit"], 3);
    assert_eq!(shown["protection"]["user_modifiable"], true);
    assert_eq!(shown["protection"]["enable_pin_caching"], true);
    assert_eq!(shown["protection"]["puk_retry_limit"], 10);
    assert_eq!(token.json("sessions")[0]["issuer_uri"], "urn:x-sks:local-issuer");
}
