//! Keys of an issuer that is not the local one: their slots, their objects, and what their policies allow.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::sync::OnceLock;

use common::{Daemon, is, object, pin, value};
use cryptoki::context::Pkcs11;
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use sha1::{Digest, Sha1};
use sks_issuer::ca::{Ca, Subject};
use sks_issuer::{Extension, KeyOptions, PinPolicyOptions, Protection, PukPolicyOptions};
use sks_wire::Secret;
use sks_wire::types::{BaseType, ExportPolicy, Format, Id, KeyUsage};

const PIN: &str = "1563";
const PUK: &str = "87654321";
/// Two keys under one PIN that may not be changed.
const SHARED: &str = "ca.example.com PIN.1";
/// The only key under its PIN; 35 bytes.
const LONG: &str = "aééééééééééééééééé";

struct Setup {
    /// Runs as long as the tests.
    _daemon: Daemon,
    module: Pkcs11,
    /// The lowest key under the shared PIN.
    lowest: u32,
}

fn setup() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| {
        let daemon = Daemon::start_for_all();
        let lowest = issue(&daemon);
        daemon.adopt();
        Setup { _daemon: daemon, module: common::load(), lowest }
    })
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn issue(daemon: &Daemon) -> u32 {
    let mut session = common::issuer(daemon, "https://ca.example.com/enroll");
    let puk = Secret::from(PUK.as_bytes());
    let puk = PukPolicyOptions { id: id("PUK.1"), puk, format: Format::Numeric, retry_limit: 3 };
    let puk = session.create_puk_policy(puk).unwrap();
    let fixed = PinPolicyOptions { user_modifiable: false, ..PinPolicyOptions::new(id("PIN.1")) };
    let fixed = session.create_pin_policy(&fixed, Some(&puk)).unwrap();
    let other = session.create_pin_policy(&PinPolicyOptions::new(id("PIN.2")), None).unwrap();
    let ca = Ca::create(&Subject::common_name("A CA").unwrap(), 5).unwrap();
    let code = Secret::from(PIN.as_bytes());
    let shared = Protection::Pin { policy: &fixed, pin: &code };
    let named = |options: KeyOptions, name: &str| KeyOptions {
        friendly_name: name.to_owned(),
        enable_pin_caching: true,
        ..options
    };

    let signs = KeyOptions {
        usage: KeyUsage::Signature,
        export_policy: ExportPolicy::Pin,
        ..named(KeyOptions::p256(id("Key.1")), "signs")
    };
    let signs = common::certified(&mut session, &ca, &signs, shared);
    let note = Extension {
        extension_type: "urn:example:note".to_owned(),
        base_type: BaseType::Extension,
        qualifier: String::new(),
        data: Secret::from(b"a note".as_slice()),
    };
    session.add_extension(&signs, &note).unwrap();
    let decrypts = KeyOptions { usage: KeyUsage::Encryption, ..named(KeyOptions::rsa(id("Key.2"), 2048), "decrypts") };
    common::certified(&mut session, &ca, &decrypts, shared);
    let alone = Protection::Pin { policy: &other, pin: &code };
    common::certified(&mut session, &ca, &named(KeyOptions::p256(id("Key.3")), LONG), alone);
    let careful = session.create_pin_policy(&PinPolicyOptions::new(id("PIN.3")), None).unwrap();
    let each_time = KeyOptions {
        usage: KeyUsage::Encryption,
        enable_pin_caching: false,
        ..named(KeyOptions::rsa(id("Key.4"), 2048), "each time")
    };
    common::certified(&mut session, &ca, &each_time, Protection::Pin { policy: &careful, pin: &code });
    session.close().unwrap();
    signs.handle.0
}

fn open(label: &str) -> Session {
    let module = &setup().module;
    module.open_rw_session(common::slot(module, label)).unwrap()
}

#[test]
fn slots_are_named_by_their_keys() {
    let module = &setup().module;
    assert_eq!(common::slot(module, SHARED).id(), u64::from(setup().lowest), "the lowest key handle of the group");
    let label = |slot: Slot| module.get_token_info(slot).unwrap().label().to_owned();
    let labels: Vec<_> = module.get_slots_with_token().unwrap().into_iter().map(label).collect();
    // Cut to 32 bytes at a character.
    assert_eq!(labels, ["SKS", SHARED, &LONG[..31], "each time"]);
    let free = module.get_token_info(Slot::try_from(0_u64).unwrap()).unwrap();
    assert!(!free.login_required() && free.token_initialized());
}

#[test]
fn extension_objects_are_data_objects() {
    let session = open(SHARED);
    assert_eq!(session.find_objects(&[Attribute::Class(ObjectClass::DATA)]).unwrap().len(), 1);
    let note = object(&session, ObjectClass::DATA, "urn:example:note");
    assert_eq!(value(&session, note, AttributeType::Application), Attribute::Application(b"signs".to_vec()));
    assert_eq!(value(&session, note, AttributeType::Value), Attribute::Value(b"a note".to_vec()));
    assert_eq!(value(&session, note, AttributeType::Private), Attribute::Private(false));
}

