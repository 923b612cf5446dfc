//! `setPIN`.

use sks_tests::{Issuing, secret};
use sks_wire::Status;
use sks_wire::types::{Grouping, KeyHandle};

use crate::support::*;

#[test]
fn the_puk_sets_a_new_pin_for_the_group_and_clears_both_counters() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let puk = session.puk("PUK.1", PUK, 3);
    let policy = session.pin("PIN.1", |r| {
        r.puk_policy_handle = puk;
        r.grouping = Grouping::Shared.into();
    });
    let [a, b] = ["A", "B"].map(|name| session.pin_key(name, policy, PIN).handle);
    session.close();
    for _ in 0..3 {
        assert_eq!(token.refusal(&verify(a, "0000")), Status::Authorization);
    }
    expect(&token.call(&set(a, "0", "7777")).unwrap_err(), Status::Authorization, "the PUK is wrong");
    assert_eq!(errors(&token, b), (3, 1));
    token.call(&set(a, PUK, "7777")).unwrap();
    assert_eq!(errors(&token, b), (0, 0));
    token.call(&sign(b, "7777")).unwrap();
}

#[test]
fn a_bad_new_pin_costs_no_try() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    for (new, words) in [("", "MinLength"), ("123456789", "MaxLength"), ("12a4", "Format")] {
        for puk in [PUK, "0"] {
            refuses(&token, &set(handle, puk, new), Status::Option, words);
        }
    }
}

#[test]
fn the_puk_is_checked_with_all_counter_rules() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    for wrong in ["", "0", PIN] {
        expect(&token.call(&set(handle, wrong, "7777")).unwrap_err(), Status::Authorization, "the PUK is wrong");
    }
    refuses(&token, &set(handle, PUK, "7777"), Status::Authorization, "the PUK is locked");
    token.call(&verify(handle, PIN)).unwrap();
}

#[test]
fn the_grouping_rule_comes_after_the_puk() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let puk = session.puk("PUK.1", PUK, 3);
    let policy = session.pin("PIN.1", |r| {
        r.puk_policy_handle = puk;
        r.grouping = Grouping::Unique.into();
    });
    let a = session.key("A", |r| (r.pin_policy_handle, r.pin_value) = (policy, secret("1111"))).handle;
    session.pin_key("B", policy, "2222");
    session.close();
    assert_eq!(token.refusal(&set(a, "0", "2222")), Status::Authorization);
    expect(&token.call(&set(a, PUK, "2222")).unwrap_err(), Status::Option, "another key has this PIN");
    assert_eq!(errors(&token, a), (0, 0), "the PUK was right");
    token.call(&verify(a, "1111")).unwrap();
}

#[test]
fn needs_a_puk_and_a_modifiable_pin() {
    let token = crowded();
    let handle = pin_only_key(&token);
    refuses(&token, &set(handle, PUK, "7777"), Status::NotAllowed, "has no PUK");
    let handle = pin_key(&token, |r| r.user_modifiable = false, |_| {});
    refuses(&token, &set(handle, PUK, "7777"), Status::NotAllowed, "let the user change");
    let handle = closed_key(&token, |_| {}).handle;
    refuses(&token, &set(handle, PUK, "7777"), Status::NotAllowed, "has no PIN");
    refuses(&token, &set(KeyHandle(2), PUK, "7777"), Status::NoKey, "still open");
    refuses(&token, &set(KeyHandle(99), PUK, "7777"), Status::NoKey, "no key");
}
