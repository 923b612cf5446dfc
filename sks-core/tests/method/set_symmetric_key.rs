//! `setSymmetricKey`.

use sks_core::record::{Address, Material, Record};
use sks_tests::{Made, id, secret};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::get_key_handle;
use sks_wire::method::set_symmetric_key::{Request, mac_data};
use sks_wire::types::{KeyHandle, KeyUsage};
use sks_wire::{MethodId, Status};

use crate::support::*;

const SHA1: &[u8] = b"http://www.w3.org/2000/09/xmldsig#hmac-sha1";
const SHA256: &[u8] = b"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";

fn symmetric(open: &mut Open) -> Made {
    open.key("Key.1", |r| r.key_usage = KeyUsage::SymmetricKey.into())
}

fn material(open: &Open, made: &Made) -> Option<Record> {
    open.token.store.snapshot().remove(&Address::Material(made.handle.0))
}

#[test]
fn the_private_key_is_not_kept_and_the_symmetric_one_is() {
    let mut open = Open::new();
    let made = symmetric(&mut open);
    assert_eq!(material(&open, &made), None, "the private key is disabled");
    assert!(keys(&open.token).last().unwrap().1.endorsed_algorithm.0.is_empty());
    let request = open.symmetric_request(&made, b"a key", &[SHA1, SHA256]);
    open.send(&request);
    assert_eq!(material(&open, &made), Some(Record::Material(Material::Symmetric(secret("a key")))));
    assert_eq!(open.stored().unwrap().mac_sequence_counter, 2);
    let told = keys(&open.token).last().unwrap().1.endorsed_algorithm.0.clone();
    assert_eq!(told.iter().map(|uri| uri.0.as_slice()).collect::<Vec<_>>(), [SHA1, SHA256]);
}

#[test]
fn costs_two_operations() {
    costs(
        2,
        |s| s.key("Key.1", |r| r.key_usage = KeyUsage::SymmetricKey.into()),
        |s, made| {
            let request = s.symmetric_request(&made, b"k", &[SHA1]);
            s.try_send(&request).map(drop)
        },
    );
}

#[test]
fn only_symmetric_keys_take_one() {
    for usage in KeyUsage::ALL.iter().filter(|usage| **usage != KeyUsage::SymmetricKey) {
        let mut open = Open::new();
        let made = open.key("Key.1", |r| r.key_usage = (*usage).into());
        let request = open.symmetric_request(&made, b"k", &[SHA1]);
        open.aborts(&request, Status::NotAllowed, "only keys with the KeyUsage symmetric-key");
    }
}

#[test]
fn a_second_one_is_refused_and_one_before_the_certificate_too() {
    let mut open = Open::new();
    let made = symmetric(&mut open);
    let request = open.symmetric_request(&made, b"k", &[SHA1]);
    open.send(&request);
    let request = open.symmetric_request(&made, b"k", &[SHA1]);
    open.aborts(&request, Status::NotAllowed, "its symmetric key already");
    let mut open = Open::new();
    let made = open.bare_key("Key.1", |r| r.key_usage = KeyUsage::SymmetricKey.into());
    let request = open.symmetric_request(&made, b"k", &[SHA1]);
    open.aborts(&request, Status::NotAllowed, "setCertificatePath comes first");
}

