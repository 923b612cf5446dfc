//! `postProvisioningDeleteKey`.

use sks_core::record::{Address, Record};
use sks_issuer::SessionKey;
use sks_tests::{Issuing, Made, Token};
use sks_wire::method::post_provisioning_delete_key::{Request, mac_data};
use sks_wire::types::{KeyHandle, ProvisioningHandle};
use sks_wire::{MethodId, Status};

use crate::support::*;

#[test]
fn the_target_works_until_the_close_and_is_gone_then_with_its_session() {
    let token = crowded();
    let before = world(&token);
    let (target, owner) = updatable_key(&token);
    let mut open = Open::on(&token, |_| {});
    let request = open.delete_request(&owner, &target);
    open.send(&request);
    assert_eq!(open.stored().unwrap().mac_sequence_counter, 1);
    token.call(&sign(target.handle, "")).unwrap();
    open.close();
    refuses(&token, &sign(target.handle, ""), Status::NoKey, "no key with this handle");
    assert_eq!(world(&token), before, "neither session owns a key");
}

#[test]
fn policies_go_with_their_last_key_and_the_other_keys_get_a_new_owner() {
    let token = Token::default();
    let mut first = Issuing::create(&token, |r| r.updatable = true);
    let puk = first.puk("PUK.1", PUK, 3);
    let policies = ["PIN.1", "PIN.2"].map(|name| first.pin(name, |r| r.puk_policy_handle = puk));
    let [a, b] = [("A", policies[0]), ("B", policies[1])].map(|(name, policy)| {
        first.key(name, |r| {
            (r.pin_policy_handle, r.pin_value) = (policy, sks_tests::secret(PIN));
            r.updatable = true;
        })
    });
    first.close();
    let mut second = Issuing::create(&token, |r| r.updatable = true);
    let request = second.delete_request(&first.key, &a);
    second.send(&request);
    second.close();
    assert_eq!(
        keys(&token).iter().map(|(handle, key)| (*handle, key.provisioning_handle)).collect::<Vec<_>>(),
        [(b.handle.0, second.handle)]
    );
    let all = token.store.snapshot();
    assert!(!all.contains_key(&Address::Session(first.handle.0)), "the old session has no mission any more");
    assert!(!all.contains_key(&Address::PinPolicy(policies[0].0)));
    assert!(all.contains_key(&Address::PinPolicy(policies[1].0)) && all.contains_key(&Address::PukPolicy(puk.0)));
    token.call(&sign(b.handle, PIN)).unwrap();

    // What counts from now on is the key of the session that owns it.
    let mut wrong = Open::on(&token, |_| {});
    let request = wrong.delete_request(&first.key, &b);
    let refused = wrong.try_send(&request).unwrap_err();
    expect(&refused, Status::Mac, "MAC does not match");
    let mut third = Issuing::create(&token, |_| {});
    let request = third.delete_request(&second.key, &b);
    third.send(&request);
    third.close();
    assert!(world(&token).keys().all(|at| *at == Address::Identity), "{:?}", world(&token));
}

#[test]
fn costs_one_operation_here_and_one_of_the_targets_session() {
    for (limit, owners, allowed) in [(1, 1, true), (0, 1, false), (1, 0, false)] {
        let token = crowded();
        let mut first = Issuing::create(&token, |r| {
            r.updatable = true;
            r.session_key_limit = 4 + owners;
        });
        let target = first.key("Key.1", |r| r.updatable = true);
        first.close();
        let mut open = Open::on(&token, |r| r.session_key_limit = limit);
        let request = open.delete_request(&first.key, &target);
        if allowed {
            open.send(&request);
            assert_eq!(open.stored().unwrap().session_key_uses, limit);
            assert_eq!(stored(&token, first.handle).unwrap().session_key_uses, 5);
        } else {
            open.aborts(&request, Status::NotAllowed, if limit == 0 { "that SessionKeyLimit" } else { "the target's" });
            assert_eq!(stored(&token, first.handle).unwrap().session_key_uses, 4, "neither was charged");
        }
    }
}

/// The old session's key was used, whatever becomes of the new session.
#[test]
fn the_old_session_stays_charged() {
    let token = crowded();
    let mut first = Issuing::create(&token, |r| {
        r.updatable = true;
        r.session_key_limit = 4 + 3;
    });
    let target = first.key("Key.1", |r| r.updatable = true);
    first.close();
    for (used, wrong) in [(5, true), (6, false), (7, true)] {
        let mut open = Open::on(&token, |_| {});
        let mut request = open.delete_request(&first.key, &target);
        if wrong {
            request.mac[0] ^= 1;
            assert_eq!(open.try_send(&request).unwrap_err().status, Status::Mac);
        } else {
            open.send(&request);
            open.abort();
        }
        assert_eq!(stored(&token, first.handle).unwrap().session_key_uses, used);
        assert!(stored(&token, open.handle).is_none());
    }
    let open = Open::on(&token, |_| {});
    open.aborts(&open.delete_request(&first.key, &target), Status::NotAllowed, "the target's session key");
    token.call(&sign(target.handle, "")).unwrap();
}