#[test]
fn a_ca_certificate_is_there_once() {
    let session = open(SHARED);
    assert_eq!(session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)]).unwrap().len(), 3);
    let ca = object(&session, ObjectClass::CERTIFICATE, "A CA");
    let Attribute::PublicKeyInfo(spki) = value(&session, ca, AttributeType::PublicKeyInfo) else { panic!("no key") };
    let point = &spki[spki.len() - 65..];
    assert_eq!(value(&session, ca, AttributeType::Id), Attribute::Id(Sha1::digest(point).to_vec()));
    // A key made later, under a CA that is known, brings none.
    let free = setup().module.open_rw_session(Slot::try_from(0_u64).unwrap()).unwrap();
    for count in [2, 3] {
        let public = [common::p256()];
        free.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &[Attribute::Token(true)]).unwrap();
        assert_eq!(free.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)]).unwrap().len(), count);
    }
}

#[test]
fn attributes_are_true_to_the_policy() {
    let session = open(SHARED);
    session.login(UserType::User, Some(&pin(PIN))).unwrap();
    let key = |label| object(&session, ObjectClass::PRIVATE_KEY, label);
    let told = [
        AttributeType::Sign,
        AttributeType::Decrypt,
        AttributeType::Derive,
        AttributeType::Extractable,
        AttributeType::NeverExtractable,
        AttributeType::Local,
        AttributeType::Sensitive,
    ];
    let of = |sign, decrypt, derive, extractable, never, local, sensitive| {
        vec![
            Attribute::Sign(sign),
            Attribute::Decrypt(decrypt),
            Attribute::Derive(derive),
            Attribute::Extractable(extractable),
            Attribute::NeverExtractable(never),
            Attribute::Local(local),
            Attribute::Sensitive(sensitive),
        ]
    };
    let signs = session.get_attributes(key("signs"), &told).unwrap();
    assert_eq!(signs, of(true, false, false, true, false, true, true));
    let decrypts = session.get_attributes(key("decrypts"), &told).unwrap();
    assert_eq!(decrypts, of(false, true, false, false, true, true, true));

    is(session.sign(&Mechanism::Sha256RsaPkcs, key("decrypts"), b"x"), RvError::KeyFunctionNotPermitted);
    let public = object(&session, ObjectClass::PUBLIC_KEY, "signs");
    let Attribute::EcPoint(point) = value(&session, public, AttributeType::EcPoint) else { panic!("no point") };
    let agree = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), &point));
    is(session.derive_key(&agree, key("signs"), &[]), RvError::KeyFunctionNotPermitted);
    let Attribute::Modulus(modulus) = value(&session, key("decrypts"), AttributeType::Modulus) else { panic!("none") };
    assert_eq!(value(&session, key("decrypts"), AttributeType::Id), Attribute::Id(Sha1::digest(modulus).to_vec()));
    is(session.update_attributes(key("signs"), &[Attribute::Id(vec![1])]), RvError::AttributeReadOnly);
    session.logout().unwrap();
    the_officer_cannot_change_a_fixed_pin(&session);
}

/// The PUK unlocks it; it stays the issuer's.
fn the_officer_cannot_change_a_fixed_pin(session: &Session) {
    let info = || setup().module.get_token_info(common::slot(&setup().module, SHARED)).unwrap();
    for _ in 0..2 {
        is(session.login(UserType::User, Some(&pin("0000"))), RvError::PinIncorrect);
    }
    is(session.login(UserType::User, Some(&pin("0000"))), RvError::PinLocked);
    is(session.login(UserType::So, Some(&pin("00000000"))), RvError::PinIncorrect);
    assert!(info().so_pin_count_low() && !info().so_pin_final_try());
    is(session.login(UserType::So, Some(&pin("00000000"))), RvError::PinIncorrect);
    assert!(info().so_pin_final_try() && !info().so_pin_locked());
    session.login(UserType::So, Some(&pin(PUK))).unwrap();
    assert!(!info().so_pin_count_low() && !info().user_pin_locked());
    is(session.init_pin(&pin("7777")), RvError::ActionProhibited);
    session.logout().unwrap();
    is(session.init_pin(&pin("7777")), RvError::UserNotLoggedIn);
    is(session.set_pin(&pin(PIN), &pin("7777")), RvError::ActionProhibited);
    session.login(UserType::User, Some(&pin(PIN))).unwrap();
    session.logout().unwrap();
    for _ in 0..2 {
        is(session.login(UserType::So, Some(&pin("00000000"))), RvError::PinIncorrect);
    }
    is(session.login(UserType::So, Some(&pin("00000000"))), RvError::PinLocked);
    assert!(info().so_pin_locked());
}

#[test]
fn a_decryption_takes_its_own_login() {
    let session = open("each time");
    session.login(UserType::User, Some(&pin(PIN))).unwrap();
    let key = object(&session, ObjectClass::PRIVATE_KEY, "each time");
    let always = value(&session, key, AttributeType::AlwaysAuthenticate);
    assert_eq!(always, Attribute::AlwaysAuthenticate(true));
    let public = object(&session, ObjectClass::PUBLIC_KEY, "each time");
    let secret = session.encrypt(&Mechanism::RsaPkcs, public, b"a secret").unwrap();
    for _ in 0..2 {
        is(session.decrypt(&Mechanism::RsaPkcs, key, &secret), RvError::UserNotLoggedIn);
        session.decrypt_init(&Mechanism::RsaPkcs, key).unwrap();
        is(session.login(UserType::ContextSpecific, Some(&pin("0000"))), RvError::PinIncorrect);
        session.login(UserType::ContextSpecific, Some(&pin(PIN))).unwrap();
        session.decrypt_update(&secret).unwrap();
        assert_eq!(session.decrypt_final().unwrap(), b"a secret");
    }
}
