//! What the standard leaves open in a mechanism, held against other implementations and known values; and what the local
//! issuer gives to the keys that it makes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::sync::OnceLock;

use common::{Setup, is, object, pin, value};
use cryptoki::error::RvError;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use rsa::BoxedUint;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use sks_client::Client;
use sks_wire::method::{get_key_attributes, get_key_protection_info};
use sks_wire::types::{DeletePolicy, ExportPolicy, KeyHandle, KeyUsage};

const PIN: &str = "1563";

fn setup() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| {
        Setup::of(&[
            ("ec", None, "p256"),
            ("rsa", None, "rsa2048"),
            ("mine", Some(PIN), "p256"),
            ("mine too", Some(PIN), "p256"),
        ])
    })
}

fn free() -> Session {
    setup().free()
}

fn private(session: &Session, label: &str) -> ObjectHandle {
    object(session, ObjectClass::PRIVATE_KEY, label)
}

/// The uncompressed point of a public key.
fn point(session: &Session, label: &str) -> Vec<u8> {
    let public = object(session, ObjectClass::PUBLIC_KEY, label);
    let Attribute::EcPoint(point) = value(session, public, AttributeType::EcPoint) else { panic!("no point") };
    point[2..].to_vec()
}

#[test]
fn ecdsa_takes_the_first_32_bytes_and_pads_what_is_shorter() {
    let session = free();
    let key = VerifyingKey::from_sec1_bytes(&point(&session, "ec")).unwrap();
    let long: Vec<u8> = (0..64).collect();
    let mut padded = [0; 32];
    padded[12..].copy_from_slice(&long[..20]);
    for (data, hash) in [(&long[..], &long[..32]), (&long[..33], &long[..32]), (&long[..20], &padded)] {
        let signature = session.sign(&Mechanism::Ecdsa, private(&session, "ec"), data).unwrap();
        key.verify_prehash(hash, &Signature::from_slice(&signature).unwrap()).unwrap();
    }
    let signature = session.sign(&Mechanism::EcdsaSha512, private(&session, "ec"), b"a message").unwrap();
    let hash = Sha512::digest(b"a message");
    key.verify_prehash(&hash[..32], &Signature::from_slice(&signature).unwrap()).unwrap();
}

