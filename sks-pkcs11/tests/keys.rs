//! What keys do through the module, with the `cryptoki` crate as client and a daemon behind it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::sync::OnceLock;

use common::{Setup, is, object, value};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

const PIN: &str = "1563";

fn setup() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| {
        Setup::of(&[
            ("free ec", None, "p256"),
            ("free rsa", None, "rsa2048"),
            ("my ec", Some(PIN), "p256"),
            ("my rsa", Some(PIN), "rsa2048"),
        ])
    })
}

fn free() -> Session {
    setup().free()
}

/// Logged in once; a login holds for all sessions.
fn mine() -> Session {
    let module = &setup().module;
    let session = module.open_rw_session(common::slot(module, "local-issuer user-pin")).unwrap();
    match session.login(UserType::User, Some(&AuthPin::new(PIN.into()))) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => session,
        Err(error) => panic!("{error}"),
    }
}

fn pair(session: &Session, label: &str) -> (ObjectHandle, ObjectHandle) {
    (object(session, ObjectClass::PUBLIC_KEY, label), object(session, ObjectClass::PRIVATE_KEY, label))
}

#[test]
fn signatures_of_every_mechanism_verify() {
    let (free, mine) = (free(), mine());
    let pss = |hash_alg, mgf, length: u64| PkcsPssParams { hash_alg, mgf, s_len: length.into() };
    let sha256 = pss(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, 32);
    let sha512 = pss(MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, 64);
    for (session, label) in [(&free, "free"), (&mine, "my")] {
        let (public, private) = pair(session, &format!("{label} ec"));
        for mechanism in [
            Mechanism::Ecdsa,
            Mechanism::EcdsaSha1,
            Mechanism::EcdsaSha256,
            Mechanism::EcdsaSha384,
            Mechanism::EcdsaSha512,
        ] {
            for data in [&[1][..], &[2; 20], &[3; 64]] {
                let signature = session.sign(&mechanism, private, data).unwrap();
                session.verify(&mechanism, public, data, &signature).unwrap();
                is(session.verify(&mechanism, public, b"other", &signature), RvError::SignatureInvalid);
            }
        }
        let (public, private) = pair(session, &format!("{label} rsa"));
        for mechanism in [
            Mechanism::Sha1RsaPkcs,
            Mechanism::Sha256RsaPkcs,
            Mechanism::Sha384RsaPkcs,
            Mechanism::Sha512RsaPkcs,
            Mechanism::Sha256RsaPkcsPss(sha256),
            Mechanism::Sha512RsaPkcsPss(sha512),
        ] {
            let signature = session.sign(&mechanism, private, b"a message").unwrap();
            session.verify(&mechanism, public, b"a message", &signature).unwrap();
            is(session.verify(&mechanism, public, b"a Message", &signature), RvError::SignatureInvalid);
        }
        let signature = session.sign(&Mechanism::RsaPkcsPss(sha256), private, &[7; 32]).unwrap();
        session.verify(&Mechanism::RsaPkcsPss(sha256), public, &[7; 32], &signature).unwrap();
    }
}

#[test]
fn what_a_mechanism_does_not_take_is_refused() {
    let session = free();
    let (_, rsa) = pair(&session, "free rsa");
    let (_, ec) = pair(&session, "free ec");
    let pss = PkcsPssParams { hash_alg: MechanismType::SHA256, mgf: PkcsMgfType::MGF1_SHA256, s_len: 20.into() };
    is(session.sign(&Mechanism::RsaPkcsPss(pss), rsa, &[7; 32]), RvError::MechanismParamInvalid);
    is(session.sign(&Mechanism::RsaPkcs, rsa, &[7; 32]), RvError::DataInvalid);
    is(session.sign(&Mechanism::Ecdsa, rsa, &[7; 32]), RvError::KeyTypeInconsistent);
    is(session.sign(&Mechanism::Ecdsa, ec, &[]), RvError::DataLenRange);
    is(session.sign(&Mechanism::RsaX509, rsa, &[7; 256]), RvError::MechanismInvalid);
}

