//! `setCertificatePath`.

use sks_tests::{Issuing, Made, ca_certificate, certificate};
use sks_wire::MethodId;
use sks_wire::Status;
use sks_wire::method::set_certificate_path::{Request, mac_data};
use sks_wire::types::KeyHandle;

use crate::support::*;

#[test]
fn the_path_is_kept_and_shown_once_the_session_is_closed() {
    let mut open = Open::new();
    let made = open.bare_key("Key.1", |_| {});
    let path = [made.certificate.clone(), ca_certificate().to_vec(), b"any bytes".to_vec()];
    let request = open.path_request(&made, &path);
    open.send(&request);
    assert_eq!(open.stored().unwrap().mac_sequence_counter, 1);
    open.close();
    assert_eq!(attributes(&open.token, made.handle).x509_certificate.0, path);
}

#[test]
fn costs_one_operation() {
    costs(
        1,
        |s| s.bare_key("Key.1", |_| {}),
        |s: &mut Issuing, made: Made| {
            let request = s.path_request(&made, std::slice::from_ref(&made.certificate));
            s.try_send(&request).map(drop)
        },
    );
}

#[test]
fn a_path_has_1_to_255_objects() {
    let mut open = Open::new();
    let made = open.bare_key("Key.1", |_| {});
    let mut path = vec![vec![1u8]; 255];
    path[0].clone_from(&made.certificate);
    let request = open.path_request(&made, &path);
    open.send(&request);

    let mut open = Open::new();
    let made = open.bare_key("Key.1", |_| {});
    open.aborts(&open.path_request(&made, &[]), Status::Option, "x509_certificate at byte");
    let mut open = Open::new();
    let made = open.bare_key("Key.1", |_| {});
    let path = [made.certificate.clone(), vec![]];
    open.aborts(&open.path_request(&made, &path), Status::Option, "x509_certificate at byte");
}

#[test]
fn the_certificate_must_be_one_and_hold_the_keys_public_key() {
    for import in [false, true] {
        let mut open = Open::new();
        let made = open.bare_key("Key.1", |r| r.import_private_key = import);
        open.aborts(&open.path_request(&made, &[b"garbage".to_vec()]), Status::Crypto, "no X.509 certificate");
        let mut open = Open::new();
        let made = open.bare_key("Key.1", |r| r.import_private_key = import);
        let longer = [made.certificate.as_slice(), &[0]].concat();
        open.aborts(&open.path_request(&made, &[longer]), Status::Crypto, "no X.509 certificate");
        let mut open = Open::new();
        let made = open.bare_key("Key.1", |r| r.import_private_key = import);
        let other = open.bare_key("Key.2", |_| {});
        let request = open.path_request(&made, &[certificate(&other.public_key)]);
        if import {
            open.send(&request);
        } else {
            open.aborts(&request, Status::Crypto, "does not hold the key's public key");
        }
    }
}

#[test]
fn the_mac_covers_key_name_and_every_certificate_in_order() {
    let wrong: [fn(&Open, &Made, &mut Request); 6] = [
        |_, _, r| r.mac[0] ^= 1,
        |open, made, r| {
            let path = &r.x509_certificate.0;
            r.mac = open.key.mac(MethodId::SetCertificatePath, 1, &mac_data(&made.public_key, &made.id, path));
        },
        |open, made, r| {
            let path = &r.x509_certificate.0;
            r.mac = open.mac(MethodId::SetSymmetricKey, &mac_data(&made.public_key, &made.id, path));
        },
        |_, _, r| r.x509_certificate.0.swap(1, 2),
        |_, _, r| r.x509_certificate.0.truncate(2),
        |open, _, r| {
            // Made for another key.
            r.key_handle = open
                .token
                .call(&sks_wire::method::get_key_handle::Request {
                    provisioning_handle: open.handle,
                    id: sks_tests::id("Key.2"),
                })
                .unwrap()
                .key_handle;
        },
    ];
    for change in wrong {
        let mut open = Open::new();
        let made = open.bare_key("Key.1", |_| {});
        open.bare_key("Key.2", |_| {});
        let path = [made.certificate.clone(), ca_certificate().to_vec(), b"x".to_vec()];
        let mut request = open.path_request(&made, &path);
        change(&open, &made, &mut request);
        open.aborts(&request, Status::Mac, "MAC does not match");
    }
}

#[test]
fn only_keys_of_the_session_get_a_path() {
    let token = crowded();
    let other = keys(&token)[1].0;
    for handle in [keys(&token)[0].0, other, 0, 99, u32::MAX] {
        let mut open = Open::on(&token, |_| {});
        let made = open.bare_key("Key.1", |_| {});
        let request = Request {
            key_handle: KeyHandle(handle),
            ..open.path_request(&made, std::slice::from_ref(&made.certificate))
        };
        open.aborts(&request, Status::NoKey, "did not create a key");
    }
}

#[test]
fn the_first_fault_in_order_is_told() {
    let faults = [
        fault::<Request>(Status::NoKey, "did not create a key", |r| r.key_handle = KeyHandle(99)),
        fault(Status::NotAllowed, "its certificate path already", |r| {
            if r.key_handle.0 != 99 {
                r.key_handle = KeyHandle(0);
            }
        }),
        fault(Status::Option, "x509_certificate at byte", |r| r.x509_certificate.0.clear()),
        tight(),
        fault(Status::Mac, "MAC does not match", |r| r.mac = [1; 32]),
        fault(Status::Crypto, "no X.509 certificate", |r| {
            if let Some(first) = r.x509_certificate.0.first_mut() {
                first.truncate(10);
            }
        }),
    ];
    in_order(&faults, |tight, wrong| {
        let mut open = Open::limited(if tight { 3 } else { 4 });
        let certified = open.key("Done", |_| {});
        let made = open.bare_key("Key.1", |_| {});
        let mut request = Request { mac: [0; 32], ..open.path_request(&made, std::slice::from_ref(&made.certificate)) };
        apply(&mut request, wrong);
        if request.key_handle.0 == 0 {
            request.key_handle = certified.handle;
        }
        if request.mac == [0; 32] {
            let data = mac_data(&made.public_key, &made.id, &request.x509_certificate.0);
            request.mac = open.mac(MethodId::SetCertificatePath, &data);
        }
        (open, request)
    });
}

#[test]
fn a_path_that_no_answer_could_hold_is_refused() {
    let config = sks_core::Config { max_answer: 2000, ..sks_core::Config::default() };
    let token = sks_tests::Token::new(config);
    let mut open = Open::on(&token, |_| {});
    let made = open.bare_key("Key.1", |_| {});
    let path = [made.certificate.clone(), vec![7; 2000]];
    open.aborts(&open.path_request(&made, &path), Status::Storage, "largest answer");
}

#[test]
fn needs_an_open_session() {
    let mut open = Open::new();
    let made = open.bare_key("Key.1", |_| {});
    let mut request = open.path_request(&made, std::slice::from_ref(&made.certificate));
    request.provisioning_handle.0 = 1;
    refuses(&open.token, &request, Status::NoSession, "no provisioning session");
}
