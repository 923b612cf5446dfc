//! `postProvisioningUpdateKey`.

use sks_core::record::{Address, Record};
use sks_issuer::SessionKey;
use sks_tests::{Issuing, Made, Token, secret};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::perform_hmac;
use sks_wire::method::post_provisioning_update_key::{Request, mac_data};
use sks_wire::types::{ExportPolicy, Grouping, KeyHandle, KeyUsage, ProvisioningHandle};
use sks_wire::{MethodId, Status};

use crate::support::*;

/// Two updatable keys that share a PIN under a PUK; the first has two extensions.
fn two_keys(token: &Token) -> (Issuing, Made, Made) {
    let mut session = Issuing::create(token, |r| r.updatable = true);
    let puk = session.puk("PUK.1", PUK, 3);
    let pin = session.pin("PIN.1", |r| {
        r.puk_policy_handle = puk;
        r.grouping = Grouping::SignatureStandard.into();
    });
    let [a, b] = ["A", "B"].map(|name| {
        session.key(name, |r| {
            (r.pin_policy_handle, r.pin_value) = (pin, secret(PIN));
            r.updatable = true;
            r.key_usage = KeyUsage::Authentication.into();
            r.friendly_name = "old".into();
        })
    });
    session.extension(&a, "x", b"old x");
    session.extension(&a, "y", b"old y");
    session.close();
    (session, a, b)
}

/// All is new but the handle, the PIN, its counter and its group; the other key has a new owner and nothing else new.
#[test]
fn the_new_key_answers_under_the_targets_handle_and_pin() {
    let token = crowded();
    let (first, a, b) = two_keys(&token);
    assert_eq!(token.refusal(&sign(a.handle, "0000")), Status::Authorization);
    token.call(&sign(b.handle, PIN)).unwrap();
    assert_eq!(token.refusal(&sign(a.handle, "0000")), Status::Authorization);
    let shared = group(&token, a.handle);

    let mut second = Issuing::create(&token, |r| r.updatable = true);
    let new = second.key("New", |r| {
        r.key_usage = KeyUsage::Signature.into();
        r.export_policy = ExportPolicy::None.into();
        r.friendly_name = "new".into();
    });
    second.extension(&new, "y", b"new y");
    let request = second.update_request(&new, &first.key, &a);
    second.send(&request);
    assert_eq!(info(&token, a.handle).export_policy, ExportPolicy::NonExportable.into(), "not yet");
    second.close();

    refuses(&token, &sign(new.handle, ""), Status::NoKey, "no key with this handle");
    let told: Vec<_> = keys(&token)
        .into_iter()
        .filter(|(_, key)| key.provisioning_handle == second.handle)
        .map(|(handle, key)| (handle, key.id, key.x509_certificate.0[0].clone()))
        .collect();
    assert_eq!(told, [(a.handle.0, new.id, new.certificate), (b.handle.0, b.id, b.certificate)]);
    let now = attributes(&token, a.handle);
    assert_eq!((now.key_usage, now.friendly_name), (KeyUsage::Signature.into(), "new".into()));
    assert_eq!(now.extension_type.0, ["y".into()]);
    assert_eq!(token.call(&extension_of(a.handle, "y")).unwrap().extension_data.0, secret("new y"));
    refuses(&token, &extension_of(a.handle, "x"), Status::Option, "no extension of this type");
    assert!(!token.store.snapshot().contains_key(&Address::Extension(a.handle.0, 1)));

    // A signature key now, but in the group of the standard key that it replaced.
    assert_eq!((group(&token, a.handle), group(&token, b.handle)), (shared.clone(), shared));
    assert_eq!((errors(&token, a.handle), errors(&token, b.handle)), ((1, 0), (1, 0)));
    let info = info(&token, a.handle);
    assert_eq!((info.export_policy, info.updatable), (ExportPolicy::None.into(), false));
    let signature = token.call(&sign(a.handle, PIN)).unwrap().result;
    let key = sks_issuer::device::VerifyingKey::from_spki(&new.public_key).unwrap();
    assert!(key.verifies_hash(&HASH, &signature), "with the new private key");
    assert!(stored(&token, first.handle).is_none());
    refuses(&token, &export(a.handle, PIN), Status::Authorization, "none is asked for");
    token.call(&export(a.handle, "")).unwrap();
}

