//! `performHMAC`.

use sks_tests::{Issuing, secret};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::perform_hmac::Request;
use sks_wire::types::KeyHandle;

use crate::support::*;

fn hmac(key_handle: KeyHandle, algorithm: &str, pin: &str, data: &[u8]) -> Request {
    Request { key_handle, hmac_algorithm: algorithm.into(), pin: secret(pin), data: data.to_vec() }
}

/// RFC 2202 and RFC 4231, test case 2.
#[test]
fn computes_the_hmac_of_the_standards() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let made = session.symmetric_key("A", b"Jefe", &[Algorithm::HmacSha1, Algorithm::HmacSha256], |_| {});
    session.close();
    let data = b"what do ya want for nothing?";
    let result = |algorithm: Algorithm, data: &[u8]| {
        hex::encode(token.call(&hmac(made.handle, algorithm.uri(), "", data)).unwrap().result)
    };
    assert_eq!(result(Algorithm::HmacSha1, data), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(result(Algorithm::HmacSha256, data), expected);
    result(Algorithm::HmacSha1, &[]);
    result(Algorithm::HmacSha1, &[7; 65535]);
}

#[test]
fn the_first_fault_in_order_is_told_and_the_pin_last() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let pin = session.pin("PIN.1", |_| {});
    let key = session.symmetric_key("A", b"k", &[Algorithm::HmacSha1], |r| {
        (r.pin_policy_handle, r.pin_value) = (pin, secret(PIN));
    });
    let other = session.pin_key("B", pin, PIN);
    session.close();
    let sha1 = Algorithm::HmacSha1.uri();
    let cases = [
        (KeyHandle(99), "x", Status::NoKey, "no key"),
        (KeyHandle(2), "x", Status::NoKey, "still open"),
        (other.handle, "x", Status::NotAllowed, "KeyUsage"),
        (key.handle, "x", Status::Algorithm, "unknown for this operation"),
        (key.handle, Algorithm::Aes128Cbc.uri(), Status::Algorithm, "unknown for this operation"),
        (key.handle, Algorithm::HmacSha256.uri(), Status::Algorithm, "not endorsed"),
    ];
    for (handle, algorithm, status, words) in cases {
        refuses(&token, &hmac(handle, algorithm, "0000", b""), status, words);
    }
    expect(&token.call(&hmac(key.handle, sha1, "0000", b"")).unwrap_err(), Status::Authorization, "the PIN is wrong");
    assert_eq!(errors(&token, key.handle), (1, 0));
    token.call(&hmac(key.handle, sha1, PIN, b"")).unwrap();
    assert_eq!(errors(&token, key.handle), (0, 0));
}
