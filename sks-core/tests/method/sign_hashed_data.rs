//! `signHashedData`.

use sks_issuer::device::VerifyingKey;
use sks_tests::{Issuing, Token, secret};
use sks_wire::Status;
use sks_wire::algorithm::{Algorithm, Class};
use sks_wire::method::sign_hashed_data::Request;
use sks_wire::types::{KeyHandle, KeyUsage, Octet};

use crate::support::*;

const RSA: [(&[u8], &[u8]); 2] = [
    (include_bytes!("../keys/rsa-1024.der"), include_bytes!("../keys/rsa-1024.spki")),
    (include_bytes!("../keys/rsa-2048.der"), include_bytes!("../keys/rsa-2048.spki")),
];

#[test]
fn signs_with_every_algorithm_that_fits_the_key() {
    let token = Token::default();
    let mut session = Issuing::create(&token, |_| {});
    let ec = session.key("EC", |_| {}).handle;
    let small = session.imported_key("R1", RSA[0].0, RSA[0].1, |_| {}).handle;
    let large = session.imported_key("R2", RSA[1].0, RSA[1].1, |_| {}).handle;
    session.close();
    for algorithm in Algorithm::ALL.iter().filter(|algorithm| algorithm.class() == Class::Signature) {
        let ecdsa = algorithm.uri().contains("ecdsa");
        let length = algorithm.hash_length().unwrap();
        for (key_handle, fits) in
            [(ec, ecdsa), (small, !ecdsa && *algorithm != Algorithm::RsaPssSha512), (large, !ecdsa)]
        {
            let request = Request {
                key_handle,
                signature_algorithm: algorithm.uri().into(),
                pin: secret(""),
                hashed_data: vec![7; length],
            };
            if fits {
                token.call(&request).unwrap();
                for wrong in [0, 1, length - 1, length + 1, 100] {
                    let request = Request { hashed_data: vec![7; wrong], ..request.clone() };
                    refuses(&token, &request, Status::Option, "hash");
                }
            } else {
                refuses(&token, &request, Status::Algorithm, "does not fit the key");
            }
        }
    }
    let signature = token.call(&sign(ec, "")).unwrap().result;
    let key = sks_core::crypto::certificate::public_key_of(&attributes(&token, ec).x509_certificate.0[0]).unwrap();
    assert!(VerifyingKey::from_spki(&key).unwrap().verifies_hash(&HASH, &signature));
}

#[test]
fn signature_authentication_and_universal_keys_sign() {
    for usage in KeyUsage::ALL {
        let token = Token::default();
        let mut session = Issuing::create(&token, |_| {});
        let handle = if *usage == KeyUsage::SymmetricKey {
            session.symmetric_key("K", b"k", &[Algorithm::HmacSha1], |_| {}).handle
        } else {
            session.key("K", |r| r.key_usage = (*usage).into()).handle
        };
        session.close();
        if matches!(usage, KeyUsage::Signature | KeyUsage::Authentication | KeyUsage::Universal) {
            token.call(&sign(handle, "")).unwrap();
        } else {
            refuses(&token, &sign(handle, ""), Status::NotAllowed, "KeyUsage forbids");
        }
    }
}

#[test]
fn unknown_algorithms_are_refused() {
    let token = crowded();
    let handle = closed_key(&token, |_| {}).handle;
    for uri in ["", "http://example.com/x", Algorithm::Rsa15.uri(), Algorithm::HmacSha256.uri(), Algorithm::Sk1.uri()] {
        let request = Request { signature_algorithm: uri.into(), ..sign(handle, "") };
        refuses(&token, &request, Status::Algorithm, "unknown for this operation");
    }
}

#[test]
fn wrong_pins_count_up_to_the_limit_and_a_right_one_resets() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    for wrong in ["", "0000", "156", "15630", "1563\0"] {
        expect(&token.call(&sign(handle, wrong)).unwrap_err(), Status::Authorization, "the PIN is wrong");
        assert_eq!(errors(&token, handle), (1, 0), "{wrong:?}");
        token.call(&sign(handle, PIN)).unwrap();
        assert_eq!(errors(&token, handle), (0, 0));
    }
    let token = token.restarted();
    for count in 1..=3 {
        assert_eq!(token.refusal(&sign(handle, "0000")), Status::Authorization);
        assert_eq!(errors(&token.restarted(), handle).0, count, "durable before the answer");
    }
    for pin in ["0000", PIN, ""] {
        refuses(&token, &sign(handle, pin), Status::Authorization, "locked by wrong PINs");
    }
}

#[test]
fn a_right_pin_writes_nothing_if_the_counter_was_zero() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    let before = token.store.snapshot();
    token.store.set_full(true);
    token.call(&sign(handle, PIN)).unwrap();
    same(&token.store.snapshot(), &before, "nothing changed");
}

#[test]
fn limits_of_1_and_255_are_kept() {
    for limit in [1, 255] {
        let token = crowded();
        let handle = pin_key(&token, |r| r.retry_limit = Octet(limit), |_| {});
        for _ in 0..limit {
            expect(&token.call(&verify(handle, "0000")).unwrap_err(), Status::Authorization, "the PIN is wrong");
        }
        refuses(&token, &verify(handle, PIN), Status::Authorization, "locked");
        assert_eq!(errors(&token, handle).0, limit);
    }
}

#[test]
fn a_pin_for_a_key_without_one_is_refused_and_counts_nowhere() {
    let token = crowded();
    let handle = closed_key(&token, |_| {}).handle;
    refuses(&token, &sign(handle, "1563"), Status::Authorization, "none is asked for");
}

/// The PIN comes last: no malformed call costs a try, and a locked key tells what else is wrong.
#[test]
fn the_first_fault_in_order_is_told() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    let encryption = pin_key(&token, |_| {}, |r| r.key_usage = KeyUsage::Encryption.into());
    let faults: [(Status, &str, &dyn Fn(&mut Request)); 5] = [
        (Status::NoKey, "no key", &|r| r.key_handle = KeyHandle(99)),
        (Status::NotAllowed, "KeyUsage", &|r| {
            if r.key_handle == handle {
                r.key_handle = encryption;
            }
        }),
        (Status::Algorithm, "unknown", &|r| r.signature_algorithm = b"x".to_vec()),
        (Status::Option, "hash", &|r| r.hashed_data = vec![0; 31]),
        (Status::Algorithm, "does not fit", &|r| {
            if r.signature_algorithm != b"x" {
                r.signature_algorithm = Algorithm::RsaSha256.uri().into();
            }
        }),
    ];
    for (at, (status, words, first)) in faults.iter().enumerate() {
        for (_, _, second) in &faults[at..] {
            let mut request = sign(handle, "0000");
            second(&mut request);
            first(&mut request);
            refuses(&token, &request, *status, words);
        }
    }
    assert_eq!(errors(&token, handle), (0, 0));
}