#[test]
fn parts_sign_as_the_whole() {
    let session = mine();
    let (public, private) = pair(&session, "my rsa");
    session.sign_init(&Mechanism::Sha256RsaPkcs, private).unwrap();
    for part in b"a message".chunks(2) {
        session.sign_update(part).unwrap();
    }
    let signature = session.sign_final().unwrap();
    assert_eq!(signature, session.sign(&Mechanism::Sha256RsaPkcs, private, b"a message").unwrap());
    session.verify_init(&Mechanism::Sha256RsaPkcs, public).unwrap();
    session.verify_update(b"a mess").unwrap();
    session.verify_update(b"age").unwrap();
    session.verify_final(&signature).unwrap();
}

#[test]
fn threads_sign_side_by_side() {
    mine();
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            scope.spawn(move || {
                let session = mine();
                let (public, private) = pair(&session, "my ec");
                for round in 0..25_u8 {
                    let data = [thread, round];
                    let signature = session.sign(&Mechanism::EcdsaSha256, private, &data).unwrap();
                    session.verify(&Mechanism::EcdsaSha256, public, &data, &signature).unwrap();
                }
            });
        }
    });
}

#[test]
fn rsa_decrypts_what_the_public_key_encrypts() {
    let session = mine();
    let (public, private) = pair(&session, "my rsa");
    let oaep = |hash, mgf| Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash, mgf, PkcsOaepSource::empty()));
    for mechanism in [
        Mechanism::RsaPkcs,
        oaep(MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        oaep(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
    ] {
        let secret = session.encrypt(&mechanism, public, b"a secret").unwrap();
        assert_eq!(session.decrypt(&mechanism, private, &secret).unwrap(), b"a secret");
    }
    let secret = session.encrypt(&oaep(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256), public, b"a secret").unwrap();
    let other = oaep(MechanismType::SHA1, PkcsMgfType::MGF1_SHA1);
    is(session.decrypt(&other, private, &secret), RvError::EncryptedDataInvalid);
    is(session.decrypt(&other, private, &secret[1..]), RvError::EncryptedDataLenRange);
    is(
        session.decrypt(&oaep(MechanismType::SHA384, PkcsMgfType::MGF1_SHA384), private, &secret),
        RvError::MechanismParamInvalid,
    );
}

#[test]
fn both_sides_of_an_agreement_have_the_same_secret() {
    let (a, b) = (free(), mine());
    let derive = |session: &Session, private, peer: &[u8]| {
        let parameters = Ecdh1DeriveParams::new(EcKdf::null(), peer);
        let template = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::GENERIC_SECRET)];
        let key = session.derive_key(&Mechanism::Ecdh1Derive(parameters), private, &template).unwrap();
        value(session, key, AttributeType::Value)
    };
    let point = |session: &Session, key| match value(session, key, AttributeType::EcPoint) {
        Attribute::EcPoint(point) => point,
        other => panic!("{other:?}"),
    };
    let ((public_a, private_a), (public_b, private_b)) = (pair(&a, "free ec"), pair(&b, "my ec"));
    assert_eq!(derive(&a, private_a, &point(&b, public_b)), derive(&b, private_b, &point(&a, public_a)));
}

fn generate(session: &Session, label: &str, id: &[u8]) -> (ObjectHandle, ObjectHandle) {
    let public = [Attribute::Token(true), common::p256()];
    let private = [Attribute::Token(true), Attribute::Label(label.into()), Attribute::Id(id.to_vec())];
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap()
}

#[test]
fn generated_keys_stay_with_their_id_and_label() {
    for (session, label) in [(free(), "made free"), (mine(), "made mine")] {
        let (public, private) = generate(&session, label, b"the id");
        let signature = session.sign(&Mechanism::EcdsaSha256, private, b"x").unwrap();
        session.verify(&Mechanism::EcdsaSha256, public, b"x", &signature).unwrap();
        assert_eq!(pair(&session, label), (public, private));
        let found = session.find_objects(&[Attribute::Id(b"the id".to_vec())]).unwrap();
        assert_eq!(found.len(), 3, "private key, public key, certificate");
        is(session.update_attributes(private, &[Attribute::Label(b"other".to_vec())]), RvError::AttributeReadOnly);
        assert_eq!(value(&session, private, AttributeType::Extractable), Attribute::Extractable(false));
        session.destroy_object(private).unwrap();
        assert_eq!(session.find_objects(&[Attribute::Id(b"the id".to_vec())]).unwrap(), []);
        is(session.sign(&Mechanism::EcdsaSha256, private, b"x"), RvError::KeyHandleInvalid);
    }
    let params = vec![0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22];
    let public = [Attribute::EcParams(params)];
    let made = free().generate_key_pair(&Mechanism::EccKeyPairGen, &public, &[Attribute::Token(true)]);
    is(made, RvError::CurveNotSupported);
}

