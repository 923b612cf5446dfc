//! The golden vectors of one issuance: key attestations, and the MACs m0 to m8 of the calls that follow.

use serde_json::Value;
use sks_core::crypto::session::SessionKey;
use sks_wire::method::create_key_pair::{AttestedPin, AttestedPuk, Request, attestation_data};
use sks_wire::method::{
    add_extension_data, close_provisioning_session, create_pin_policy, post_provisioning_delete_key,
    post_provisioning_update_key, restore_private_key, set_certificate_path, set_symmetric_key,
};
use sks_wire::types::{
    Code, Format, Id, KeyAlgorithm, Octet, PinPolicyHandle, ProvisioningHandle, PukPolicyHandle, Text,
};
use sks_wire::{MethodId, Secret};

use crate::fixtures::bytes;
use crate::vectors::{id, session_key, vectors};

/// What the key attestations of the vectors are made for.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    policy: u32,
    user_defined: Option<bool>,
    puk: bool,
    /// PrivateKeyBackup, ExportPolicy, DeletePolicy, EnablePINCaching, KeyUsage.
    options: (bool, u8, u8, bool, u8),
}

const PLAIN: (bool, u8, u8, bool, u8) = (false, 0, 0, false, 1);
const CASES: [Case; 5] = [
    Case { name: "ka_no_pin", policy: 0, user_defined: None, puk: false, options: PLAIN },
    Case { name: "ka_user_pin_no_puk", policy: 1, user_defined: Some(true), puk: false, options: PLAIN },
    Case { name: "ka_user_pin_puk", policy: 1, user_defined: Some(true), puk: true, options: PLAIN },
    Case { name: "ka_issuer_pin_puk", policy: 1, user_defined: Some(false), puk: true, options: (true, 2, 2, true, 0) },
    Case { name: "ka_device_pin", policy: u32::MAX, user_defined: None, puk: false, options: PLAIN },
];

#[test]
fn attests_keys() {
    let v = vectors();
    let puk = Secret::new(bytes(&v["puk_clear"]));
    let pin = Secret::new(bytes(&v["pin_clear"]));
    let puk_id = Id::new("PUK.1").unwrap();
    for case in CASES {
        let policy = case.user_defined.map(policy);
        let puk = case.puk.then_some(AttestedPuk { id: &puk_id, retry_limit: 5, puk: &puk, format: Format::Numeric });
        let attested = policy.as_ref().map(|policy| AttestedPin { policy, pin: &pin, puk });
        let data = attestation_data(&request(&v, case), &bytes(&v["key_public_der"]), attested);
        assert_eq!(data.expose(), bytes(&v[format!("{}_data", case.name)]), "{}", case.name);
        let attestation = session_key(&v).attest(&[data.expose()]);
        assert_eq!(attestation.to_vec(), bytes(&v[format!("{}_attestation", case.name)]), "{}", case.name);
    }
}

fn policy(user_defined: bool) -> create_pin_policy::Request {
    create_pin_policy::Request {
        provisioning_handle: ProvisioningHandle(1),
        id: Id::new("PIN.1").unwrap(),
        puk_policy_handle: PukPolicyHandle(0),
        user_defined,
        user_modifiable: user_defined,
        format: Code::raw(0),
        retry_limit: Octet(3),
        grouping: Code::raw(1),
        pattern_restrictions: Octet(6),
        min_length: Octet(4),
        max_length: Octet(8),
        input_method: Code::raw(0),
    }
}

fn request(v: &Value, case: Case) -> Request {
    let (private_key_backup, export_policy, delete_policy, enable_pin_caching, key_usage) = case.options;
    Request {
        provisioning_handle: ProvisioningHandle(1),
        attestation_algorithm: Text(Vec::new()),
        issuer_seed: bytes(&v["issuer_seed"]).try_into().unwrap(),
        id: Id::new("Key.1").unwrap(),
        pin_policy_handle: PinPolicyHandle(case.policy),
        pin_value: Secret::default(),
        biometric_protection: Code::raw(0),
        private_key_backup,
        export_policy: Code::raw(export_policy),
        updatable: true,
        delete_policy: Code::raw(delete_policy),
        enable_pin_caching,
        import_private_key: false,
        key_usage: Code::raw(key_usage),
        friendly_name: Text(b"Friendly".to_vec()),
        key_algorithm: KeyAlgorithm::Rsa { size: 0, exponent: 0 },
    }
}