#[test]
fn rsa_pkcs_recognises_digest_infos() {
    let session = free();
    let (key, public) = (private(&session, "rsa"), object(&session, ObjectClass::PUBLIC_KEY, "rsa"));
    let data = b"a message";
    // RFC 8017, section 9.2, note 1.
    let infos: [(&str, Vec<u8>, Mechanism<'_>); 4] = [
        ("3021300906052b0e03021a05000414", Sha1::digest(data).to_vec(), Mechanism::Sha1RsaPkcs),
        ("3031300d060960864801650304020105000420", Sha256::digest(data).to_vec(), Mechanism::Sha256RsaPkcs),
        ("3041300d060960864801650304020205000430", Sha384::digest(data).to_vec(), Mechanism::Sha384RsaPkcs),
        ("3051300d060960864801650304020305000440", Sha512::digest(data).to_vec(), Mechanism::Sha512RsaPkcs),
    ];
    for (prefix, hash, whole) in infos {
        let prefix: Vec<u8> =
            (0..prefix.len()).step_by(2).map(|at| u8::from_str_radix(&prefix[at..at + 2], 16).unwrap()).collect();
        let info = [prefix, hash].concat();
        let signature = session.sign(&Mechanism::RsaPkcs, key, &info).unwrap();
        // PKCS#1 v1.5 has no randomness.
        assert_eq!(signature, session.sign(&whole, key, data).unwrap());
        session.verify(&Mechanism::RsaPkcs, public, &info, &signature).unwrap();
        is(session.sign(&Mechanism::RsaPkcs, key, &info[..info.len() - 1]), RvError::DataInvalid);
        is(session.sign(&Mechanism::RsaPkcs, key, &[&info[..], &[0]].concat()), RvError::DataInvalid);
    }
}

#[test]
fn pss_salts_are_as_long_as_the_hash() {
    let session = free();
    let (key, public) = (private(&session, "rsa"), object(&session, ObjectClass::PUBLIC_KEY, "rsa"));
    let hashes = [
        (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1, 20_usize),
        (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, 32),
        (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, 48),
        (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, 64),
    ];
    let whole = [
        Mechanism::Sha1RsaPkcsPss,
        Mechanism::Sha256RsaPkcsPss,
        Mechanism::Sha384RsaPkcsPss,
        Mechanism::Sha512RsaPkcsPss,
    ];
    for ((hash_alg, mgf, length), whole) in hashes.into_iter().zip(whole) {
        let salted = |salt: usize| PkcsPssParams { hash_alg, mgf, s_len: u64::try_from(salt).unwrap().into() };
        let hash = vec![7; length];
        let signature = session.sign(&Mechanism::RsaPkcsPss(salted(length)), key, &hash).unwrap();
        session.verify(&Mechanism::RsaPkcsPss(salted(length)), public, &hash, &signature).unwrap();
        let signature = session.sign(&whole(salted(length)), key, b"a message").unwrap();
        session.verify(&whole(salted(length)), public, b"a message", &signature).unwrap();
        for salt in [0, length - 1, length + 1] {
            is(session.sign_init(&Mechanism::RsaPkcsPss(salted(salt)), key), RvError::MechanismParamInvalid);
            is(session.sign_init(&whole(salted(salt)), key), RvError::MechanismParamInvalid);
        }
        is(session.sign(&Mechanism::RsaPkcsPss(salted(length)), key, &hash[1..]), RvError::DataLenRange);
    }
}

/// SEC 1, section 3.6.1: SHA-256(Z, counter, shared data), from the Z that CKD_NULL gives.
#[test]
fn agreements_can_be_hashed() {
    let session = free();
    let derive = |kdf: EcKdf<'_>| {
        let template = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::GENERIC_SECRET)];
        let peer = point(&session, "ec");
        let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(kdf, &peer));
        let key = session.derive_key(&mechanism, private(&session, "ec"), &template).unwrap();
        let Attribute::Value(value) = value(&session, key, AttributeType::Value) else { panic!("no value") };
        value
    };
    let expected = Sha256::new().chain_update(derive(EcKdf::null())).chain_update([0, 0, 0, 1]).chain_update(b"shared");
    assert_eq!(derive(EcKdf::sha256(b"shared")), expected.finalize().to_vec());
}

#[test]
fn digests_are_right_whole_and_in_parts() {
    let session = free();
    assert_eq!(session.digest(&Mechanism::Sha1, b"a message").unwrap(), Sha1::digest(b"a message").to_vec());
    assert_eq!(session.digest(&Mechanism::Sha384, b"a message").unwrap(), Sha384::digest(b"a message").to_vec());
    assert_eq!(session.digest(&Mechanism::Sha512, b"a message").unwrap(), Sha512::digest(b"a message").to_vec());
    session.digest_init(&Mechanism::Sha256).unwrap();
    session.digest_update(b"a mess").unwrap();
    session.digest_update(b"age").unwrap();
    assert_eq!(session.digest_final().unwrap(), Sha256::digest(b"a message").to_vec());
}

/// RFC 2202, test case 1.
#[test]
fn a_brought_secret_authenticates_with_sha1() {
    let session = free();
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(true),
        Attribute::Value(vec![0x0B; 20]),
    ];
    let key = session.create_object(&template).unwrap();
    let mac = session.sign(&Mechanism::Sha1Hmac, key, b"Hi There").unwrap();
    assert_eq!(mac[..4], [0xB6, 0x17, 0x31, 0x86]);
}

