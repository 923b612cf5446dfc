//! `asymmetricKeyDecrypt`.

use sks_core::crypto::certificate::public_key_of;
use sks_tests::{Issuing, Token, secret};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::asymmetric_key_decrypt::Request;
use sks_wire::types::{KeyHandle, KeyUsage};

use crate::support::*;

const DER: &[u8] = include_bytes!("../keys/rsa-2048.der");
const SPKI: &[u8] = include_bytes!("../keys/rsa-2048.spki");

fn decrypt(key_handle: KeyHandle, algorithm: &str, data: Vec<u8>) -> Request {
    Request { key_handle, parameters: vec![], encryption_algorithm: algorithm.into(), pin: secret(""), data }
}

/// An RSA key with these attributes, under a PIN.
fn rsa_key(token: &Token, usage: KeyUsage) -> KeyHandle {
    let mut session = Issuing::create(token, |_| {});
    let pin = session.pin("PIN.1", |_| {});
    let made = session.imported_key("RSA", DER, SPKI, |r| {
        r.key_usage = usage.into();
        (r.pin_policy_handle, r.pin_value) = (pin, secret(PIN));
    });
    session.close();
    made.handle
}

/// What any sender does: it has the certificate and nothing else.
fn encrypt(token: &Token, handle: KeyHandle, clear: &[u8]) -> [(Algorithm, Vec<u8>); 3] {
    use rsa::pkcs8::DecodePublicKey;
    let spki = public_key_of(&attributes(token, handle).x509_certificate.0[0]).unwrap();
    let key = rsa::RsaPublicKey::from_public_key_der(&spki).unwrap();
    let mut rng = rand_chacha::ChaCha20Rng::from_seed([7; 32]);
    use rand_core::SeedableRng;
    [
        (Algorithm::Rsa15, key.encrypt(&mut rng, rsa::Pkcs1v15Encrypt, clear).unwrap()),
        (Algorithm::RsaOaepSha1, key.encrypt(&mut rng, rsa::Oaep::<sha1::Sha1>::new(), clear).unwrap()),
        (Algorithm::RsaOaepSha256, key.encrypt(&mut rng, rsa::Oaep::<sha2::Sha256>::new(), clear).unwrap()),
    ]
}

#[test]
fn decrypts_what_senders_encrypt() {
    let token = crowded();
    for usage in [KeyUsage::Encryption, KeyUsage::Universal] {
        let handle = rsa_key(&token, usage);
        for (algorithm, data) in encrypt(&token, handle, b"a message") {
            let request = Request { pin: secret(PIN), ..decrypt(handle, algorithm.uri(), data) };
            assert_eq!(token.call(&request).unwrap().result, secret("a message"), "{algorithm:?}");
        }
    }
}

/// A padding failure: a status for OAEP; for rsa-1_5 a made-up plain text that is the same each time.
#[test]
fn wrong_padding_is_no_oracle() {
    let token = crowded();
    let handle = rsa_key(&token, KeyUsage::Universal);
    let [(_, rsa15), (_, sha1), (_, sha256)] = encrypt(&token, handle, b"a message");
    let with_pin = |algorithm: Algorithm, data| Request { pin: secret(PIN), ..decrypt(handle, algorithm.uri(), data) };
    for (algorithm, data) in [
        (Algorithm::RsaOaepSha1, rsa15.clone()),
        (Algorithm::RsaOaepSha256, sha1.clone()),
        (Algorithm::RsaOaepSha1, sha256.clone()),
        (Algorithm::RsaOaepSha256, vec![0xFF; 256]),
    ] {
        refuses(&token, &with_pin(algorithm, data), Status::Crypto, "does not decrypt");
    }
    let made_up = |data: &[u8]| token.call(&with_pin(Algorithm::Rsa15, data.to_vec())).unwrap().result;
    assert_eq!(made_up(&sha1), made_up(&sha1));
    assert_ne!(made_up(&sha1), made_up(&sha256), "it depends on the data");
    assert_ne!(made_up(&sha1), secret("a message"));
}

#[test]
fn the_first_fault_in_order_is_told_and_the_pin_last() {
    let token = crowded();
    let handle = rsa_key(&token, KeyUsage::Universal);
    let signature = rsa_key(&token, KeyUsage::Signature);
    let ec = pin_key(&token, |_| {}, |_| {});
    let rsa15 = Algorithm::Rsa15.uri();
    let with = |key_handle, algorithm: &str, parameters: &[u8], length| Request {
        parameters: parameters.to_vec(),
        pin: secret("0000"),
        ..decrypt(key_handle, algorithm, vec![7; length])
    };
    let cases = [
        (with(KeyHandle(99), "x", b"x", 0), Status::NoKey, "no key"),
        (with(KeyHandle(2), "x", b"x", 0), Status::NoKey, "still open"),
        (with(signature, "x", b"x", 0), Status::NotAllowed, "KeyUsage"),
        (with(handle, "x", b"x", 0), Status::Algorithm, "unknown for this operation"),
        (with(handle, Algorithm::RsaSha256.uri(), b"x", 0), Status::Algorithm, "unknown for this operation"),
        (with(ec, rsa15, b"x", 0), Status::Option, "Parameters must be empty"),
        (with(ec, rsa15, b"", 256), Status::Algorithm, "does not fit"),
        (with(handle, rsa15, b"", 0), Status::Option, "as long as the key's modulus"),
        (with(handle, rsa15, b"", 255), Status::Option, "as long as the key's modulus"),
        (with(handle, rsa15, b"", 257), Status::Option, "as long as the key's modulus"),
    ];
    for (request, status, words) in cases {
        refuses(&token, &request, status, words);
    }
    let request = with(handle, rsa15, b"", 256);
    expect(&token.call(&request).unwrap_err(), Status::Authorization, "the PIN is wrong");
    assert_eq!(errors(&token, handle), (1, 0));
}