/// Checks a MAC of the vectors, and that nothing else passes for it.
fn check(key: &SessionKey, method: MethodId, counter: u16, data: &[&[u8]], expected: &Value) {
    let mac = bytes(expected);
    assert_eq!(key.mac(method, counter, data).to_vec(), mac, "{}", method.name());
    assert!(key.verify(method, counter, data, &mac));
    assert!(!key.verify(method, counter + 1, data, &mac), "the counter counts");
    assert!(!key.verify(MethodId::CreateKeyPair, counter, data, &mac), "the method counts");
    assert!(!key.verify(method, counter, &[], &mac), "the data counts");
    assert!(!key.verify(method, counter, data, &mac[1..]), "all of the MAC counts");
}

#[test]
fn authenticates_the_calls_of_an_issuance() {
    let v = vectors();
    let key = session_key(&v);
    let certificates: Vec<_> = v["certificates"].as_array().unwrap().iter().map(bytes).collect();
    let (public, key_id) = (bytes(&v["key_public_der"]), Id::new("Key.1").unwrap());

    let m0 = set_certificate_path::mac_data(&public, &key_id, &certificates);
    assert_eq!(m0.concat(), bytes(&v["m0_setCertificatePath_data"]));
    check(&key, MethodId::SetCertificatePath, 0, &m0, &v["m0_setCertificatePath_mac"]);

    let end_entity = &certificates[0];
    let uris = v["m1_algorithms"].as_array().unwrap().iter();
    let uris: Vec<_> = uris.map(|uri| uri.as_str().unwrap().as_bytes().to_vec()).collect();
    let clear = bytes(&v["m1_setSymmetricKey_clear"]);
    let m1 = set_symmetric_key::mac_data(end_entity, &clear, &uris);
    check(&key, MethodId::SetSymmetricKey, 1, &m1, &v["m1_setSymmetricKey_mac"]);

    let data = bytes(&v["ext_data"]);
    let logotype = Value::from("http://xmlns.webpki.org/keygen2/1.0#logotype.application");
    for (counter, base_type, qualifier, extension_type, mac) in [
        (2, 0, "", &v["ext_type"], &v["m2_addExtensionData_plain_mac"]),
        (3, 1, "", &v["m3_addExtensionData_encrypted_type"], &v["m3_addExtensionData_encrypted_mac"]),
        (4, 3, "image/png", &logotype, &v["m4_addExtensionData_logotype_mac"]),
    ] {
        let (base_type, extension_type) = ([base_type], extension_type.as_str().unwrap().as_bytes());
        let covered = add_extension_data::mac_data(end_entity, &base_type, qualifier.as_bytes(), &data, extension_type);
        check(&key, MethodId::AddExtensionData, counter, &covered, mac);
    }

    let pkcs8 = bytes(&v["m5_restorePrivateKey_pkcs8"]);
    let m5 = restore_private_key::mac_data(end_entity, &pkcs8);
    check(&key, MethodId::RestorePrivateKey, 5, &m5, &v["m5_restorePrivateKey_mac"]);
}

#[test]
fn authenticates_post_provisioning_and_the_close() {
    let v = vectors();
    let key = session_key(&v);
    let end_entity = bytes(&v["certificates"][0]);
    let owner = SessionKey::try_from(&Secret::new(bytes(&v["original_session_key"]))).unwrap();
    let inner = owner.proof_of_issuance(&bytes(&v["post_provisioning_target_ee"]));
    assert_eq!(inner.to_vec(), bytes(&v["post_provisioning_inner_mac"]));

    let m6 = post_provisioning_delete_key::mac_data(&inner);
    check(&key, MethodId::PostProvisioningDeleteKey, 6, &m6, &v["m6_postProvisioningDeleteKey_mac"]);
    let m7 = post_provisioning_update_key::mac_data(&inner, &end_entity);
    check(&key, MethodId::PostProvisioningUpdateKey, 7, &m7, &v["m7_postProvisioningUpdateKey_mac"]);

    let (csid, ssid) = (id(&v["client_session_id"]), id(&v["server_session_id"]));
    let close = close_provisioning_session::mac_data(&csid, &ssid, v["issuer_uri"].as_str().unwrap());
    check(&key, MethodId::CloseProvisioningSession, 8, &close, &v["m8_closeProvisioningSession_mac"]);
    assert_eq!(key.attest_success(9).to_vec(), bytes(&v["m8_attested_response"]));
    check(&key, MethodId::CloseProvisioningSession, 1, &close, &v["minimal_session_close_mac_ctr1"]);
    assert_eq!(key.attest_success(2).to_vec(), bytes(&v["minimal_session_attested_response_ctr2"]));
}
