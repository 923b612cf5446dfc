//! The text's "Sample Session", and what a user then does with the key.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::device::VerifyingKey;
use sks_issuer::{KeyOptions, PinPolicyOptions, Protection, PukPolicyOptions, Session, SessionOptions, Trust};
use sks_tests::Token;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{enumerate_keys, sign_hashed_data, unlock_key};
use sks_wire::types::{Enumerated, Format, Id, KeyHandle, KeyUsage, NO_HANDLE};
use sks_wire::{Secret, Status};

fn secret(text: &str) -> Secret {
    Secret::from(text.as_bytes())
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn sign(key_handle: KeyHandle, pin: &str) -> sign_hashed_data::Request {
    use sha2::Digest;
    sign_hashed_data::Request {
        key_handle,
        signature_algorithm: Algorithm::EcdsaSha256.uri().into(),
        pin: secret(pin),
        hashed_data: sha2::Sha256::digest(b"a message").to_vec(),
    }
}

#[test]
fn provisions_a_key_that_signs_locks_and_unlocks() {
    [false, true].into_iter().for_each(provision);
}

fn provision(volatile: bool) {
    let token = Token::default();
    let options = SessionOptions { volatile, ..SessionOptions::new("https://ca.example.com/enroll", Trust::Any) };
    let mut session = Session::create(token.clone(), &options).unwrap();
    let puk = PukPolicyOptions { id: id("PUK.1"), puk: secret("17644"), format: Format::Numeric, retry_limit: 3 };
    let puk = session.create_puk_policy(puk).unwrap();
    let pins = session.create_pin_policy(&PinPolicyOptions::new(id("PIN.1")), Some(&puk)).unwrap();
    let protection = Protection::Pin { policy: &pins, pin: &secret("1563") };
    let key = session.create_key_pair(&KeyOptions::p256(id("Key.1")), protection).unwrap();

    let ca = Ca::create(&Subject::common_name("Test CA").unwrap(), 10).unwrap();
    let leaf = Leaf::new(Subject::common_name("Alice").unwrap(), KeyUsage::Universal);
    let path = ca.issue_path(&key.public_key, &leaf).unwrap();
    let key = session.set_certificate_path(key, &path).unwrap();
    assert_eq!(token.refusal(&sign(key.handle, "1563")), Status::NoKey, "the session is still open");
    let first = token.call(&enumerate_keys::Request { key_handle: KeyHandle(NO_HANDLE) }).unwrap().next;
    assert_eq!(matches!(first, Enumerated::End), volatile, "only a volatile session's keys are not seen");
    session.close().unwrap();

    let signature = token.call(&sign(key.handle, "1563")).unwrap().result;
    assert!(VerifyingKey::from_spki(&key.public_key).unwrap().verifies(b"a message", &signature));
    for _ in 0..3 {
        assert_eq!(token.refusal(&sign(key.handle, "9999")), Status::Authorization);
    }
    assert_eq!(token.refusal(&sign(key.handle, "1563")), Status::Authorization, "locked");
    let token = token.restarted();
    assert_eq!(token.refusal(&sign(key.handle, "1563")), Status::Authorization, "locked after a restart too");
    token.call(&unlock_key::Request { key_handle: key.handle, authorization: secret("17644") }).unwrap();
    token.call(&sign(key.handle, "1563")).unwrap();

    let listed = token.call(&enumerate_keys::Request { key_handle: KeyHandle(NO_HANDLE) }).unwrap();
    let Enumerated::Next { handle, item } = listed.next else { panic!("no key is listed") };
    assert_eq!((handle, item.x509_certificate.0), (key.handle.0, path));
}
