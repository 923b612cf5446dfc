//! The golden vectors of vectors/sks-vectors.json, as far as they are cryptography; `issuance` has the calls' MACs.

use serde_json::Value;
use sha2::{Digest, Sha256};
use sks_core::crypto::session::{EphemeralKey, Parties, SessionKey, attest_session, create_session_key};
use sks_core::crypto::{RustCrypto, certificate, engine, peer_key};
use sks_core::ports::{Crypto, CryptoError, KeySpec, Rng};
use sks_wire::Secret;
use sks_wire::method::create_provisioning_session::{Request, attestation_data, other_info};
use sks_wire::types::{Id, Text};

use crate::fixtures::{Ascending, Broken, Counting, bytes, json};

pub(crate) fn vectors() -> Value {
    json("../vectors/sks-vectors.json")
}

pub(crate) fn session_key(vectors: &Value) -> SessionKey {
    SessionKey::try_from(&Secret::new(bytes(&vectors["session_key"]))).unwrap()
}

pub(crate) fn id(value: &Value) -> Id {
    Id::new(value.as_str().unwrap()).unwrap()
}

/// Each engine by itself, and the two as the token uses them.
fn engines() -> Vec<Box<dyn Crypto>> {
    vec![
        Box::new(engine()),
        Box::new(RustCrypto),
        #[cfg(feature = "aws-lc")]
        Box::new(sks_core::crypto::AwsLc),
    ]
}

