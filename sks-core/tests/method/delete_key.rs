//! `deleteKey`.

use sks_tests::{Issuing, Token, secret};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::types::{DeletePolicy, Grouping, KeyHandle};

use crate::support::*;

/// With the last key go its PIN policy, then the PUK policy, then the session.
#[test]
fn what_governed_only_the_key_goes_with_it() {
    let token = crowded();
    let mut steps = vec![world(&token)];
    let mut session = Issuing::create(&token, |r| r.updatable = true);
    let puk = session.puk("PUK.1", PUK, 3);
    let [one, two] = ["PIN.1", "PIN.2"].map(|name| {
        session.pin(name, |r| {
            r.puk_policy_handle = puk;
            r.grouping = Grouping::Shared.into();
        })
    });
    let a = session.pin_key("A", one, PIN);
    let b = session.pin_key("B", one, PIN);
    let c = session.pin_key("C", two, PIN);
    session.extension(&a, "x", b"x");
    let d = session.symmetric_key("D", b"k", &[Algorithm::HmacSha1], |_| {});
    session.close();
    let count = |token: &Token| {
        use sks_core::record::Record as R;
        let all = world(token);
        let is = |pick: fn(&R) -> bool| all.values().filter(|record| pick(record)).count();
        [
            is(|r| matches!(r, R::Key(_))),
            is(|r| matches!(r, R::Material(_))),
            is(|r| matches!(r, R::Extension(_))),
            is(|r| matches!(r, R::PinGroup(_))),
            is(|r| matches!(r, R::PinPolicy(_))),
            is(|r| matches!(r, R::PukPolicy(_))),
            is(|r| matches!(r, R::Session(_))),
        ]
    };
    assert_eq!(count(&token), [6, 6, 2, 4, 4, 3, 3]);
    for (handle, left) in [
        (a.handle, [5, 5, 1, 4, 4, 3, 3]),
        (b.handle, [4, 4, 1, 3, 3, 3, 3]),
        (c.handle, [3, 3, 1, 2, 2, 2, 3]),
        (d.handle, [2, 2, 1, 2, 2, 2, 2]),
    ] {
        token.call(&delete(handle, "")).unwrap();
        assert_eq!(count(&token), left);
        refuses(&token, &delete(handle, ""), Status::NoKey, "no key with this handle");
    }
    assert_eq!(world(&token), steps.remove(0));
}

#[test]
fn the_lowest_of_a_group_may_go() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let policy = session.pin("PIN.1", |r| r.grouping = Grouping::Shared.into());
    let handles = ["A", "B", "C"].map(|name| session.pin_key(name, policy, PIN).handle);
    session.close();
    assert_eq!(token.refusal(&verify(handles[0], "0000")), Status::Authorization);
    for at in 0..2 {
        assert_eq!(group(&token, handles[2]).pin_group, handles[at]);
        token.call(&delete(handles[at], "")).unwrap();
        assert_eq!(errors(&token, handles[2]), (1, 0), "the counter stays");
    }
    assert_eq!(group(&token, handles[2]).pin_group, handles[2]);
    token.call(&change(handles[2], PIN, "7777")).unwrap();
    token.call(&sign(handles[2], "7777")).unwrap();
}

#[test]
fn a_pin_or_puk_is_asked_for_as_the_policy_says() {
    let token = crowded();
    let none = pin_key(&token, |_| {}, |_| {});
    refuses(&token, &delete(none, PIN), Status::Authorization, "none is asked for");
    token.call(&delete(none, "")).unwrap();

    let pin = pin_key(&token, |_| {}, |r| r.delete_policy = DeletePolicy::Pin.into());
    for wrong in ["", PUK] {
        expect(&token.call(&delete(pin, wrong)).unwrap_err(), Status::Authorization, "the PIN is wrong");
    }
    assert_eq!(errors(&token, pin), (2, 0));
    token.call(&delete(pin, PIN)).unwrap();
    let pin = pin_key(&token, |_| {}, |r| r.delete_policy = DeletePolicy::Pin.into());
    for _ in 0..3 {
        assert_eq!(token.refusal(&verify(pin, "0000")), Status::Authorization);
    }
    refuses(&token, &delete(pin, PIN), Status::Authorization, "locked by wrong PINs");

    let puk = pin_key(&token, |_| {}, |r| r.delete_policy = DeletePolicy::Puk.into());
    for wrong in ["", PIN] {
        expect(&token.call(&delete(puk, wrong)).unwrap_err(), Status::Authorization, "the PUK is wrong");
    }
    assert_eq!(errors(&token, puk), (0, 2));
    token.call(&delete(puk, PUK)).unwrap();
}

/// A right PUK resets its own counter and leaves the PIN's.
#[test]
fn a_right_puk_does_not_unlock_the_pin() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let puk = session.puk("PUK.1", PUK, 3);
    let policy = session.pin("PIN.1", |r| {
        r.puk_policy_handle = puk;
        r.grouping = Grouping::Shared.into();
    });
    let [a, b] = ["A", "B"].map(|name| {
        let made = session.key(name, |r| {
            (r.pin_policy_handle, r.pin_value) = (policy, secret(PIN));
            r.delete_policy = DeletePolicy::Puk.into();
        });
        made.handle
    });
    session.close();
    for _ in 0..3 {
        assert_eq!(token.refusal(&verify(a, "0000")), Status::Authorization);
    }
    assert_eq!(token.refusal(&delete(a, "0")), Status::Authorization);
    assert_eq!(errors(&token, b), (3, 1));
    token.call(&delete(a, PUK)).unwrap();
    assert_eq!(errors(&token, b), (3, 0));
}

#[test]
fn only_keys_of_closed_sessions_are_found() {
    let token = crowded();
    refuses(&token, &delete(KeyHandle(2), ""), Status::NoKey, "still open");
    for handle in [0, 99, u32::MAX] {
        refuses(&token, &delete(KeyHandle(handle), ""), Status::NoKey, "no key with this handle");
    }
}

#[test]
fn a_full_store_still_lets_keys_go() {
    let token = crowded();
    let before = world(&token);
    let handle = pin_key(&token, |_| {}, |r| r.delete_policy = DeletePolicy::Pin.into());
    let count = changes(&token);
    token.store.set_full(true);
    token.call(&delete(handle, PIN)).unwrap();
    same(&world(&token), &before, "all of it is gone");
    assert_ne!(changes(&token), count, "clients must list anew");
    let token = token.restarted();
    assert_ne!(changes(&token), count, "after a restart too");
}
