//! `enumerateKeys`.

use sks_tests::{Issuing, Token, id};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::enumerate_keys::{Key, Request};
use sks_wire::types::{Enumerated, KeyHandle, KeyUsage, NO_HANDLE};

use crate::support::*;

fn after(token: &Token, handle: u32) -> Option<(u32, Key)> {
    match token.call(&Request { key_handle: KeyHandle(handle) }).unwrap().next {
        Enumerated::Next { handle, item } => Some((handle, item)),
        Enumerated::End => None,
    }
}

/// Of a key in an open session no certificate is told, and of its algorithms and extensions those set so far.
#[test]
fn tells_what_is_set_so_far() {
    let token = Token::default();
    let mut session = Issuing::create(&token, |_| {});
    let made = session.bare_key("Key.1", |r| {
        r.key_usage = KeyUsage::SymmetricKey.into();
        r.friendly_name = "å".into();
    });
    let mut expected = Key {
        provisioning_handle: session.handle,
        id: id("Key.1"),
        key_usage: KeyUsage::SymmetricKey.into(),
        friendly_name: "å".into(),
        x509_certificate: vec![].into(),
        endorsed_algorithm: vec![].into(),
        extension_type: vec![].into(),
    };
    let told = || after(&token, NO_HANDLE).unwrap();
    assert_eq!(told(), (made.handle.0, expected.clone()));
    session.certify(&made);
    assert_eq!(told().1, expected, "no certificate yet");
    let uris = [Algorithm::HmacSha1.uri(), Algorithm::HmacSha256.uri()];
    let request = session.symmetric_request(&made, b"k", &uris.map(str::as_bytes));
    session.send(&request);
    expected.endorsed_algorithm = uris.map(Into::into).to_vec().into();
    assert_eq!(told().1, expected);
    for name in ["z", "a"] {
        session.extension(&made, name, b"");
    }
    expected.extension_type = vec!["z".into(), "a".into()].into();
    assert_eq!(told().1, expected, "in the order in which they came");
    session.close();
    expected.x509_certificate = vec![made.certificate.clone(), sks_tests::ca_certificate().to_vec()].into();
    assert_eq!(told().1, expected);
}

#[test]
fn asymmetric_keys_have_no_algorithms() {
    let token = Token::default();
    closed_key(&token, |_| {});
    assert!(after(&token, NO_HANDLE).unwrap().1.endorsed_algorithm.0.is_empty());
}

#[test]
fn goes_on_after_a_key_that_was_removed() {
    let token = Token::default();
    assert_eq!(after(&token, NO_HANDLE), None);
    let mut session = Issuing::create(&token, |_| {});
    let handles: Vec<KeyHandle> = (0..4).map(|at| session.key(&format!("K{at}"), |_| {}).handle).collect();
    session.close();
    let next = |handle| after(&token, handle).map(|(handle, _)| handle);
    assert_eq!([NO_HANDLE, 0, 1, 3].map(next), [Some(1), Some(1), Some(2), Some(4)]);
    assert_eq!([4, 5, NO_HANDLE - 1].map(next), [None; 3]);
    for at in [0, 2] {
        token.call(&delete(handles[at], "")).unwrap();
    }
    assert_eq!([NO_HANDLE, 0, 1, 2, 3].map(next), [Some(2), Some(2), Some(2), Some(4), Some(4)]);
    assert_eq!(**token.device.call(&[32, 0, 0, 0, 4]), [0, 0xFF, 0xFF, 0xFF, 0xFF], "the end, and nothing more");
}
