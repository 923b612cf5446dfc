//! What another issuer leaves on the token: open sessions, odd names, extensions, symmetric keys.

use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::{Extension, KeyOptions, Protection, Session, SessionOptions, Trust};
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use sks_wire::types::{BaseType, ExportPolicy, Id, KeyUsage};

use crate::support::Token;

const URI: &str = "https://issuer.example/\u{1b}[31m";
const NAME: &str = "red \u{1b}[31mname\u{202e}";

#[test]
fn an_open_session_is_shown_and_aborted() {
    let token = Token::start();
    let mut client = token.client();
    let options = SessionOptions::new(URI, Trust::Any);
    let mut session = Session::create(|call: &[u8]| client.call_raw(call), &options).unwrap();
    let key = session.create_key_pair(&KeyOptions::p256(Id::new("K").unwrap()), Protection::None).unwrap();
    let handle = session.handle();
    let shown = token.json("sessions");
    assert_eq!(shown[0]["is_open"], true);
    assert_eq!(shown[0]["provisioning_handle"], handle.0);
    assert_eq!(shown[0]["issuer_uri"], URI);
    let listed = token.run("sessions").ok().text();
    assert!(listed.contains("https://issuer.example/\\u{1b}[31m"), "{listed}");
    assert!(token.run("keys").ok().text().contains("(session open)"));
    token.run(&format!("key {}", key.handle)).fails(1, "ERROR_NO_KEY");

    assert_eq!(token.run(&format!("abort {handle}")).ok().text(), format!("session {handle} aborted\n"));
    assert_eq!(token.json("keys").as_array().unwrap().len(), 0);
    token.run(&format!("abort {handle}")).fails(1, "ERROR_NO_SESSION");
}

#[test]
fn texts_of_an_issuer_do_not_reach_the_terminal() {
    let token = Token::start();
    let key = provision(&token);
    for line in ["keys".to_owned(), "sessions".to_owned(), format!("key {key}"), format!("key {key} --json")] {
        let text = token.run(&line).ok().text();
        assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
    }
    assert_eq!(token.json("keys")[0]["friendly_name"], NAME);
    assert!(token.run("keys").ok().text().contains("red \\u{1b}[31mname\\u{202e}"));
}

#[test]
fn extensions_are_shown_but_an_encrypted_one_only_by_name() {
    let token = Token::start();
    let key = provision(&token);
    let extensions = token.json(&format!("key {key}"))["extensions"].clone();
    assert_eq!(extensions[0]["base_type"], "extension");
    assert_eq!(extensions[0]["extension_data"], "b3Blbg==");
    assert_eq!(extensions[1]["base_type"], "encrypted-extension");
    assert_eq!(extensions[1]["extension_data"], serde_json::Value::Null);
    assert_eq!(extensions[1]["length"], 6);
    assert_eq!(token.run(&format!("key {key} --extension urn:secret")).ok().stdout, b"secret");
    assert_eq!(token.json(&format!("key {key} --extension urn:secret"))["extension_data"], "c2VjcmV0");
    token.run(&format!("key {key} --extension urn:none")).fails(1, "ERROR_OPTION: the key has no extension");
}

#[test]
fn a_symmetric_key_is_exported_as_its_bytes() {
    let token = Token::start();
    let key = provision(&token);
    assert_eq!(token.json(&format!("key {key}"))["key_usage"], "symmetric-key");
    assert_eq!(token.run(&format!("export {key}")).ok().stdout, [7; 16]);
    assert_eq!(token.json(&format!("export {key}"))["raw_key"], "BwcHBwcHBwcHBwcHBwcHBw==");
    token.run_with(&format!("sign {key}"), b"x").fails(1, "ERROR_NOT_ALLOWED");
}

/// A symmetric key with an odd name and two extensions.
fn provision(token: &Token) -> u32 {
    let mut client = token.client();
    let ca = Ca::create(&Subject::common_name("CA").unwrap(), 1).unwrap();
    let mut session =
        Session::create(|call: &[u8]| client.call_raw(call), &SessionOptions::new(URI, Trust::Any)).unwrap();
    let mut options = KeyOptions::p256(Id::new("K").unwrap());
    options.usage = KeyUsage::SymmetricKey;
    options.friendly_name = NAME.to_owned();
    options.export_policy = ExportPolicy::None;
    let key = session.create_key_pair(&options, Protection::None).unwrap();
    let leaf = Leaf::new(Subject::common_name("Key").unwrap(), KeyUsage::SymmetricKey);
    let path = ca.issue_path(&key.public_key, &leaf).unwrap();
    let key = session.set_certificate_path(key, &path).unwrap();
    session.set_symmetric_key(&key, &Secret::new(vec![7; 16]), &[Algorithm::Aes128Cbc]).unwrap();
    for (extension_type, base_type, data) in [
        ("urn:\u{9b}open", BaseType::Extension, b"open".as_slice()),
        ("urn:secret", BaseType::EncryptedExtension, b"secret"),
    ] {
        let extension_type = extension_type.to_owned();
        let extension = Extension { extension_type, base_type, qualifier: String::new(), data: Secret::from(data) };
        session.add_extension(&key, &extension).unwrap();
    }
    session.close().unwrap();
    key.handle.0
}
