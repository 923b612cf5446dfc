//! `exportKey`.

use sks_issuer::ca::generate_key;
use sks_tests::{Issuing, Token, secret};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::types::{ExportPolicy, KeyHandle};

use crate::support::*;

#[test]
fn returns_pkcs8_or_the_raw_symmetric_key() {
    let token = Token::default();
    let soft = generate_key().unwrap();
    let mut session = Issuing::create(&token, |_| {});
    let made = session.bare_key("A", |r| {
        r.export_policy = ExportPolicy::None.into();
        r.private_key_backup = true;
    });
    session.certify(&made);
    let imported = session.imported_key("B", soft.private_key.expose(), &soft.public_key, |r| {
        r.export_policy = ExportPolicy::None.into();
    });
    let symmetric = session.symmetric_key("C", b"a key", &[Algorithm::HmacSha1], |r| {
        r.export_policy = ExportPolicy::None.into();
    });
    let backup = session.key.decrypt(made.backup.as_ref().unwrap()).unwrap();
    session.close();
    for (handle, key) in
        [(made.handle, backup), (imported.handle, soft.private_key), (symmetric.handle, secret("a key"))]
    {
        assert_eq!(token.call(&export(handle, "")).unwrap().raw_key.expose(), key.expose());
    }
}

#[test]
fn a_key_that_is_not_exportable_touches_no_counter() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    for authorization in ["", PIN, "0000", PUK] {
        refuses(&token, &export(handle, authorization), Status::NotAllowed, "not exportable");
    }
}

#[test]
fn a_pin_or_puk_is_asked_for_as_the_policy_says() {
    let token = crowded();
    let none = pin_key(&token, |_| {}, |r| r.export_policy = ExportPolicy::None.into());
    refuses(&token, &export(none, PIN), Status::Authorization, "none is asked for");
    token.call(&export(none, "")).unwrap();

    let pin = pin_key(&token, |_| {}, |r| r.export_policy = ExportPolicy::Pin.into());
    for wrong in ["", PUK] {
        expect(&token.call(&export(pin, wrong)).unwrap_err(), Status::Authorization, "the PIN is wrong");
    }
    assert_eq!(errors(&token, pin), (2, 0));
    token.call(&export(pin, PIN)).unwrap();
    assert_eq!(errors(&token, pin), (0, 0));

    let puk = pin_key(&token, |_| {}, |r| r.export_policy = ExportPolicy::Puk.into());
    for _ in 0..3 {
        assert_eq!(token.refusal(&verify(puk, "0000")), Status::Authorization);
    }
    for wrong in ["", PIN] {
        expect(&token.call(&export(puk, wrong)).unwrap_err(), Status::Authorization, "the PUK is wrong");
    }
    token.call(&export(puk, PUK)).unwrap();
    assert_eq!(errors(&token, puk), (3, 0), "the PIN stays locked");
    let pin = pin_key(&token, |_| {}, |r| r.export_policy = ExportPolicy::Pin.into());
    for _ in 0..3 {
        assert_eq!(token.refusal(&export(pin, "0000")), Status::Authorization);
    }
    refuses(&token, &export(pin, PIN), Status::Authorization, "locked by wrong PINs");
}

#[test]
fn only_keys_of_closed_sessions_are_found() {
    let token = crowded();
    refuses(&token, &export(KeyHandle(2), ""), Status::NoKey, "still open");
    refuses(&token, &export(KeyHandle(99), ""), Status::NoKey, "no key with this handle");
}

/// The key is replaced by one that must not leave the token, just after its attributes were read.
#[test]
fn an_update_meanwhile_lets_no_key_out_that_is_not_exportable() {
    let token = crowded();
    let mut first = Issuing::create(&token, |r| r.updatable = true);
    let target = first.key("Key.1", |r| (r.updatable, r.export_policy) = (true, ExportPolicy::None.into()));
    first.close();
    let mut second = Issuing::create(&token, |_| {});
    let new = second.key("New", |_| {});
    let request = second.update_request(&new, &first.key, &target);
    second.send(&request);
    token.store.after_get(sks_core::record::Address::Key(target.handle.0), move || second.close());
    expect(&token.call(&export(target.handle, "")).unwrap_err(), Status::NotAllowed, "not exportable");
}