#[test]
fn a_key_may_change_its_kind() {
    let token = crowded();
    let (first, a, _) = two_keys(&token);
    let mut second = Issuing::create(&token, |_| {});
    let new = second.symmetric_key("New", b"k", &[Algorithm::HmacSha1], |_| {});
    let request = second.update_request(&new, &first.key, &a);
    second.send(&request);
    second.close();
    let request = perform_hmac::Request {
        key_handle: a.handle,
        hmac_algorithm: Algorithm::HmacSha1.uri().into(),
        pin: secret(PIN),
        data: vec![],
    };
    assert_eq!(token.call(&request).unwrap().result.len(), 20);
    refuses(&token, &sign(a.handle, PIN), Status::NotAllowed, "KeyUsage");
}

#[test]
fn an_unprotected_target_stays_unprotected() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    let mut open = Open::on(&token, |_| {});
    let new = open.key("New", |_| {});
    let request = open.update_request(&new, &owner, &target);
    open.send(&request);
    open.close();
    token.call(&sign(target.handle, "")).unwrap();
    assert_eq!(keys(&token).len(), 3);
}

#[test]
fn one_session_may_update_and_delete_several_keys_of_several_owners() {
    let token = crowded();
    let (first, a, b) = two_keys(&token);
    let (c, other) = updatable_key(&token);
    let mut open = Open::on(&token, |r| r.updatable = true);
    let new = open.key("New", |_| {});
    let fresh = open.key("Fresh", |_| {});
    let request = open.update_request(&new, &first.key, &b);
    open.send(&request);
    let request = open.delete_request(&first.key, &a);
    open.send(&request);
    let request = open.delete_request(&other, &c);
    open.send(&request);
    open.close();
    let own: Vec<u32> = keys(&token)
        .into_iter()
        .filter(|(_, key)| key.provisioning_handle == open.handle)
        .map(|(handle, _)| handle)
        .collect();
    assert_eq!(own, [b.handle.0, fresh.handle.0]);
    assert_eq!(group(&token, b.handle).pin_group, b.handle, "the lowest that is left");
    token.call(&sign(b.handle, PIN)).unwrap();
    token.call(&sign(fresh.handle, "")).unwrap();
}

#[test]
fn the_targets_pin_counter_counts_on_until_the_close() {
    let token = crowded();
    let (first, a, b) = two_keys(&token);
    let mut open = Open::on(&token, |_| {});
    let new = open.key("New", |_| {});
    let request = open.update_request(&new, &first.key, &a);
    open.send(&request);
    for _ in 0..3 {
        assert_eq!(token.refusal(&verify(b.handle, "0000")), Status::Authorization);
    }
    open.close();
    refuses(&token, &sign(a.handle, PIN), Status::Authorization, "locked");
    token.call(&unlock(a.handle, PUK)).unwrap();
    token.call(&change(a.handle, PIN, "2222")).unwrap();
    token.call(&sign(b.handle, "2222")).unwrap();
}

#[test]
fn costs_one_operation_here_and_one_of_the_targets_session() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    for spare in [1, 0] {
        let mut open = Open::on(&token, |r| r.session_key_limit = 2 + spare);
        let new = open.key("New", |_| {});
        let before = stored(&token, ProvisioningHandle(3)).unwrap().session_key_uses;
        let request = open.update_request(&new, &owner, &target);
        if spare == 1 {
            open.send(&request);
            assert_eq!(stored(&token, ProvisioningHandle(3)).unwrap().session_key_uses, before + 1);
            open.abort();
        } else {
            open.aborts(&request, Status::NotAllowed, "that SessionKeyLimit");
            assert_eq!(stored(&token, ProvisioningHandle(3)).unwrap().session_key_uses, before);
        }
    }
}

