//! The issuer's side against values that an independent implementation computed (`vectors/sks-vectors.json`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{FakeToken, array, bytes, certificates, golden, golden_options, server_key, session_key, text};
use sks_issuer::crypto::EphemeralKey;
use sks_issuer::{
    Extension, KeyOptions, PinPolicyOptions, Protection, PukPolicyOptions, Session, SessionKey, SessionRecord,
};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{create_key_pair, create_provisioning_session};
use sks_wire::types::{BaseType, DeletePolicy, ExportPolicy, Format, Grouping, Id, KeyHandle, KeyUsage, pattern};
use sks_wire::{MethodId, Request, Secret};

#[test]
fn the_ephemeral_keys_agree() {
    let server = server_key();
    let client = EphemeralKey::from_scalar(&array("client_private_key_d")).unwrap();
    assert_eq!(server.public_der(), bytes("server_ephemeral_key_der"));
    assert_eq!(client.public_der(), bytes("client_ephemeral_key_der"));
    let z = Secret::new(bytes("Z"));
    assert_eq!(server.agree(client.public_der()).unwrap(), z);
    assert_eq!(client.agree(server.public_der()).unwrap(), z);
}

#[test]
fn the_session_key_is_derived() {
    let id = |name| Id::new(&text(name)).unwrap();
    let info = create_provisioning_session::other_info(
        &text("issuer_uri"),
        &bytes("device_certificate"),
        &id("client_session_id"),
        &id("server_session_id"),
    );
    assert_eq!(info, bytes("kdf_other_info"));
    let key = SessionKey::derive(&Secret::new(bytes("Z")), &info);
    assert_eq!(key.expose(), bytes("session_key"));
    assert_eq!(key.encryption_key().as_slice(), bytes("encryption_key"));
    let hmac = key.session_hmac(&[&bytes("session_attestation_data")]);
    assert_eq!(hmac.as_slice(), bytes("session_attestation_hmac"));
    let signed = key.external_signature(&bytes("external_signature_data"));
    assert_eq!(signed.as_slice(), bytes("external_signature"));
}

#[test]
fn encrypted_data_goes_both_ways() {
    let key = session_key();
    let iv = array("iv");
    for (clear, encrypted) in [
        ("puk_clear", "puk_encrypted"),
        ("pin_clear", "pin_encrypted"),
        ("m1_setSymmetricKey_clear", "m1_setSymmetricKey_encrypted"),
        ("ext_data", "m3_addExtensionData_encrypted_ciphertext"),
        ("m5_restorePrivateKey_pkcs8", "m5_restorePrivateKey_encrypted"),
    ] {
        assert_eq!(key.encrypt_with_iv(&bytes(clear), &iv), bytes(encrypted), "{clear}");
        assert_eq!(key.decrypt(&bytes(encrypted)).unwrap().expose(), bytes(clear), "{clear}");
    }
}

#[test]
fn encrypted_data_that_is_none_is_refused() {
    let key = session_key();
    let good = bytes("puk_encrypted");
    for length in [0, 15, 16, 17, 31] {
        assert!(key.decrypt(&good[..length]).is_err(), "{length} bytes");
    }
    let mut bad = good.clone();
    // The last byte of the IV ends up in the padding's count.
    bad[15] ^= 1;
    assert!(key.decrypt(&bad).is_err());
}

#[test]
fn key_attestations_are_recomputed() {
    for name in ["ka_no_pin", "ka_user_pin_no_puk", "ka_user_pin_puk", "ka_issuer_pin_puk", "ka_device_pin"] {
        let data = bytes(&format!("{name}_data"));
        let attestation = session_key().attestation(&[&data]);
        assert_eq!(attestation.as_slice(), bytes(&format!("{name}_attestation")), "{name}");
    }
}

/// What createKeyPair's call of the golden values was.
fn key_options(issuer_pin: bool) -> KeyOptions {
    let mut options = KeyOptions {
        usage: KeyUsage::Authentication,
        friendly_name: "Friendly".to_owned(),
        updatable: true,
        issuer_seed: Some(array("issuer_seed")),
        ..KeyOptions::p256(Id::new("Key.1").unwrap())
    };
    if issuer_pin {
        options.private_key_backup = true;
        options.export_policy = ExportPolicy::Puk;
        options.delete_policy = DeletePolicy::Puk;
        options.enable_pin_caching = true;
        options.usage = KeyUsage::Signature;
    }
    options
}