#[test]
fn algorithms_ascend_strictly_are_symmetric_and_fit_the_key() {
    let uri = |algorithm: Algorithm| algorithm.uri().as_bytes();
    let all: Vec<&[u8]> = {
        let mut all = vec![uri(Algorithm::Aes256Cbc), uri(Algorithm::AesEcbNopad), uri(Algorithm::AesEcbPkcs5)];
        all.extend([SHA1, SHA256]);
        all.sort_unstable();
        all
    };
    let mut good: Vec<(usize, Vec<&[u8]>)> = vec![
        (1, vec![SHA1]),
        (128, vec![SHA1, SHA256]),
        (32, all),
        (16, vec![uri(Algorithm::Aes128Cbc)]),
        (24, vec![uri(Algorithm::Aes192Cbc)]),
    ];
    good.extend([16, 24, 32].map(|length| (length, vec![uri(Algorithm::AesEcbNopad), uri(Algorithm::AesEcbPkcs5)])));
    for (length, uris) in good {
        let mut open = Open::new();
        let made = symmetric(&mut open);
        let request = open.symmetric_request(&made, &vec![7; length], &uris);
        open.send(&request);
    }
    let bad: [(usize, &[&[u8]], Status, &str); 13] = [
        (16, &[], Status::Option, "endorsed_algorithm at byte"),
        (16, &[SHA1, SHA1], Status::Option, "ascending"),
        (16, &[SHA256, SHA1], Status::Option, "ascending"),
        (0, &[SHA1], Status::Option, "1 to 128 bytes"),
        (129, &[SHA1], Status::Option, "1 to 128 bytes"),
        (16, &[b"http://example.com/unknown"], Status::Algorithm, "none of the supported"),
        (16, &[b""], Status::Algorithm, "none of the supported"),
        (16, &[b"\xFF"], Status::Algorithm, "none of the supported"),
        (16, &[b"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"], Status::Algorithm, "none of the supported"),
        (16, &[b"http://xmlns.webpki.org/keygen2/1.0#algorithm.ecdh"], Status::Algorithm, "none of the supported"),
        (17, &[b"http://www.w3.org/2001/04/xmlenc#aes128-cbc"], Status::Algorithm, "does not fit"),
        (16, &[b"http://www.w3.org/2001/04/xmlenc#aes256-cbc"], Status::Algorithm, "does not fit"),
        (
            20,
            &[SHA1, b"http://xmlns.webpki.org/keygen2/1.0#algorithm.aes.ecb.nopad"],
            Status::Algorithm,
            "does not fit",
        ),
    ];
    for (length, uris, status, words) in bad {
        let mut open = Open::new();
        let made = symmetric(&mut open);
        let request = open.symmetric_request(&made, &vec![7; length], uris);
        open.aborts(&request, status, words);
    }
}

#[test]
fn the_mac_covers_certificate_key_and_algorithms() {
    let wrong: [fn(&Open, &mut Request); 5] = [
        |_, r| r.mac[31] ^= 1,
        |open, r| r.symmetric_key = open.encrypt(b"other"),
        |_, r| r.endorsed_algorithm.0.truncate(1),
        // Over the cipher text, as V0.35 does not.
        |open, r| {
            let made = [r.symmetric_key.clone(), r.endorsed_algorithm.0.concat()].concat();
            r.mac = open.mac(MethodId::SetSymmetricKey, &[&made]);
        },
        |open, r| {
            let request = get_key_handle::Request { provisioning_handle: open.handle, id: id("Key.2") };
            r.key_handle = open.token.call(&request).unwrap().key_handle;
        },
    ];
    for change in wrong {
        let mut open = Open::new();
        let made = symmetric(&mut open);
        open.key("Key.2", |r| r.key_usage = KeyUsage::SymmetricKey.into());
        let mut request = open.symmetric_request(&made, b"a key", &[SHA1, SHA256]);
        change(&open, &mut request);
        open.aborts(&request, Status::Mac, "MAC does not match");
    }
}

#[test]
fn the_first_fault_in_order_is_told() {
    let faults = [
        fault::<Request>(Status::NoKey, "did not create a key", |r| r.key_handle = KeyHandle(99)),
        fault(Status::NotAllowed, "its symmetric key already", |r| {
            if r.key_handle.0 != 99 {
                r.key_handle = KeyHandle(0);
            }
        }),
        fault(Status::Option, "ascending", |r| r.endorsed_algorithm.0 = vec![b"b".to_vec(), b"a".to_vec()]),
        tight(),
        fault(Status::Crypto, "does not decrypt", |r| r.symmetric_key = vec![0; 31]),
        fault(Status::Mac, "MAC does not match", |r| r.mac = [1; 32]),
        fault(Status::Algorithm, "none of the supported", |r| {
            if r.endorsed_algorithm.0.len() == 1 {
                r.endorsed_algorithm.0 = vec![b"a".to_vec()];
            }
        }),
    ];
    in_order(&faults, |tight, wrong| {
        let mut open = Open::limited(if tight { 7 } else { 8 });
        let done = open.symmetric_key("Done", b"k", &[Algorithm::HmacSha1], |_| {});
        let made = symmetric(&mut open);
        let mut request = Request { mac: [0; 32], ..open.symmetric_request(&made, b"k", &[SHA1]) };
        apply(&mut request, wrong);
        if request.key_handle.0 == 0 {
            request.key_handle = done.handle;
        }
        if request.mac == [0; 32] {
            let data = mac_data(&made.certificate, b"k", &request.endorsed_algorithm.0);
            request.mac = open.mac(MethodId::SetSymmetricKey, &data);
        }
        (open, request)
    });
}

#[test]
fn needs_an_open_session() {
    let mut open = Open::new();
    let made = symmetric(&mut open);
    let mut request = open.symmetric_request(&made, b"k", &[SHA1]);
    request.provisioning_handle.0 = 1;
    refuses(&open.token, &request, Status::NoSession, "no provisioning session");
}