#[test]
fn the_target_must_be_a_key_of_a_closed_session() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    let mut open = Open::on(&token, |_| {});
    let own = open.key("Key.1", |r| r.updatable = true);
    let other = keys(&token)[1].0;
    for handle in [own.handle.0, other, 0, 99, u32::MAX] {
        let mut open = Open::on(&token, |_| {});
        if handle == own.handle.0 {
            let own = open.key("Key.1", |r| r.updatable = true);
            open.aborts(&open.delete_request(&open.key, &own), Status::NoKey, "still open");
            continue;
        }
        let request = Request { key_handle: KeyHandle(handle), ..open.delete_request(&owner, &target) };
        open.aborts(&request, Status::NoKey, "key");
    }
}

#[test]
fn key_and_session_must_both_be_updatable() {
    for (session, key) in [(false, false), (false, true), (true, false)] {
        let token = crowded();
        let mut first = Issuing::create(&token, |r| r.updatable = session);
        let target = first.key("Key.1", |r| r.updatable = key);
        first.close();
        let open = Open::on(&token, |_| {});
        open.aborts(&open.delete_request(&first.key, &target), Status::NotAllowed, "not Updatable");
    }
}

#[test]
fn a_target_is_taken_once_in_a_session() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    let mut open = Open::on(&token, |_| {});
    let request = open.delete_request(&owner, &target);
    open.send(&request);
    let request = open.delete_request(&owner, &target);
    let refused = open.try_send(&request).unwrap_err();
    expect(&refused, Status::NotAllowed, "has scheduled an operation on this key");
    assert!(stored(&token, open.handle).is_none());
}

#[test]
fn both_macs_must_be_right() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    let wrong: [fn(&Open, &SessionKey, &Made) -> [u8; 32]; 6] = [
        |open, owner, target| open.delete_request(owner, target).mac.map(|byte| byte ^ 1),
        // The new session's key inside.
        |open, _, target| open.delete_request(&open.key, target).mac,
        // The owner's key outside.
        |open, owner, target| {
            let proof = owner.proof_of_issuance(&target.certificate);
            owner.mac(MethodId::PostProvisioningDeleteKey, open.counter, &mac_data(&proof))
        },
        // The certificate, not its proof.
        |open, _, target| open.mac(MethodId::PostProvisioningDeleteKey, &[&target.certificate]),
        // Another key's certificate.
        |open, owner, target| {
            let other = Made { certificate: target.public_key.clone(), ..target.clone() };
            open.delete_request(owner, &other).mac
        },
        |open, owner, target| {
            let proof = owner.proof_of_issuance(&target.certificate);
            open.mac(MethodId::PostProvisioningUpdateKey, &mac_data(&proof))
        },
    ];
    for make in wrong {
        let mut open = Open::on(&token, |_| {});
        let mac = make(&open, &owner, &target);
        let request = Request { mac, ..open.delete_request(&owner, &target) };
        expect(&open.try_send(&request).unwrap_err(), Status::Mac, "MAC does not match");
        assert!(stored(&token, open.handle).is_none());
    }
    token.call(&sign(target.handle, "")).unwrap();
}

#[test]
fn a_target_that_is_gone_at_the_close_ends_the_session() {
    let token = crowded();
    let before = world(&token);
    let (target, owner) = updatable_key(&token);
    let mut open = Open::on(&token, |_| {});
    let request = open.delete_request(&owner, &target);
    open.send(&request);
    open.key("Key.2", |_| {});
    token.call(&delete(target.handle, "")).unwrap();
    let refused = open.try_close().unwrap_err();
    expect(&refused, Status::SessionVerify, "was deleted, or updated");
    same(&world(&token), &before, "all of it is gone");
}

/// Of two sessions that touch one owner the first to close wins, even if their targets are different keys.
#[test]
fn the_first_close_wins() {
    let token = crowded();
    let mut first = Issuing::create(&token, |r| r.updatable = true);
    let a = first.key("A", |r| r.updatable = true);
    let b = first.key("B", |r| r.updatable = true);
    first.close();
    for targets in [[&a, &a], [&a, &b]] {
        let token = Token::on(
            sks_tests::MemStore::from_snapshot(token.store.snapshot()),
            sks_core::Config::default(),
            std::sync::Arc::new(sks_core::crypto::engine()),
        );
        let mut sessions = targets.map(|target| {
            let mut session = Issuing::create(&token, |r| r.updatable = true);
            let request = session.delete_request(&first.key, target);
            session.send(&request);
            session
        });
        sessions[1].close();
        let after = world(&token);
        let refused = sessions[0].try_close().unwrap_err();
        expect(&refused, Status::SessionVerify, "was deleted, or updated");
        let left = world(&token);
        assert!(left.iter().all(|(at, record)| after.get(at) == Some(record)), "nothing is new");
        let owners: Vec<u32> = left
            .values()
            .filter_map(|record| match record {
                Record::Key(key) if key.provisioned => Some(key.session),
                _ => None,
            })
            .collect();
        assert_eq!(owners, [1, sessions[1].handle.0], "the crowd's, and what the winner left");
    }
}

#[test]
fn needs_an_open_session() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    let open = Open::on(&token, |_| {});
    let request = Request { provisioning_handle: ProvisioningHandle(1), ..open.delete_request(&owner, &target) };
    refuses(&token, &request, Status::NoSession, "no provisioning session");
}
