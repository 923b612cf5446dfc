//! `keyAgreement`.

use sks_issuer::EphemeralKey;
use sks_tests::{Issuing, Token, secret};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::key_agreement::Request;
use sks_wire::types::{KeyHandle, KeyUsage};

use crate::support::*;

fn agree(key_handle: KeyHandle, public_key: &[u8]) -> Request {
    let (algorithm, public_key) = (Algorithm::Ecdh.uri().into(), public_key.to_vec());
    Request { key_handle, parameters: vec![], algorithm, pin: secret(""), public_key }
}

#[test]
fn both_sides_have_the_same_secret() {
    let token = Token::default();
    let peer = EphemeralKey::generate().unwrap();
    for usage in KeyUsage::ALL.iter().filter(|usage| **usage != KeyUsage::SymmetricKey) {
        let made = closed_key(&token, |r| r.key_usage = (*usage).into());
        let request = agree(made.handle, peer.public_der());
        if matches!(usage, KeyUsage::Encryption | KeyUsage::Universal) {
            let shared = token.call(&request).unwrap().shared_secret;
            assert_eq!(shared, peer.agree(&made.public_key).unwrap());
        } else {
            refuses(&token, &request, Status::NotAllowed, "KeyUsage");
        }
    }
}

#[test]
fn the_first_fault_in_order_is_told_and_the_pin_last() {
    let token = crowded();
    let peer = EphemeralKey::generate().unwrap();
    let handle = pin_key(&token, |_| {}, |_| {});
    let signature = pin_key(&token, |_| {}, |r| r.key_usage = KeyUsage::Signature.into());
    let mut session = Issuing::create(&token, |_| {});
    let (der, spki) = (include_bytes!("../keys/rsa-2048.der"), include_bytes!("../keys/rsa-2048.spki"));
    let rsa = session.imported_key("RSA", der, spki, |_| {}).handle;
    session.close();
    let base = Request { pin: secret("0000"), ..agree(handle, b"") };
    let with = |key_handle, algorithm: &str, parameters: &[u8], public_key: &[u8]| Request {
        key_handle,
        algorithm: algorithm.into(),
        parameters: parameters.to_vec(),
        public_key: public_key.to_vec(),
        ..base.clone()
    };
    let ecdh = Algorithm::Ecdh.uri();
    let mut off_curve = peer.public_der().to_vec();
    off_curve[90] ^= 1;
    let cases = [
        (with(KeyHandle(99), "x", b"x", b""), Status::NoKey, "no key"),
        (with(KeyHandle(2), "x", b"x", b""), Status::NoKey, "still open"),
        (with(signature, "x", b"x", b""), Status::NotAllowed, "KeyUsage"),
        (with(handle, "x", b"x", b""), Status::Algorithm, "unknown for this operation"),
        (with(rsa, Algorithm::Rsa15.uri(), b"x", b""), Status::Algorithm, "unknown for this operation"),
        (with(rsa, ecdh, b"x", b""), Status::Option, "Parameters must be empty"),
        (with(rsa, ecdh, b"", b""), Status::Algorithm, "does not fit"),
        (with(handle, ecdh, b"", b""), Status::Crypto, "PublicKey is no DER"),
        (with(handle, ecdh, b"", &off_curve), Status::Crypto, "PublicKey is no DER"),
        (with(handle, ecdh, b"", include_bytes!("../keys/p384.spki")), Status::Algorithm, "PublicKey must be"),
        (with(handle, ecdh, b"", spki), Status::Algorithm, "PublicKey must be"),
    ];
    for (request, status, words) in cases {
        refuses(&token, &request, status, words);
    }
    let request = with(handle, ecdh, b"", peer.public_der());
    expect(&token.call(&request).unwrap_err(), Status::Authorization, "the PIN is wrong");
    assert_eq!(errors(&token, handle), (1, 0));
    token.call(&Request { pin: secret(PIN), ..request }).unwrap();
    assert_eq!(errors(&token, handle), (0, 0));
}