/// The attestations that a session accepts are the golden ones, in each case of PIN and PUK.
#[test]
fn a_session_accepts_the_golden_attestations() {
    for (name, user_defined, with_puk) in [
        ("ka_no_pin", None, false),
        ("ka_user_pin_no_puk", Some(true), false),
        ("ka_user_pin_puk", Some(true), true),
        ("ka_issuer_pin_puk", Some(false), true),
        ("ka_device_pin", None, false),
    ] {
        let mut options = key_options(user_defined == Some(false));
        let expected = bytes(&format!("{name}_data"));
        // The bytes behind the public key say what was asked for.
        let tail = &expected[expected.len() - 16..expected.len() - 8];
        options.usage = KeyUsage::ALL[usize::from(tail[7])];
        options.updatable = tail[3] == 1;

        let mut token = FakeToken::honest();
        let mut session = Session::create(&mut token, &golden_options()).unwrap();
        let puk = with_puk.then(|| {
            let puk = PukPolicyOptions {
                id: Id::new("PUK.1").unwrap(),
                puk: Secret::new(bytes("puk_clear")),
                format: Format::Numeric,
                retry_limit: 5,
            };
            session.create_puk_policy(puk).unwrap()
        });
        let policy = user_defined.map(|user_defined| {
            let options = PinPolicyOptions {
                user_defined,
                user_modifiable: user_defined,
                format: Format::Numeric,
                grouping: Grouping::Shared,
                pattern_restrictions: pattern::THREE_IN_A_ROW | pattern::SEQUENCE,
                max_length: 8,
                ..PinPolicyOptions::new(Id::new("PIN.1").unwrap())
            };
            session.create_pin_policy(&options, puk.as_ref()).unwrap()
        });
        let pin = Secret::new(bytes("pin_clear"));
        let protection = match &policy {
            Some(policy) => Protection::Pin { policy, pin: &pin },
            None if name == "ka_device_pin" => Protection::DevicePin,
            None => Protection::None,
        };
        session.create_key_pair(&options, protection).unwrap();

        let Request::CreateKeyPair(request) = token.last() else { panic!("no key was asked for") };
        let attested = policy.as_ref().map(|policy| create_key_pair::AttestedPin {
            policy: &policy.request,
            pin: &pin,
            puk: policy.puk.as_ref().map(|puk| create_key_pair::AttestedPuk {
                id: &puk.options.id,
                retry_limit: puk.options.retry_limit,
                puk: &puk.options.puk,
                format: puk.options.format,
            }),
        });
        let data = create_key_pair::attestation_data(request, &bytes("key_public_der"), attested);
        assert_eq!(data.expose(), expected, "{name}");
    }
}