#[test]
fn the_new_key_must_be_finished_of_this_session_without_pin_and_used_once() {
    let token = crowded();
    let (first, a, b) = two_keys(&token);
    let cases: [(Status, &str, fn(&mut Issuing) -> Made); 5] = [
        (Status::NotAllowed, "fully provisioned", |s| s.bare_key("New", |_| {})),
        (Status::NotAllowed, "fully provisioned", |s| s.key("New", |r| r.import_private_key = true)),
        (Status::NotAllowed, "fully provisioned", |s| s.key("New", |r| r.key_usage = KeyUsage::SymmetricKey.into())),
        (Status::NotAllowed, "must not be PIN-protected", |s| {
            let pin = s.pin("PIN.1", |_| {});
            s.pin_key("New", pin, PIN)
        }),
        (Status::NoKey, "did not create a key", |s| {
            let made = s.key("New", |_| {});
            Made { handle: KeyHandle(1), ..made }
        }),
    ];
    for (status, words, make) in cases {
        let mut open = Open::on(&token, |_| {});
        let new = make(&mut open);
        open.aborts(&open.update_request(&new, &first.key, &a), status, words);
    }
    let mut open = Open::on(&token, |_| {});
    let new = open.key("New", |_| {});
    let request = open.update_request(&new, &first.key, &a);
    open.send(&request);
    let request = open.update_request(&new, &first.key, &b);
    let refused = open.try_send(&request).unwrap_err();
    expect(&refused, Status::NotAllowed, "replaces another key already");

    let mut open = Open::on(&token, |_| {});
    let [new, newer] = ["New", "Newer"].map(|name| open.key(name, |_| {}));
    let request = open.update_request(&new, &first.key, &a);
    open.send(&request);
    let request = open.update_request(&newer, &first.key, &a);
    let refused = open.try_send(&request).unwrap_err();
    expect(&refused, Status::NotAllowed, "has scheduled an operation on this key");
    token.call(&sign(a.handle, PIN)).unwrap();
}

#[test]
fn the_target_must_be_an_updatable_key_of_a_closed_session() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    let crowd = keys(&token);
    let [not_updatable, in_open_session] = [crowd[0].0, crowd[1].0];
    let cases = [
        (not_updatable, Status::NotAllowed, "not Updatable"),
        (in_open_session, Status::NoKey, "still open"),
        (99, Status::NoKey, "no key"),
        (0, Status::NoKey, "no key"),
    ];
    for (handle, status, words) in cases {
        let mut open = Open::on(&token, |_| {});
        let new = open.key("New", |_| {});
        let request = Request { key_handle_original: KeyHandle(handle), ..open.update_request(&new, &owner, &target) };
        open.aborts(&request, status, words);
    }
}

#[test]
fn both_macs_must_be_right() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    let wrong: [fn(&Open, &Made, &SessionKey, &Made) -> [u8; 32]; 4] = [
        |open, new, owner, target| open.update_request(new, owner, target).mac.map(|byte| !byte),
        |open, new, _, target| open.update_request(new, &open.key, target).mac,
        // The certificates the wrong way round.
        |open, new, owner, target| open.update_request(target, owner, new).mac,
        |open, _, owner, target| {
            let proof = owner.proof_of_issuance(&target.certificate);
            open.mac(MethodId::PostProvisioningUpdateKey, &mac_data(&proof, b""))
        },
    ];
    for make in wrong {
        let mut open = Open::on(&token, |_| {});
        let new = open.key("New", |_| {});
        let mac = make(&open, &new, &owner, &target);
        let request = Request { mac, ..open.update_request(&new, &owner, &target) };
        let refused = open.try_send(&request).unwrap_err();
        expect(&refused, Status::Mac, "MAC does not match");
        assert!(stored(&token, open.handle).is_none());
    }
}

/// An update that another session's close has overtaken, by an update or a deletion of any key of the owner.
#[test]
fn a_target_that_changed_ends_the_session() {
    let token = crowded();
    let (first, a, b) = two_keys(&token);
    let mut late = Open::on(&token, |_| {});
    let new = late.key("New", |_| {});
    let request = late.update_request(&new, &first.key, &a);
    late.send(&request);
    let mut quick = Issuing::create(&token, |r| r.updatable = true);
    let other = quick.key("Quick", |_| {});
    let request = quick.update_request(&other, &first.key, &b);
    quick.send(&request);
    quick.close();
    let before: Vec<_> = world(&token)
        .into_iter()
        .filter(|(_, record)| matches!(record, Record::Key(key) if key.session != late.handle.0))
        .collect();
    let refused = late.try_close().unwrap_err();
    expect(&refused, Status::SessionVerify, "was deleted, or updated");
    let after: Vec<_> = world(&token).into_iter().filter(|(_, record)| matches!(record, Record::Key(_))).collect();
    assert_eq!(after, before);
    assert_eq!(attributes(&token, a.handle).x509_certificate.0[0], a.certificate);
}

#[test]
fn needs_an_open_session() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    let mut open = Open::on(&token, |_| {});
    let new = open.key("New", |_| {});
    let request = Request { provisioning_handle: ProvisioningHandle(1), ..open.update_request(&new, &owner, &target) };
    refuses(&token, &request, Status::NoSession, "no provisioning session");
}
