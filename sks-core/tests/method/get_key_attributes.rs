//! `getKeyAttributes`.

use sks_tests::{Issuing, Token, ca_certificate};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::get_key_attributes::{Request, Response};
use sks_wire::types::{KeyHandle, KeyUsage};

use crate::support::*;

#[test]
fn tells_what_the_key_is() {
    let token = Token::default();
    let mut session = Issuing::create(&token, |_| {});
    let made = session.symmetric_key("A", b"k", &[Algorithm::HmacSha256, Algorithm::HmacSha1], |r| {
        r.friendly_name = "å".into();
    });
    for name in ["z", "a"] {
        session.extension(&made, name, b"");
    }
    let plain = session.key("B", |r| r.key_usage = KeyUsage::Transport.into());
    session.close();
    let expected = Response {
        key_usage: KeyUsage::SymmetricKey.into(),
        friendly_name: "å".into(),
        x509_certificate: vec![made.certificate.clone(), ca_certificate().to_vec()].into(),
        endorsed_algorithm: vec![Algorithm::HmacSha1.uri().into(), Algorithm::HmacSha256.uri().into()].into(),
        extension_type: vec!["z".into(), "a".into()].into(),
    };
    assert_eq!(attributes(&token, made.handle), expected);
    let plain = attributes(&token, plain.handle);
    assert_eq!(plain.key_usage, KeyUsage::Transport.into());
    assert!(plain.endorsed_algorithm.0.is_empty() && plain.extension_type.0.is_empty());
}

#[test]
fn only_keys_of_closed_sessions_are_found() {
    let token = crowded();
    refuses(&token, &Request { key_handle: KeyHandle(2) }, Status::NoKey, "still open");
    refuses(&token, &Request { key_handle: KeyHandle(99) }, Status::NoKey, "no key with this handle");
}
