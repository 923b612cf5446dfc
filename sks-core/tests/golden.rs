//! The golden values that a whole token can show: the calls of vectors/sks-vectors.json, sent to a token whose store
//! holds the golden session.
//!
//! The token makes ClientSessionID and its ephemeral key itself, and no random numbers lead to the golden ones: its ids
//! are longer. So the session is put into the store as if it had been created. That the golden ids and keys lead to the
//! golden session key is tested in `crypto`, on both sides.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use sks_core::Config;
use sks_core::crypto::engine;
use sks_core::ports::KeySpec;
use sks_core::record::{Address, Counter, Key, Material, ObjectKind, Record, Session};
use sks_tests::{MemStore, Token, golden, golden_ca, id, secret};
use sks_wire::Secret;
use sks_wire::method::{
    add_extension_data, close_provisioning_session, create_puk_policy, post_provisioning_delete_key,
    post_provisioning_update_key, restore_private_key, set_certificate_path, set_symmetric_key,
    sign_provisioning_session_data,
};
use sks_wire::types::{
    BaseType, BiometricProtection, Blob, DeletePolicy, ExportPolicy, Format, KeyHandle, KeyUsage, ProvisioningHandle,
};

const OWNER: u32 = 1;
const HANDLE: ProvisioningHandle = ProvisioningHandle(2);
const TARGET: KeyHandle = KeyHandle(1);
const KEY: KeyHandle = KeyHandle(2);

fn array<const N: usize>(name: &str) -> [u8; N] {
    golden(name).try_into().unwrap()
}

fn text(name: &str) -> String {
    let all: serde_json::Value = serde_json::from_str(include_str!("../../vectors/sks-vectors.json")).unwrap();
    all[name].as_str().unwrap().to_owned()
}

fn end_entity() -> Vec<u8> {
    let all: serde_json::Value = serde_json::from_str(include_str!("../../vectors/sks-vectors.json")).unwrap();
    hex::decode(all["certificates"][0].as_str().unwrap()).unwrap()
}

fn session(key: &str, open: bool, counter: u16) -> Session {
    let client = if open { text("client_session_id") } else { "C-old".to_owned() };
    Session {
        open,
        session_key: secret(golden(key)),
        mac_sequence_counter: counter,
        session_key_uses: 0,
        session_key_limit: 25,
        client_session_id: id(&client),
        server_session_id: id(&text("server_session_id")),
        issuer_uri: text("issuer_uri"),
        updatable: true,
        client_time: 1_270_548_000_123_u64.to_be_bytes(),
        session_life_time: 50000,
    }
}

fn key(session: u32, certificate: Option<Vec<u8>>) -> Key {
    Key {
        session,
        provisioned: session == OWNER,
        id: id("Key.1"),
        pin_group: None,
        biometric_protection: BiometricProtection::None,
        private_key_backup: false,
        export_policy: ExportPolicy::NonExportable,
        updatable: true,
        delete_policy: DeletePolicy::None,
        enable_pin_caching: false,
        import_private_key: false,
        key_usage: KeyUsage::Authentication,
        friendly_name: "Friendly".to_owned(),
        spec: KeySpec::P256,
        public_key: golden("key_public_der"),
        restored: false,
        certificates: certificate.into_iter().collect(),
        endorsed_algorithms: Vec::new(),
        extension_types: Vec::new(),
        replaces: None,
    }
}

/// A token in the midst of the golden session, which has made `counter` MACs; `change` says what its key is like.
fn token(counter: u16, change: impl FnOnce(&mut Key)) -> Token {
    let mut store = Token::default().store.snapshot();
    let mut new = key(HANDLE.0, (counter > 0).then(end_entity));
    change(&mut new);
    let pkcs8 = Material::Private(secret(golden("m5_restorePrivateKey_pkcs8")));
    for (at, record) in [
        (Address::Session(OWNER), Record::Session(session("original_session_key", false, 0))),
        (Address::SessionKey(OWNER, TARGET.0), Record::Mark),
        (Address::Key(TARGET.0), Record::Key(key(OWNER, Some(golden("post_provisioning_target_ee"))))),
        (Address::Material(TARGET.0), Record::Material(pkcs8.clone())),
        (Address::Session(HANDLE.0), Record::Session(session("session_key", true, counter))),
        (Address::OpenSession(HANDLE.0), Record::Time(u64::MAX)),
        (Address::SessionKey(HANDLE.0, KEY.0), Record::Mark),
        (Address::Name(HANDLE.0, ObjectKind::Key, id("Key.1")), Record::Number(KEY.0)),
        (Address::Key(KEY.0), Record::Key(new)),
        (Address::Material(KEY.0), Record::Material(pkcs8)),
        (Address::Counter(Counter::Provisioning), Record::Number(2)),
        (Address::Counter(Counter::Key), Record::Number(2)),
    ] {
        store.insert(at, record);
    }
    Token::on(MemStore::from_snapshot(store), Config::default(), std::sync::Arc::new(engine()))
}

fn stored_key(token: &Token) -> Key {
    match token.store.snapshot().remove(&Address::Key(KEY.0)) {
        Some(Record::Key(key)) => key,
        _ => unreachable!("the key is there"),
    }
}

