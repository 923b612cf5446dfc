//! `restorePrivateKey`.

use sks_issuer::ca::generate_key;
use sks_tests::{Issuing, Made, certificate};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::restore_private_key::{Request, mac_data};
use sks_wire::method::sign_hashed_data;
use sks_wire::types::KeyHandle;
use sks_wire::{MethodId, Status};

use crate::support::*;

const RSA: &[u8] = include_bytes!("../keys/rsa-2048.der");
const RSA_SPKI: &[u8] = include_bytes!("../keys/rsa-2048.spki");

/// A key that waits for a private one, with a certificate of that.
fn waiting(session: &mut Issuing, spki: &[u8]) -> Made {
    let mut made = session.bare_key("Key.1", |r| r.import_private_key = true);
    made.certificate = certificate(spki);
    session.certify(&made);
    made
}

#[test]
fn the_key_becomes_the_restored_one_of_whatever_type() {
    let mut open = Open::new();
    let made = open.imported_key("Key.1", RSA, RSA_SPKI, |r| {
        r.export_policy = sks_wire::types::ExportPolicy::None.into();
    });
    assert_eq!(open.stored().unwrap().mac_sequence_counter, 2);
    open.close();
    assert_eq!(open.token.call(&export(made.handle, "")).unwrap().raw_key.expose(), RSA);
    let rsa = Algorithm::RsaSha256.uri().into();
    let request = sign_hashed_data::Request { signature_algorithm: rsa, ..sign(made.handle, "") };
    assert_eq!(open.token.call(&request).unwrap().result.len(), 256);
    refuses(&open.token, &sign(made.handle, ""), Status::Algorithm, "does not fit");
}

#[test]
fn costs_two_operations() {
    let soft = generate_key().unwrap();
    costs(
        2,
        |s| waiting(s, &soft.public_key),
        |s, made| {
            let request = s.restore_request(&made, soft.private_key.expose());
            s.try_send(&request).map(drop)
        },
    );
}

#[test]
fn only_where_import_was_asked_for_after_the_certificate_and_once() {
    let soft = generate_key().unwrap();
    let mut open = Open::new();
    let made = open.key("Key.1", |_| {});
    let request = open.restore_request(&made, soft.private_key.expose());
    open.aborts(&request, Status::NotAllowed, "without ImportPrivateKey");

    let mut open = Open::new();
    let made = open.bare_key("Key.1", |r| r.import_private_key = true);
    let request = open.restore_request(&made, soft.private_key.expose());
    open.aborts(&request, Status::NotAllowed, "setCertificatePath comes first");

    let mut open = Open::new();
    let made = open.imported_key("Key.1", soft.private_key.expose(), &soft.public_key, |_| {});
    let request = open.restore_request(&made, soft.private_key.expose());
    open.aborts(&request, Status::NotAllowed, "restored already");
}

#[test]
fn what_is_no_private_key_of_the_certificate_is_refused() {
    let (soft, other) = (generate_key().unwrap(), generate_key().unwrap());
    let pkcs8 = soft.private_key.expose();
    let longer = [pkcs8, &[0]].concat();
    let unsupported: [&[u8]; 4] = [
        include_bytes!("../keys/ed25519.der"),
        include_bytes!("../keys/p384.der"),
        include_bytes!("../keys/rsa-1536.der"),
        include_bytes!("../keys/p256-explicit.der"),
    ];
    let garbage = [b"".as_slice(), b"garbage", &pkcs8[..40], &longer].into_iter().chain(unsupported);
    let cases = garbage.map(|key| (key, "no sound PKCS#8 key"));
    for (key, words) in cases.chain([(other.private_key.expose(), "does not belong"), (RSA, "does not belong")]) {
        let mut open = Open::new();
        let made = waiting(&mut open, &soft.public_key);
        let request = open.restore_request(&made, key);
        open.aborts(&request, Status::Crypto, words);
    }
}

#[test]
fn the_mac_covers_certificate_and_key() {
    let (soft, other) = (generate_key().unwrap(), generate_key().unwrap());
    for change in [0, 1, 2] {
        let mut open = Open::new();
        let made = waiting(&mut open, &soft.public_key);
        let mut request = open.restore_request(&made, soft.private_key.expose());
        match change {
            0 => request.mac[0] ^= 0x80,
            1 => request.private_key = open.encrypt(other.private_key.expose()),
            _ => {
                let data = mac_data(&made.public_key, soft.private_key.expose());
                request.mac = open.mac(MethodId::RestorePrivateKey, &data);
            }
        }
        open.aborts(&request, Status::Mac, "MAC does not match");
    }
}

#[test]
fn the_first_fault_in_order_is_told() {
    let soft = generate_key().unwrap();
    let faults = [
        fault::<Request>(Status::NoKey, "did not create a key", |r| r.key_handle = KeyHandle(99)),
        fault(Status::NotAllowed, "without ImportPrivateKey", |r| {
            if r.key_handle.0 != 99 {
                r.key_handle = KeyHandle(0);
            }
        }),
        tight(),
        fault(Status::Crypto, "does not decrypt", |r| r.private_key = vec![0; 31]),
        fault(Status::Mac, "MAC does not match", |r| r.mac = [1; 32]),
        fault(Status::Crypto, "no sound PKCS#8 key", |r| {
            if r.private_key.len() != 31 {
                r.private_key.clear();
            }
        }),
    ];
    in_order(&faults, |tight, wrong| {
        let mut open = Open::limited(if tight { 4 } else { 5 });
        let plain = open.bare_key("Plain", |_| {});
        let made = waiting(&mut open, &soft.public_key);
        let mut request = Request { mac: [0; 32], ..open.restore_request(&made, soft.private_key.expose()) };
        apply(&mut request, wrong);
        if request.key_handle.0 == 0 {
            request.key_handle = plain.handle;
        }
        let mut clear = soft.private_key.expose();
        if request.private_key.is_empty() {
            clear = b"garbage";
            request.private_key = open.encrypt(clear);
        }
        if request.mac == [0; 32] {
            request.mac = open.mac(MethodId::RestorePrivateKey, &mac_data(&made.certificate, clear));
        }
        (open, request)
    });
}

#[test]
fn needs_an_open_session() {
    let soft = generate_key().unwrap();
    let mut open = Open::new();
    let made = waiting(&mut open, &soft.public_key);
    let mut request = open.restore_request(&made, soft.private_key.expose());
    request.provisioning_handle.0 = 1;
    refuses(&open.token, &request, Status::NoSession, "no provisioning session");
}