#[test]
fn brought_private_keys_sign_and_stay() {
    let session = free();
    let common = |kind, label: &str| {
        vec![
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::KeyType(kind),
            Attribute::Token(true),
            Attribute::Label(label.into()),
        ]
    };
    let scalar = [0x5A; 32];
    let mut template = common(KeyType::EC, "brought ec");
    template.extend([common::p256(), Attribute::Value(scalar.to_vec())]);
    session.create_object(&template).unwrap();
    let expected = p256::ecdsa::SigningKey::from_slice(&scalar).unwrap();
    let key = private(&session, "brought ec");
    let signature = session.sign(&Mechanism::EcdsaSha256, key, b"x").unwrap();
    let signature = Signature::from_slice(&signature).unwrap();
    expected.verifying_key().verify_prehash(&Sha256::digest(b"x"), &signature).unwrap();
    assert_eq!(value(&session, key, AttributeType::Local), Attribute::Local(false));
    assert_eq!(value(&session, key, AttributeType::NeverExtractable), Attribute::NeverExtractable(false));

    let rsa = rsa::RsaPrivateKey::new(&mut rsa::rand_core::UnwrapErr(getrandom::SysRng), 2048).unwrap();
    let bytes = |number: &BoxedUint| number.to_be_bytes_trimmed_vartime().to_vec();
    let mut template = common(KeyType::RSA, "brought rsa");
    template.extend([
        Attribute::Modulus(bytes(rsa.n())),
        Attribute::PublicExponent(bytes(rsa.e())),
        Attribute::PrivateExponent(bytes(rsa.d())),
        Attribute::Prime1(bytes(&rsa.primes()[0])),
        Attribute::Prime2(bytes(&rsa.primes()[1])),
    ]);
    session.create_object(&template).unwrap();
    let signature = session.sign(&Mechanism::Sha256RsaPkcs, private(&session, "brought rsa"), b"x").unwrap();
    let scheme = rsa::Pkcs1v15Sign::new::<Sha256>();
    rsa.to_public_key().verify(scheme, &Sha256::digest(b"x"), &signature).unwrap();

    // Not one that would end with the session.
    let mut template = common(KeyType::EC, "for a session");
    template[2] = Attribute::Token(false);
    template.extend([common::p256(), Attribute::Value(scalar.to_vec())]);
    is(session.create_object(&template), RvError::TemplateInconsistent);
}

fn make(session: &Session, label: &str, more: &[Attribute]) -> u32 {
    let mut private = vec![Attribute::Token(true), Attribute::Label(label.into())];
    private.extend_from_slice(more);
    let public = [common::p256()];
    let (_, key) = session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap();
    u32::try_from(key.handle() >> 20).unwrap()
}

#[test]
fn made_keys_have_the_defaults() {
    let mut client = Client::connect(&setup().daemon.path("sks.sock")).unwrap();
    let mut told = |key| {
        let key_handle = KeyHandle(key);
        let policy = client.call(&get_key_protection_info::Request { key_handle }).unwrap();
        (policy, client.call(&get_key_attributes::Request { key_handle }).unwrap())
    };
    let free = free();
    let (policy, key) = told(make(&free, "made", &[]));
    assert_eq!(policy.protection_status, 0, "no PIN");
    assert_eq!(policy.export_policy.get(), Ok(ExportPolicy::NonExportable));
    assert_eq!(key.key_usage.get(), Ok(KeyUsage::Universal));
    assert_eq!(policy.delete_policy.get(), Ok(DeletePolicy::None));
    let certificate = object(&free, ObjectClass::CERTIFICATE, "made");
    let Attribute::Subject(subject) = value(&free, certificate, AttributeType::Subject) else { panic!("none") };
    assert!(subject.ends_with(b"\x06\x03\x55\x04\x03\x0c\x04made"), "the subject comes from the label");
    let (policy, _) = told(make(&free, "exportable", &[Attribute::Extractable(true)]));
    assert_eq!(policy.export_policy.get(), Ok(ExportPolicy::None));

    let slot = common::slot(&setup().module, "local-issuer user-pin");
    let mine = setup().module.open_rw_session(slot).unwrap();
    let public = [common::p256()];
    let refused = mine.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &[Attribute::Token(true)]);
    is(refused, RvError::UserNotLoggedIn);
    mine.login(UserType::User, Some(&pin(PIN))).unwrap();
    let (policy, key) = told(make(&mine, "made mine", &[Attribute::Extractable(true)]));
    assert!(policy.enable_pin_caching);
    assert_eq!(policy.retry_limit, 3);
    assert_eq!(policy.export_policy.get(), Ok(ExportPolicy::Pin));
    assert_eq!(key.key_usage.get(), Ok(KeyUsage::Universal));
    // It has the PIN of the login, and is in the same slot; a PIN is changed for all at once.
    mine.set_pin(&pin(PIN), &pin("2222")).unwrap();
    mine.logout().unwrap();
    mine.login(UserType::User, Some(&pin("2222"))).unwrap();
    for label in ["mine", "mine too", "made mine"] {
        mine.sign(&Mechanism::EcdsaSha256, private(&mine, label), b"x").unwrap();
    }

    let read_only = setup().module.open_ro_session(slot).unwrap();
    let refused = read_only.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &[Attribute::Token(true)]);
    is(refused, RvError::SessionReadOnly);
}