#[test]
fn m0_sets_the_certificate_path() {
    let token = token(0, |_| {});
    let request = set_certificate_path::Request {
        provisioning_handle: HANDLE,
        key_handle: KEY,
        x509_certificate: vec![end_entity(), golden_ca()].into(),
        mac: array("m0_setCertificatePath_mac"),
    };
    token.call(&request).unwrap();
    assert_eq!(stored_key(&token).certificates, [end_entity(), golden_ca()]);
}

#[test]
fn m1_sets_the_symmetric_key() {
    let token = token(1, |key| key.key_usage = KeyUsage::SymmetricKey);
    let all: serde_json::Value = serde_json::from_str(include_str!("../../vectors/sks-vectors.json")).unwrap();
    let uris = all["m1_algorithms"].as_array().unwrap().iter().map(|uri| uri.as_str().unwrap().as_bytes().to_vec());
    let request = set_symmetric_key::Request {
        provisioning_handle: HANDLE,
        key_handle: KEY,
        symmetric_key: golden("m1_setSymmetricKey_encrypted"),
        endorsed_algorithm: uris.collect::<Vec<_>>().into(),
        mac: array("m1_setSymmetricKey_mac"),
    };
    token.call(&request).unwrap();
    let stored = token.store.snapshot().remove(&Address::Material(KEY.0));
    let expected = Material::Symmetric(secret(golden("m1_setSymmetricKey_clear")));
    assert_eq!(stored, Some(Record::Material(expected)));
}

#[test]
fn m2_to_m4_add_extensions() {
    let plain = golden("ext_data");
    let encrypted = golden("m3_addExtensionData_encrypted_ciphertext");
    let logotype = "http://xmlns.webpki.org/keygen2/1.0#logotype.application".to_owned();
    for (counter, base_type, qualifier, data, extension_type, mac) in [
        (2, BaseType::Extension, "", &plain, text("ext_type"), "m2_addExtensionData_plain_mac"),
        (
            3,
            BaseType::EncryptedExtension,
            "",
            &encrypted,
            text("m3_addExtensionData_encrypted_type"),
            "m3_addExtensionData_encrypted_mac",
        ),
        (4, BaseType::Logotype, "image/png", &plain, logotype, "m4_addExtensionData_logotype_mac"),
    ] {
        let token = token(counter, |_| {});
        let request = add_extension_data::Request {
            provisioning_handle: HANDLE,
            key_handle: KEY,
            base_type: base_type.into(),
            qualifier: qualifier.into(),
            extension_data: Blob(secret(data)),
            extension_type: extension_type.as_str().into(),
            mac: array(mac),
        };
        token.call(&request).unwrap();
        let Some(Record::Extension(stored)) = token.store.snapshot().remove(&Address::Extension(KEY.0, 0)) else {
            unreachable!("the extension is stored")
        };
        assert_eq!(stored.data, secret(&plain), "in clear");
    }
}

#[test]
fn m5_restores_the_private_key() {
    let token = token(5, |key| key.import_private_key = true);
    let request = restore_private_key::Request {
        provisioning_handle: HANDLE,
        key_handle: KEY,
        private_key: golden("m5_restorePrivateKey_encrypted"),
        mac: array("m5_restorePrivateKey_mac"),
    };
    token.call(&request).unwrap();
    assert!(stored_key(&token).restored);
}

#[test]
fn m6_and_m7_schedule_post_provisioning() {
    let token = token(6, |_| {});
    let request = post_provisioning_delete_key::Request {
        provisioning_handle: HANDLE,
        key_handle: TARGET,
        mac: array("m6_postProvisioningDeleteKey_mac"),
    };
    token.call(&request).unwrap();

    let token = self::token(7, |_| {});
    let request = post_provisioning_update_key::Request {
        provisioning_handle: HANDLE,
        key_handle: KEY,
        key_handle_original: TARGET,
        mac: array("m7_postProvisioningUpdateKey_mac"),
    };
    token.call(&request).unwrap();
    assert_eq!(stored_key(&token).replaces, Some(TARGET.0));
}

#[test]
fn m8_closes_with_the_golden_proof() {
    for (counter, mac, proof) in [
        (8, "m8_closeProvisioningSession_mac", "m8_attested_response"),
        (1, "minimal_session_close_mac_ctr1", "minimal_session_attested_response_ctr2"),
    ] {
        let token = token(counter, |_| {});
        let request = close_provisioning_session::Request { provisioning_handle: HANDLE, mac: array(mac) };
        assert_eq!(token.call(&request).unwrap().attested_response, array(proof));
    }
}

#[test]
fn the_rest_of_the_session_is_golden_too() {
    let token = token(0, |_| {});
    let data = golden("external_signature_data");
    let request = sign_provisioning_session_data::Request { provisioning_handle: HANDLE, data };
    assert_eq!(token.call(&request).unwrap().result, array("external_signature"));
    let request = create_puk_policy::Request {
        provisioning_handle: HANDLE,
        id: id("PUK.1"),
        puk_value: golden("puk_encrypted"),
        format: Format::Numeric.into(),
        retry_limit: 5,
    };
    let handle = token.call(&request).unwrap().puk_policy_handle;
    let Some(Record::PukPolicy(puk)) = token.store.snapshot().remove(&Address::PukPolicy(handle.0)) else {
        unreachable!("the PUK is stored")
    };
    assert_eq!(puk.puk, Secret::new(golden("puk_clear")));
}