#[test]
fn symmetric_keys_encrypt_and_authenticate() {
    let session = mine();
    let template = [Attribute::Token(true), Attribute::Label(b"aes".to_vec()), Attribute::ValueLen(32.into())];
    let aes = session.generate_key(&Mechanism::AesKeyGen, &template).unwrap();
    assert_eq!(value(&session, aes, AttributeType::ValueLen), Attribute::ValueLen(32.into()));
    let data = [5; 48];
    for mechanism in [Mechanism::AesCbc([1; 16]), Mechanism::AesCbcPad([1; 16]), Mechanism::AesEcb] {
        let secret = session.encrypt(&mechanism, aes, &data).unwrap();
        assert_eq!(session.decrypt(&mechanism, aes, &secret).unwrap(), data);
    }
    is(session.encrypt(&Mechanism::AesCbc([1; 16]), aes, &[5; 47]), RvError::DataLenRange);
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(true),
        Attribute::Value(vec![0x0B; 20]),
    ];
    let hmac = session.create_object(&template).unwrap();
    // RFC 4231, test case 1.
    let mac = session.sign(&Mechanism::Sha256Hmac, hmac, b"Hi There").unwrap();
    assert_eq!(mac[..4], [0xB0, 0x34, 0x4C, 0x61]);
    session.verify(&Mechanism::Sha256Hmac, hmac, b"Hi There", &mac).unwrap();
    is(session.verify(&Mechanism::Sha256Hmac, hmac, b"Hi there", &mac), RvError::SignatureInvalid);
}

#[test]
fn a_generic_secret_tells_its_length_for_good() {
    let session = mine();
    let label = Attribute::Label(b"generic".to_vec());
    let template =
        [Attribute::Token(true), label.clone(), Attribute::Id(b"gen".to_vec()), Attribute::ValueLen(20.into())];
    let key = session.generate_key(&Mechanism::GenericSecretKeyGen, &template).unwrap();
    assert_eq!(value(&session, key, AttributeType::ValueLen), Attribute::ValueLen(20.into()));
    // A change by somebody else makes the module list the token anew.
    setup().daemon.enroll("somebody else's", None, None, &[]);
    let found = session.find_objects(&[label]).unwrap();
    assert_eq!(found, [key], "the length is kept as no data object");
    assert_eq!(value(&session, key, AttributeType::ValueLen), Attribute::ValueLen(20.into()));
    assert_eq!(value(&session, key, AttributeType::Id), Attribute::Id(b"gen".to_vec()));
}

#[test]
fn mechanisms_say_whether_the_token_does_them() {
    let module = &setup().module;
    let slot = Slot::try_from(0_u64).unwrap();
    for kind in module.get_mechanism_list(slot).unwrap() {
        let digest = [MechanismType::SHA1, MechanismType::SHA256, MechanismType::SHA384, MechanismType::SHA512];
        let info = module.get_mechanism_info(slot, kind).unwrap();
        assert_eq!(info.hardware(), !digest.contains(&kind), "{kind}");
    }
}

#[test]
fn objects_of_a_session_end_with_it() {
    let session = free();
    let (public, private) = pair(&session, "free ec");
    let copied = session.copy_object(private, &[Attribute::Label(b"a copy".to_vec())]).unwrap();
    let signature = session.sign(&Mechanism::EcdsaSha256, copied, b"x").unwrap();
    let point = value(&session, public, AttributeType::EcPoint);
    let params = value(&session, public, AttributeType::EcParams);
    let template = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(KeyType::EC), params, point];
    let imported = session.create_object(&template).unwrap();
    session.verify(&Mechanism::EcdsaSha256, imported, b"x", &signature).unwrap();
    let other = free();
    assert_eq!(value(&other, imported, AttributeType::Class), Attribute::Class(ObjectClass::PUBLIC_KEY));
    session.close().unwrap();
    is(other.get_attributes(imported, &[AttributeType::Class]), RvError::ObjectHandleInvalid);
}