fn scalar(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

#[test]
fn both_sides_agree_on_z_and_the_session_key() {
    let v = vectors();
    let [server_key, client_key] = ["server_ephemeral_key_der", "client_ephemeral_key_der"].map(|key| bytes(&v[key]));
    let [server, client] = [&server_key, &client_key].map(|key| peer_key(key).unwrap());
    let [server_d, client_d] = ["server_private_key_d", "client_private_key_d"].map(|key| scalar(&v[key]));
    let certificate = bytes(&v["device_certificate"]);
    let (csid, ssid) = (id(&v["client_session_id"]), id(&v["server_session_id"]));
    let issuer_uri = v["issuer_uri"].as_str().unwrap();
    assert_eq!(other_info(issuer_uri, &certificate, &csid, &ssid), bytes(&v["kdf_other_info"]));
    let parties =
        Parties { issuer_uri, device_certificate: &certificate, client_session_id: &csid, server_session_id: &ssid };
    for crypto in engines() {
        for (own, peer, public_key) in [(client_d, &server, &client_key), (server_d, &client, &server_key)] {
            let exchange = crypto.exchange(&own.into(), peer).unwrap();
            assert_eq!(exchange.public_key, *public_key);
            assert_eq!(exchange.shared.expose(), bytes(&v["Z"]));
        }
        let agreed = EphemeralKey::from_scalar(client_d).agree(&server, &parties, &*crypto).unwrap();
        assert_eq!(agreed.client_ephemeral_key, client_key);
        assert_eq!(agreed.session_key.to_secret().expose(), bytes(&v["session_key"]));
    }
}

#[test]
fn a_fresh_exchange_gives_the_issuer_the_same_key() {
    let v = vectors();
    let certificate = bytes(&v["device_certificate"]);
    let (csid, ssid) = (id(&v["client_session_id"]), id(&v["server_session_id"]));
    let parties = Parties {
        issuer_uri: "https://ca.example.com",
        device_certificate: &certificate,
        client_session_id: &csid,
        server_session_id: &ssid,
    };
    let server_key = bytes(&v["server_ephemeral_key_der"]);
    for crypto in engines() {
        let agreed = create_session_key(&server_key, &parties, &*crypto, &Counting::new(1)).unwrap();
        let client_key = peer_key(&agreed.client_ephemeral_key).unwrap();
        let server = EphemeralKey::from_scalar(scalar(&v["server_private_key_d"]));
        let theirs = server.agree(&client_key, &parties, &RustCrypto).unwrap();
        assert_eq!(agreed.session_key.to_secret(), theirs.session_key.to_secret());
        assert_eq!(agreed.client_ephemeral_key.len(), 91);

        let again = create_session_key(&server_key, &parties, &*crypto, &Counting::new(99)).unwrap();
        assert_ne!(agreed.session_key.to_secret(), again.session_key.to_secret());
        assert!(create_session_key(&server_key, &parties, &*crypto, &Broken).is_err());
    }
}

/// All engines give the same for any number and any key, and refuse the same numbers: 0, and the order or more.
#[test]
fn every_engine_exchanges_alike() {
    let rng = Counting::new(7);
    for round in 0..50 {
        let mut own = [0; 32];
        rng.fill(&mut own).unwrap();
        if round % 5 == 0 {
            own[..16 + round / 4].fill(0);
        }
        let peer = RustCrypto.generate(KeySpec::P256, &[round as u8; 32], &rng).unwrap();
        let peer = peer_key(peer.public_key()).unwrap();
        let expected = RustCrypto.exchange(&own.into(), &peer).unwrap();
        for crypto in engines() {
            let found = crypto.exchange(&own.into(), &peer).unwrap();
            assert_eq!((found.public_key, found.shared), (expected.public_key.clone(), expected.shared.clone()));
        }
    }
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
    let server = peer_key(&bytes(&vectors()["server_ephemeral_key_der"])).unwrap();
    for bad in [[0; 32], order.try_into().unwrap(), [0xFF; 32]] {
        for crypto in engines() {
            assert_eq!(crypto.exchange(&bad.into(), &server).err(), Some(CryptoError::BadKey));
        }
    }
}

#[test]
fn attests_the_session() {
    let v = vectors();
    let request = Request {
        session_key_algorithm: Text(Vec::new()),
        server_session_id: id(&v["server_session_id"]),
        server_ephemeral_key: bytes(&v["server_ephemeral_key_der"]),
        issuer_uri: Text(v["issuer_uri"].as_str().unwrap().as_bytes().to_vec()),
        updatable: v["updatable"].as_bool().unwrap(),
        client_time: v["client_time_ms"].as_u64().unwrap().to_be_bytes(),
        session_life_time: u32::try_from(v["session_life_time"].as_u64().unwrap()).unwrap(),
        session_key_limit: u16::try_from(v["session_key_limit"].as_u64().unwrap()).unwrap(),
    };
    let client_key = bytes(&v["client_ephemeral_key_der"]);
    let data = attestation_data(&request, &id(&v["client_session_id"]), &client_key);
    assert_eq!(data, bytes(&v["session_attestation_data"]));
    let hmac = session_key(&v).session_hmac(&data);
    assert_eq!(hmac.to_vec(), bytes(&v["session_attestation_hmac"]));

    // Of the device's key, whose public half is in the device certificate: ECDSA over SHA-256 of the HMAC.
    let certified = certificate::public_key_of(&bytes(&v["device_certificate"])).unwrap();
    for crypto in [&engine() as &dyn Crypto, &RustCrypto] {
        let identity = crypto.load(&device_key(&v)).unwrap();
        assert_eq!(identity.public_key(), certified);
        let signature = attest_session(&*identity, &hmac, &Counting::new(1)).unwrap();
        crate::engines::verify_ecdsa(&certified, &Sha256::digest(hmac), &signature);
    }
}

/// PKCS#8 of the device's key, without the public key.
fn device_key(v: &Value) -> Vec<u8> {
    let head = "3041020100301306072a8648ce3d020106082a8648ce3d0301070427302502010104 20".replace(' ', "");
    hex::decode(head + v["device_private_key_d"].as_str().unwrap()).unwrap()
}

#[test]
fn signs_externally() {
    let v = vectors();
    let signature = session_key(&v).external_signature(&bytes(&v["external_signature_data"]));
    assert_eq!(signature.to_vec(), bytes(&v["external_signature"]));
}

#[test]
fn decrypts_and_encrypts_under_the_encryption_key() {
    let v = vectors();
    let key = session_key(&v);
    let pairs = [
        (bytes(&v["puk_clear"]), "puk_encrypted"),
        (bytes(&v["pin_clear"]), "pin_encrypted"),
        (bytes(&v["m1_setSymmetricKey_clear"]), "m1_setSymmetricKey_encrypted"),
        (bytes(&v["ext_data"]), "m3_addExtensionData_encrypted_ciphertext"),
        (bytes(&v["m5_restorePrivateKey_pkcs8"]), "m5_restorePrivateKey_encrypted"),
    ];
    assert_eq!(bytes(&v["iv"]), (0..16).collect::<Vec<u8>>());
    for (clear, name) in pairs {
        let encrypted = bytes(&v[name]);
        assert_eq!(key.decrypt(&encrypted).unwrap().expose(), clear, "{name}");
        assert_eq!(key.encrypt(&clear, &Ascending).unwrap(), encrypted, "{name}");
    }
    // The key itself shows in no interface: it is AES-256-CBC under that key that the pairs above are.
    let direct = sks_core::crypto::symmetric::crypt(
        sks_wire::algorithm::Algorithm::Aes256Cbc,
        true,
        &bytes(&v["encryption_key"]),
        &bytes(&v["iv"]),
        &bytes(&v["puk_clear"]),
    );
    assert_eq!(direct.unwrap().expose(), &bytes(&v["puk_encrypted"])[16..]);
}

#[test]
fn refuses_encrypted_data_of_wrong_lengths_or_padding() {
    let v = vectors();
    let key = session_key(&v);
    let good = bytes(&v["puk_encrypted"]);
    for len in (0..32).chain([33, 40, 47]) {
        let data = [good.as_slice(), &[0; 16]].concat();
        assert_eq!(key.decrypt(&data[..len]), Err(CryptoError::BadData), "{len} bytes");
    }
    // The last byte of the IV changes the last clear byte of the only block.
    for flip in (1..=255_u8).filter(|flip| 0x0b ^ flip != 1) {
        let mut data = good.clone();
        data[15] ^= flip;
        assert_eq!(key.decrypt(&data), Err(CryptoError::BadData), "{flip:#x}");
    }
    let fresh = |rng| key.encrypt(b"x", rng).unwrap();
    let rng = Counting::new(5);
    assert_ne!(fresh(&rng)[..16], fresh(&rng)[..16], "the IV is fresh");
    assert_eq!(key.encrypt(b"x", &Broken), Err(CryptoError::Failed));
}

#[test]
fn the_session_key_does_not_show() {
    let key = session_key(&vectors());
    assert_eq!(format!("{key:?}"), "SessionKey(32 bytes)");
    assert!(SessionKey::try_from(&Secret::new(vec![1; 31])).is_err());
    assert!(SessionKey::try_from(&Secret::default()).is_err());
}

#[test]
fn reads_the_keys_of_certificates() {
    let v = vectors();
    let certificates: Vec<_> = v["certificates"].as_array().unwrap().iter().map(bytes).collect();
    assert_eq!(certificate::public_key_of(&certificates[0]).unwrap(), bytes(&v["key_public_der"]));
    assert_eq!(certificate::spec_of(&bytes(&v["key_public_der"])), Ok(KeySpec::P256));
    assert!(certificate::public_key_of(&certificates[1]).is_ok());
    // The key that restorePrivateKey brings is that of the first certificate.
    let restored = engine().load(&bytes(&v["m5_restorePrivateKey_pkcs8"])).unwrap();
    assert_eq!(restored.public_key(), bytes(&v["key_public_der"]));
    assert_eq!(restored.pkcs8().unwrap().expose(), bytes(&v["m5_restorePrivateKey_pkcs8"]));
}