/// The golden session, step by step: nine MACs, counted from 0, and the proof of the close.
#[test]
fn a_session_makes_the_golden_macs() {
    let mut token = FakeToken::honest();
    let info = sks_wire::method::get_device_info::Request {};
    let device = sks_issuer::Transport::call(&mut &mut token, &info).unwrap();
    let mut session = Session::create_with(&mut token, &golden_options(), &device, &server_key()).unwrap();
    assert_eq!(session.record().key(), &session_key());

    let key = session.create_key_pair(&key_options(false), Protection::None).unwrap();
    let key = session.set_certificate_path(key, &certificates()).unwrap();
    let symmetric = Secret::new(bytes("m1_setSymmetricKey_clear"));
    let algorithms = [Algorithm::Aes128Cbc, Algorithm::HmacSha1, Algorithm::HmacSha256];
    session.set_symmetric_key(&key, &symmetric, &algorithms).unwrap();
    let extension = |base_type, extension_type: &str, qualifier: &str| Extension {
        extension_type: extension_type.to_owned(),
        base_type,
        qualifier: qualifier.to_owned(),
        data: Secret::new(bytes("ext_data")),
    };
    let logotype = "http://xmlns.webpki.org/keygen2/1.0#logotype.application";
    session.add_extension(&key, &extension(BaseType::Extension, &text("ext_type"), "")).unwrap();
    let encrypted = text("m3_addExtensionData_encrypted_type");
    session.add_extension(&key, &extension(BaseType::EncryptedExtension, &encrypted, "")).unwrap();
    session.add_extension(&key, &extension(BaseType::Logotype, logotype, "image/png")).unwrap();
    session.restore_private_key(&key, &Secret::new(bytes("m5_restorePrivateKey_pkcs8"))).unwrap();
    let mut owner = original();
    let target = bytes("post_provisioning_target_ee");
    session.post_provisioning_delete(&mut owner, KeyHandle(1), &target).unwrap();
    session.post_provisioning_update(&mut owner, KeyHandle(2), &target, &key).unwrap();
    assert_eq!(owner.left(), 18);
    assert_eq!(session.record().left(), 25 - 1 - 1 - 2 - 1 - 2 - 1 - 2 - 1 - 1);
    let record = session.close().unwrap();
    assert_eq!((record.counter(), record.left(), record.is_open()), (9, 11, false));

    let macs: Vec<[u8; 32]> = token.calls.iter().filter_map(mac_of).collect();
    let names = [
        "m0_setCertificatePath_mac",
        "m1_setSymmetricKey_mac",
        "m2_addExtensionData_plain_mac",
        "m3_addExtensionData_encrypted_mac",
        "m4_addExtensionData_logotype_mac",
        "m5_restorePrivateKey_mac",
        "m6_postProvisioningDeleteKey_mac",
        "m7_postProvisioningUpdateKey_mac",
        "m8_closeProvisioningSession_mac",
    ];
    assert_eq!(macs, names.map(array));
}

#[test]
fn the_create_call_is_the_golden_one() {
    let mut token = FakeToken::honest();
    let info = sks_wire::method::get_device_info::Request {};
    let device = sks_issuer::Transport::call(&mut &mut token, &info).unwrap();
    Session::create_with(&mut token, &golden_options(), &device, &server_key()).unwrap();
    let call = token.last().encode();
    assert_eq!(call[1..], bytes("create_call_after_method_id"));
}

#[test]
fn the_shortest_session_closes_with_the_golden_values() {
    let key = session_key();
    let ids = [text("client_session_id"), text("server_session_id"), text("issuer_uri")];
    let mac = key.mac(MethodId::CloseProvisioningSession, 1, &ids.each_ref().map(|id| id.as_bytes()));
    assert_eq!(mac.as_slice(), bytes("minimal_session_close_mac_ctr1"));
    for (counter, name) in [(2u16, "minimal_session_attested_response_ctr2"), (9, "m8_attested_response")] {
        let proof = key.attestation(&[b"Success", &counter.to_be_bytes()]);
        assert_eq!(proof.as_slice(), bytes(name));
    }
    let proof = original().key().proof_of_issuance(&bytes("post_provisioning_target_ee"));
    assert_eq!(proof.as_slice(), bytes("post_provisioning_inner_mac"));
}

/// The record of a session with the golden OriginalSessionKey, made as its stored form says.
fn original() -> SessionRecord {
    let mut stored = b"SKS session\x01".to_vec();
    for field in [&bytes("original_session_key")[..], b"C-0", b"S-0", b"https://ca.example.com"] {
        stored.extend_from_slice(&u16::try_from(field.len()).unwrap().to_be_bytes());
        stored.extend_from_slice(field);
    }
    stored.extend_from_slice(&[1, 0, 0, 3, 0, 20, 0, 0]);
    SessionRecord::from_bytes(&stored).unwrap()
}

fn mac_of(request: &Request) -> Option<[u8; 32]> {
    Some(match request {
        Request::SetCertificatePath(request) => request.mac,
        Request::SetSymmetricKey(request) => request.mac,
        Request::AddExtensionData(request) => request.mac,
        Request::RestorePrivateKey(request) => request.mac,
        Request::PostProvisioningDeleteKey(request) => request.mac,
        Request::PostProvisioningUpdateKey(request) => request.mac,
        Request::CloseProvisioningSession(request) => request.mac,
        _ => return None,
    })
}

#[test]
fn the_golden_values_are_all_looked_at() {
    // A value added later must be added above, or named here as none of the issuer's.
    assert_eq!(golden().as_object().unwrap().len(), 66);
}
