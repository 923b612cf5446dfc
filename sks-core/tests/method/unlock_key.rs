//! `unlockKey`, and the rules of PUKs.

use std::time::Duration;

use sks_tests::{Issuing, Token};
use sks_wire::Status;
use sks_wire::types::KeyHandle;

use crate::support::*;

/// Two keys with a PIN each, under one PUK with `retry_limit`.
fn two_keys(token: &Token, retry_limit: u8) -> [KeyHandle; 2] {
    let mut session = Issuing::create(token, |_| {});
    let puk = session.puk("PUK.1", PUK, retry_limit);
    let policies = ["PIN.1", "PIN.2"].map(|name| session.pin(name, |r| r.puk_policy_handle = puk));
    let made = [session.pin_key("A", policies[0], PIN), session.pin_key("B", policies[1], PIN)];
    session.close();
    made.map(|made| made.handle)
}

#[test]
fn resets_both_counters_of_the_key_and_no_other_pin() {
    let token = crowded();
    let [a, b] = two_keys(&token, 3);
    for handle in [a, a, a, b] {
        assert_eq!(token.refusal(&verify(handle, "0000")), Status::Authorization);
    }
    assert_eq!(token.refusal(&unlock(b, "0")), Status::Authorization);
    assert_eq!((errors(&token, a), errors(&token, b)), ((3, 1), (1, 1)), "the PUK is shared");
    token.call(&unlock(a, PUK)).unwrap();
    assert_eq!((errors(&token, a), errors(&token, b)), ((0, 0), (1, 0)));
    token.call(&sign(a, PIN)).unwrap();
    token.call(&unlock(a, PUK)).unwrap();
}

#[test]
fn wrong_puks_lock_it_for_good_and_all_keys_under_it() {
    let token = crowded();
    let [a, b] = two_keys(&token, 3);
    for (wrong, count) in [("", 1), ("0", 2), ("176440", 3)] {
        expect(&token.call(&unlock(a, wrong)).unwrap_err(), Status::Authorization, "the PUK is wrong");
        assert_eq!(errors(&token.restarted(), b), (0, count), "durable before the answer");
    }
    for handle in [a, b] {
        refuses(&token, &unlock(handle, PUK), Status::Authorization, "locked for good");
        assert_eq!(info(&token, handle).protection_status, 0x0B);
    }
    token.call(&sign(a, PIN)).unwrap();
}

#[test]
fn a_puk_without_a_limit_waits_before_each_try_right_or_wrong() {
    let token = crowded();
    let [a, _] = two_keys(&token, 0);
    for (tries, puk) in (1..).zip([PUK, "0", "", PUK]) {
        let answer = token.call(&unlock(a, puk));
        if puk != PUK {
            expect(&answer.unwrap_err(), Status::Authorization, "each try is delayed");
        }
        assert_eq!(token.clock.slept(), Duration::from_secs(tries));
        assert_eq!((errors(&token, a), info(&token, a).puk_retry_limit), ((0, 0), 0));
    }
    let before = token.store.snapshot();
    for _ in 0..300 {
        assert_eq!(token.refusal(&unlock(a, "0")), Status::Authorization);
    }
    assert_eq!(token.store.snapshot(), before, "it never locks");
    assert_eq!(info(&token, a).protection_status, 0x03);
}

#[test]
fn a_puk_with_a_limit_never_waits() {
    let token = crowded();
    let [a, _] = two_keys(&token, 255);
    for _ in 0..255 {
        assert_eq!(token.refusal(&unlock(a, "0")), Status::Authorization);
    }
    refuses(&token, &unlock(a, PUK), Status::Authorization, "locked for good");
    assert_eq!(token.clock.slept(), Duration::ZERO);
}

#[test]
fn needs_a_pin_under_a_puk() {
    let token = crowded();
    let handle = closed_key(&token, |_| {}).handle;
    refuses(&token, &unlock(handle, PUK), Status::NotAllowed, "has no PIN");
    let handle = pin_only_key(&token);
    refuses(&token, &unlock(handle, PUK), Status::NotAllowed, "has no PUK");
    refuses(&token, &unlock(KeyHandle(2), PUK), Status::NoKey, "still open");
    refuses(&token, &unlock(KeyHandle(99), PUK), Status::NoKey, "no key");
}

/// As for PINs: a wrong PUK that a full store does not count is the last comparison until it is counted.
#[test]
fn a_wrong_puk_that_cannot_be_counted_is_the_last_comparison() {
    let token = crowded();
    let [a, b] = two_keys(&token, 2);
    token.store.set_full(true);
    assert_eq!(token.refusal(&unlock(a, "0")), Status::Storage);
    expect(&token.call(&unlock(b, PUK)).unwrap_err(), Status::Storage, "no space is left");
    token.store.set_full(false);
    assert_eq!(token.refusal(&unlock(b, "0")), Status::Authorization);
    refuses(&token, &unlock(a, PUK), Status::Authorization, "locked for good");
}
