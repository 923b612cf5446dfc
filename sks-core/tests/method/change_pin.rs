//! `changePIN`.

use sks_tests::{Issuing, Token, secret};
use sks_wire::Status;
use sks_wire::types::{Format, Grouping, KeyHandle, KeyUsage, Octet, pattern};

use crate::support::*;

#[test]
fn the_new_pin_holds_for_all_keys_that_share_the_old_one() {
    let rules = [
        (Grouping::None, ["1111", "1111", "1111"], [true, false, false]),
        (Grouping::Shared, ["1111", "1111", "1111"], [true, true, true]),
        (Grouping::SignatureStandard, ["1111", "2222", "1111"], [true, false, true]),
        (Grouping::Unique, ["1111", "2222", "3333"], [true, false, false]),
    ];
    for (grouping, pins, changed) in rules {
        let token = Token::default();
        let mut session = Issuing::create(&token, |_| {});
        let policy = session.pin("PIN.1", |r| r.grouping = grouping.into());
        let handles: Vec<KeyHandle> = (0..3)
            .map(|at| {
                let usage = [KeyUsage::Signature, KeyUsage::Authentication][at % 2];
                let made = session.key(&format!("K{at}"), |r| {
                    (r.pin_policy_handle, r.pin_value) = (policy, secret(pins[at]));
                    r.key_usage = usage.into();
                });
                made.handle
            })
            .collect();
        session.close();
        assert_eq!(token.refusal(&verify(handles[0], "0000")), Status::Authorization);
        token.call(&change(handles[0], "1111", "7777")).unwrap();
        for (at, handle) in handles.iter().enumerate() {
            assert_eq!(errors(&token, *handle), (0, 0));
            assert_eq!(token.call(&verify(*handle, "7777")).is_ok(), changed[at], "{grouping:?} {at}");
            token.call(&verify(*handle, if changed[at] { "7777" } else { pins[at] })).unwrap();
        }
    }
}

#[test]
fn a_bad_new_pin_costs_no_try() {
    let token = crowded();
    let handle = pin_key(
        &token,
        |r| (r.pattern_restrictions, r.format) = (Octet(pattern::TWO_IN_A_ROW), Format::Numeric.into()),
        |_| {},
    );
    for (new, words) in [
        ("", "MinLength"),
        ("123", "MinLength"),
        ("123456789", "MaxLength"),
        ("12a4", "Format"),
        ("1124", "two-in-a-row"),
    ] {
        for old in [PIN, "0000"] {
            refuses(&token, &change(handle, old, new), Status::Option, words);
        }
    }
}

#[test]
fn the_old_pin_is_checked_with_all_counter_rules() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    for wrong in ["", "0000", "1"] {
        expect(&token.call(&change(handle, wrong, "7777")).unwrap_err(), Status::Authorization, "the PIN is wrong");
    }
    refuses(&token, &change(handle, PIN, "7777"), Status::Authorization, "locked");
    refuses(&token, &change(handle, PIN, "1"), Status::Option, "MinLength");
    token.call(&unlock(handle, PUK)).unwrap();
    token.call(&verify(handle, PIN)).unwrap();
}

/// The grouping rule comes after the old PIN: else a thief could ask which PINs other keys have.
#[test]
fn the_grouping_rule_is_no_oracle_for_other_pins() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let policy = session.pin("PIN.1", |r| r.grouping = Grouping::Unique.into());
    let a = session.pin_key("A", policy, "1111").handle;
    let b = session.pin_key("B", policy, "2222").handle;
    session.close();
    expect(&token.call(&change(a, "0000", "2222")).unwrap_err(), Status::Authorization, "wrong");
    assert_eq!(errors(&token, a).0, 1);
    expect(&token.call(&change(a, "1111", "2222")).unwrap_err(), Status::Option, "another key has this PIN");
    assert_eq!(errors(&token, a).0, 0, "the old PIN was right");
    token.call(&verify(a, "1111")).unwrap();
    token.call(&change(a, "1111", "1111")).unwrap();
    token.call(&change(a, "1111", "3333")).unwrap();
    token.call(&change(b, "2222", "1111")).unwrap();
}

#[test]
fn the_halves_of_signature_and_standard_must_differ() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let policy = session.pin("PIN.1", |r| r.grouping = Grouping::SignatureStandard.into());
    let a = session.pin_key("A", policy, "1111").handle;
    session.key("B", |r| {
        (r.pin_policy_handle, r.pin_value) = (policy, secret("2222"));
        r.key_usage = KeyUsage::Signature.into();
    });
    session.close();
    expect(&token.call(&change(a, "1111", "2222")).unwrap_err(), Status::Option, "another key has this PIN");
    token.call(&verify(a, "1111")).unwrap();
}

#[test]
fn only_modifiable_pins_change() {
    let token = crowded();
    let handle = pin_key(&token, |r| r.user_modifiable = false, |_| {});
    refuses(&token, &change(handle, "0000", "7777"), Status::NotAllowed, "let the user change");
    let handle = closed_key(&token, |_| {}).handle;
    refuses(&token, &change(handle, "", "7777"), Status::NotAllowed, "has no PIN");
}

#[test]
fn only_keys_of_closed_sessions_are_found() {
    let token = crowded();
    refuses(&token, &change(KeyHandle(2), PIN, "7777"), Status::NoKey, "still open");
    refuses(&token, &change(KeyHandle(99), PIN, "7777"), Status::NoKey, "no key");
}

#[test]
fn a_full_store_keeps_the_old_pin() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    token.store.set_full(true);
    refuses(&token, &change(handle, PIN, "7777"), Status::Storage, "no space");
    token.call(&verify(handle, PIN)).unwrap();
}

/// Of two changes at once, the second finds that its old PIN is none any more.
#[test]
fn two_changes_at_once_come_one_after_another() {
    use std::sync::mpsc::channel;
    use std::time::Duration;
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    let (done, second) = channel();
    let other = token.clone();
    token.store.before_begin(move || {
        let (started, wait) = channel::<()>();
        std::thread::spawn(move || {
            drop(started);
            done.send(other.call(&change(handle, PIN, "2222"))).unwrap();
        });
        wait.recv().unwrap_err();
        std::thread::sleep(Duration::from_millis(50));
    });
    token.call(&change(handle, PIN, "1111")).unwrap();
    let second = second.recv_timeout(Duration::from_secs(5)).unwrap();
    expect(&second.unwrap_err(), Status::Authorization, "the PIN is wrong");
    token.call(&verify(handle, "1111")).unwrap();
}
