//! `verifyPIN`, and the counters of grouped PINs.

use sks_tests::{Issuing, Token, secret};
use sks_wire::Status;
use sks_wire::types::{Grouping, KeyHandle, KeyUsage};

use crate::support::*;

#[test]
fn checks_the_pin_with_all_counter_rules_and_does_nothing_else() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |r| r.key_usage = KeyUsage::Transport.into());
    let before = token.store.snapshot();
    token.call(&verify(handle, PIN)).unwrap();
    same(&token.store.snapshot(), &before, "nothing changed");
    for wrong in ["", "0000"] {
        assert_eq!(token.refusal(&verify(handle, wrong)), Status::Authorization);
    }
    assert_eq!(errors(&token, handle), (2, 0));
    token.call(&verify(handle, PIN)).unwrap();
    assert_eq!(errors(&token, handle), (0, 0));
    for _ in 0..3 {
        assert_eq!(token.refusal(&verify(handle, "0000")), Status::Authorization);
    }
    refuses(&token, &verify(handle, PIN), Status::Authorization, "locked");
}

#[test]
fn a_key_without_a_pin_is_refused() {
    let token = crowded();
    let handle = closed_key(&token, |_| {}).handle;
    refuses(&token, &verify(handle, ""), Status::NotAllowed, "has no PIN");
    refuses(&token, &verify(handle, "1"), Status::NotAllowed, "has no PIN");
}

#[test]
fn only_keys_of_closed_sessions_are_found() {
    let token = crowded();
    refuses(&token, &verify(KeyHandle(2), PIN), Status::NoKey, "still open");
    for handle in [0, 99, u32::MAX] {
        refuses(&token, &verify(KeyHandle(handle), PIN), Status::NoKey, "no key");
    }
}

/// Four keys (signature, authentication, signature, authentication); which count together.
#[test]
fn keys_that_share_a_pin_share_its_counter() {
    let rules = [
        (Grouping::None, ["1111", "1111", "1111", "1111"], [0, 1, 2, 3]),
        (Grouping::Shared, ["1111", "1111", "1111", "1111"], [0, 0, 0, 0]),
        (Grouping::SignatureStandard, ["1111", "2222", "1111", "2222"], [0, 1, 0, 1]),
        (Grouping::Unique, ["1111", "2222", "3333", "4444"], [0, 1, 2, 3]),
    ];
    for (grouping, pins, groups) in rules {
        let token = Token::default();
        let mut session = Issuing::create(&token, |_| {});
        let puk = session.puk("PUK.1", PUK, 3);
        let policy = session.pin("PIN.1", |r| {
            r.grouping = grouping.into();
            r.puk_policy_handle = puk;
        });
        let handles: Vec<KeyHandle> = pins
            .iter()
            .enumerate()
            .map(|(at, pin)| {
                let usage = [KeyUsage::Signature, KeyUsage::Authentication][at % 2];
                session
                    .key(&format!("K{at}"), |r| {
                        (r.pin_policy_handle, r.pin_value) = (policy, secret(pin));
                        r.key_usage = usage.into();
                    })
                    .handle
            })
            .collect();
        session.close();
        for tried in 0..4 {
            for _ in 0..3 {
                assert_eq!(token.refusal(&verify(handles[tried], "9999")), Status::Authorization);
            }
            for (at, handle) in handles.iter().enumerate() {
                let together = groups[at] == groups[tried];
                assert_eq!(errors(&token, *handle).0, if together { 3 } else { 0 }, "{grouping:?} {tried} {at}");
                assert_eq!(token.call(&verify(*handle, pins[at])).is_err(), together);
                assert_eq!(group(&token, *handle).pin_group, handles[groups[at]], "the lowest of its group");
            }
            // By the last of the group: unlocking is group-wide too.
            let last = (0..4).rev().find(|at| groups[*at] == groups[tried]).unwrap();
            token.call(&unlock(handles[last], PUK)).unwrap();
            assert_eq!(errors(&token, handles[tried]), (0, 0));
        }
    }
}

/// A wrong PIN that a full store does not count must not be a free guess: nothing is compared until it is counted.
#[test]
fn a_wrong_pin_that_cannot_be_counted_is_the_last_comparison() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    token.store.set_full(true);
    for pin in ["0000", PIN, "0000", PIN] {
        expect(&token.call(&verify(handle, pin)).unwrap_err(), Status::Storage, "no space is left");
    }
    token.store.set_full(false);
    token.call(&verify(handle, PIN)).unwrap();
    assert_eq!(errors(&token, handle), (0, 0));

    assert_eq!(token.refusal(&verify(handle, "0000")), Status::Authorization);
    assert_eq!(token.refusal(&verify(handle, "0000")), Status::Authorization);
    token.store.set_full(true);
    assert_eq!(token.refusal(&verify(handle, "0000")), Status::Storage);
    token.store.set_full(false);
    expect(&token.call(&verify(handle, PIN)).unwrap_err(), Status::Authorization, "locked");
    assert_eq!(errors(&token, handle), (3, 0), "counted late, but counted");
}