/// SP 800-38A, F.2.1: what NSS needs for the content of a CMS message.
#[test]
fn a_sessions_aes_keys_encrypt_and_decrypt() {
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let session = free();
    let template = |more: &[Attribute]| {
        let mut template = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        template.extend_from_slice(more);
        session.create_object(&template).unwrap()
    };
    let bytes = hex("2b7e151628aed2a6abf7158809cf4f3c");
    let key = template(&[Attribute::Value(bytes.clone()), Attribute::Sensitive(true)]);
    let iv: [u8; 16] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let clear = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    let secret = hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
    assert_eq!(session.encrypt(&Mechanism::AesCbc(iv), key, &clear).unwrap(), secret);
    assert_eq!(session.decrypt(&Mechanism::AesCbc(iv), key, &secret).unwrap(), clear);
    let padded = session.encrypt(&Mechanism::AesCbcPad(iv), key, &clear[..17]).unwrap();
    assert_eq!(session.decrypt(&Mechanism::AesCbcPad(iv), key, &padded).unwrap(), &clear[..17]);
    assert_eq!(value(&session, key, AttributeType::Class), Attribute::Class(ObjectClass::SECRET_KEY));

    // In parts, each block comes out when it is whole.
    let mut parts = Vec::new();
    session.decrypt_init(&Mechanism::AesCbc(iv), key).unwrap();
    for (part, out) in [(&secret[..5], 0), (&secret[5..20], 16), (&secret[20..], 16)] {
        let clear = session.decrypt_update(part).unwrap();
        assert_eq!(clear.len(), out);
        parts.extend(clear);
    }
    parts.extend(session.decrypt_final().unwrap());
    assert_eq!(parts, clear);
    session.encrypt_init(&Mechanism::AesCbc(iv), key).unwrap();
    let parts = [&clear[..16], &clear[16..]].map(|part| session.encrypt_update(part).unwrap()).concat();
    assert_eq!((parts, session.encrypt_final().unwrap()), (secret.clone(), Vec::new()));
    session.encrypt_init(&Mechanism::AesCbcPad(iv), key).unwrap();
    let parts = [&clear[..4], &clear[4..17]].map(|part| session.encrypt_update(part).unwrap()).concat();
    assert_eq!([parts, session.encrypt_final().unwrap()].concat(), padded);
    session.encrypt_init(&Mechanism::AesCbc(iv), key).unwrap();
    session.encrypt_update(&clear[..17]).unwrap();
    is(session.encrypt_final(), RvError::DataLenRange);

    is(session.encrypt(&Mechanism::AesCbc(iv), key, &clear[..17]), RvError::DataLenRange);
    is(session.decrypt(&Mechanism::AesCbc(iv), key, &secret[..17]), RvError::EncryptedDataLenRange);
    is(session.decrypt(&Mechanism::AesCbcPad(iv), key, &secret), RvError::EncryptedDataInvalid);
    is(session.encrypt(&Mechanism::AesEcb, key, &clear), RvError::KeyFunctionNotPermitted);
    let one_way = template(&[Attribute::Value(bytes), Attribute::Encrypt(false)]);
    is(session.encrypt(&Mechanism::AesCbc(iv), one_way, &clear), RvError::KeyFunctionNotPermitted);
    assert_eq!(session.decrypt(&Mechanism::AesCbc(iv), one_way, &secret).unwrap(), clear);
    let short = template(&[Attribute::Value(vec![1; 5])]);
    is(session.encrypt(&Mechanism::AesCbc(iv), short, &clear), RvError::KeySizeRange);
}

#[test]
fn certificates_are_read_without_a_login() {
    let module = &setup().module;
    let session = module.open_ro_session(common::slot(module, "local-issuer")).unwrap();
    let certificate = object(&session, ObjectClass::CERTIFICATE, "my ec");
    assert!(matches!(value(&session, certificate, AttributeType::Value), Attribute::Value(der) if der.len() > 300));
    assert!(setup().daemon.path("log").exists());
}
