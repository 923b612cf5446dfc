//! `symmetricKeyEncrypt`.

use sks_tests::{Issuing, secret};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::symmetric_key_encrypt::Request;
use sks_wire::types::KeyHandle;

use crate::support::*;

const ALL: [Algorithm; 3] = [Algorithm::Aes128Cbc, Algorithm::AesEcbNopad, Algorithm::AesEcbPkcs5];

fn crypt(key_handle: KeyHandle, encrypt_mode: bool, algorithm: Algorithm, iv: &[u8], data: &[u8]) -> Request {
    let (encryption_algorithm, pin) = (algorithm.uri().into(), secret(""));
    Request { key_handle, encrypt_mode, iv: iv.to_vec(), encryption_algorithm, pin, data: secret(data) }
}

fn key(token: &sks_tests::Token) -> KeyHandle {
    let mut session = Issuing::create(token, |_| {});
    let key = hex::decode("2b7e151628aed2a6abf7158809cf4f3c").unwrap();
    let made = session.symmetric_key("A", &key, &ALL, |_| {});
    session.close();
    made.handle
}

/// SP 800-38A, F.1.1 and F.2.1, first block; then padding and back.
#[test]
fn encrypts_as_the_standards_say_and_decrypts_again() {
    let token = crowded();
    let handle = key(&token);
    let clear = hex::decode("6bc1bee22e409f96e93d7e117393172a").unwrap();
    let iv: Vec<u8> = (0..16).collect();
    let run = |request: &Request| token.call(request).unwrap().result;
    let ecb = run(&crypt(handle, true, Algorithm::AesEcbNopad, &[], &clear));
    assert_eq!(hex::encode(ecb.expose()), "3ad77bb40d7a3660a89ecaf32466ef97");
    let cbc = run(&crypt(handle, true, Algorithm::Aes128Cbc, &iv, &clear));
    assert_eq!(hex::encode(&cbc.expose()[..16]), "7649abac8119b246cee98e9b12e9197d");
    for algorithm in ALL {
        let iv: &[u8] = if algorithm == Algorithm::Aes128Cbc { &iv } else { &[] };
        for length in [0, 16, 32, 15, 17, 65519] {
            if algorithm == Algorithm::AesEcbNopad && length % 16 != 0 {
                continue;
            }
            let clear = vec![7; length];
            let encrypted = run(&crypt(handle, true, algorithm, iv, &clear));
            assert_eq!(run(&crypt(handle, false, algorithm, iv, encrypted.expose())).expose(), clear);
        }
    }
}

#[test]
fn lengths_that_do_not_hold_are_refused() {
    use Algorithm::{Aes128Cbc as Cbc, AesEcbNopad as Nopad, AesEcbPkcs5 as Pkcs5};
    let token = crowded();
    let handle = key(&token);
    let iv: &[u8] = &[1; 16];
    let bad: [(bool, Algorithm, &[u8], usize); 17] = [
        (true, Cbc, &[], 16),
        (true, Cbc, &[1; 15], 16),
        (true, Cbc, &[1; 17], 16),
        (true, Cbc, iv, 65520),
        (false, Cbc, iv, 0),
        (false, Cbc, iv, 15),
        (false, Cbc, iv, 17),
        (true, Nopad, iv, 16),
        (true, Nopad, &[], 1),
        (true, Nopad, &[], 17),
        (false, Nopad, &[], 15),
        (false, Nopad, &[1], 16),
        (true, Pkcs5, iv, 16),
        (true, Pkcs5, &[], 65520),
        (false, Pkcs5, &[], 0),
        (false, Pkcs5, &[], 1),
        (false, Pkcs5, iv, 16),
    ];
    for (encrypt, algorithm, iv, length) in bad {
        let request = crypt(handle, encrypt, algorithm, iv, &vec![7; length]);
        refuses(&token, &request, Status::Option, "the IV has 16 bytes for CBC");
    }
}

#[test]
fn wrong_padding_is_refused() {
    let token = crowded();
    let handle = key(&token);
    for (algorithm, iv) in [(Algorithm::Aes128Cbc, vec![0; 16]), (Algorithm::AesEcbPkcs5, vec![])] {
        let data = token.call(&crypt(handle, true, Algorithm::AesEcbNopad, &[], &[0; 16])).unwrap().result;
        let request = crypt(handle, false, algorithm, &iv, data.expose());
        refuses(&token, &request, Status::Crypto, "wrong key, algorithm or padding");
    }
}

#[test]
fn the_first_fault_in_order_is_told_and_the_pin_before_the_padding() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let pin = session.pin("PIN.1", |_| {});
    let key = session.symmetric_key("A", &[7; 16], &[Algorithm::AesEcbPkcs5], |r| {
        (r.pin_policy_handle, r.pin_value) = (pin, secret(PIN));
    });
    let other = session.pin_key("B", pin, PIN);
    session.close();
    let request = |handle, algorithm, data: &[u8]| crypt(handle, false, algorithm, &[], data);
    use Algorithm::{Aes128Cbc as Cbc, AesEcbPkcs5 as Pkcs5, HmacSha1 as Hmac};
    let cases = [
        (KeyHandle(99), Hmac, 1, Status::NoKey, "no key"),
        (KeyHandle(2), Hmac, 1, Status::NoKey, "still open"),
        (other.handle, Hmac, 1, Status::NotAllowed, "KeyUsage"),
        (key.handle, Hmac, 1, Status::Algorithm, "unknown for this operation"),
        (key.handle, Cbc, 1, Status::Algorithm, "not endorsed"),
        (key.handle, Pkcs5, 1, Status::Option, "the IV"),
    ];
    for (handle, algorithm, length, status, words) in cases {
        refuses(&token, &request(handle, algorithm, &vec![7; length]), status, words);
    }
    let refused = token.call(&request(key.handle, Pkcs5, &[7; 16])).unwrap_err();
    expect(&refused, Status::Authorization, "the PIN is wrong");
    assert_eq!(errors(&token, key.handle), (1, 0));
    let right = Request { pin: secret(PIN), ..request(key.handle, Pkcs5, &[7; 16]) };
    expect(&token.call(&right).unwrap_err(), Status::Crypto, "padding");
    assert_eq!(errors(&token, key.handle), (0, 0), "the PIN was right");
}
