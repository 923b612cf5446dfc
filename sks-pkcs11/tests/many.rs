//! A token of 10,000 keys.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use common::Daemon;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use sks_core::ports::KeySpec;
use sks_issuer::ca::{Ca, Leaf, Subject, generate_key};
use sks_store::fill::{Template, fill};
use sks_store::{KeySource, OpenOptions, SealedStore};
use sks_wire::Secret;
use sks_wire::types::KeyUsage;

const KEYS: u32 = 10_000;
/// Keys made when those are there.
const MORE: u32 = 20;
/// Keys with a PIN each, and so slots of their own.
const SLOTS: u32 = 50;

/// Writes the keys behind the daemon's back, most of them without a PIN.
fn write_keys(daemon: &Daemon) {
    let dir = daemon.path("store");
    let options = OpenOptions::new(KeySource::File(SealedStore::default_key_file(&dir)));
    let store = SealedStore::open(&dir, options).unwrap();
    let ca = Ca::create(&Subject::common_name("A CA").unwrap(), 5).unwrap();
    let key = generate_key().unwrap();
    let leaf = Leaf::new(Subject::common_name("one of many").unwrap(), KeyUsage::Signature);
    let template = Template {
        spec: KeySpec::P256,
        private_key: key.private_key,
        certificate: ca.issue(&key.public_key, &leaf).unwrap(),
        public_key: key.public_key,
        pin: Some(Secret::from(b"1563".as_slice())),
    };
    fill(&store, &template, SLOTS, 100).unwrap();
    fill(&store, &Template { pin: None, ..template }, KEYS - SLOTS, 100).unwrap();
}

#[test]
fn ten_thousand_keys_are_listed_and_found() {
    let daemon = Daemon::start();
    daemon.enroll("needle", None, None, &[]);
    daemon.stop();
    write_keys(&daemon);
    daemon.serve();
    daemon.adopt();

    let begun = Instant::now();
    let module = common::load();
    let slots = module.get_slots_with_token().unwrap();
    assert_eq!(slots.len(), 1 + usize::try_from(SLOTS).unwrap());
    println!("{KEYS} keys listed in {:.2?}", begun.elapsed());

    let session = module.open_rw_session(Slot::try_from(0_u64).unwrap()).unwrap();
    let begun = Instant::now();
    let private = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap();
    println!("{} private keys in {:.2?}", private.len(), begun.elapsed());
    assert_eq!(private.len(), usize::try_from(KEYS - SLOTS).unwrap() + 1);
    assert_eq!(private.iter().map(|key| key.handle()).collect::<HashSet<_>>().len(), private.len());

    let template = [Attribute::Token(true), Attribute::Label(b"made here".to_vec()), Attribute::Id(b"id".to_vec())];
    let begun = Instant::now();
    let made = session.generate_key_pair(&Mechanism::EccKeyPairGen, &[common::p256()], &template).unwrap();
    println!("one more made in {:.2?}", begun.elapsed());
    for round in 0..3 {
        let begun = Instant::now();
        let found = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(b"id".to_vec())]);
        println!("found by CKA_ID in {:.2?} (search {round})", begun.elapsed());
        assert_eq!(found.unwrap(), [made.1]);
    }
    more_are_made(&session);
    let needle = common::object(&session, ObjectClass::PRIVATE_KEY, "needle");
    session.sign(&Mechanism::EcdsaSha256, needle, b"x").unwrap();
    session.sign(&Mechanism::EcdsaSha256, *private.last().unwrap(), b"x").unwrap();

    let last = module.open_ro_session(*slots.last().unwrap()).unwrap();
    last.login(UserType::User, Some(&AuthPin::new("1563".into()))).unwrap();
    assert_eq!(last.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap().len(), 1);
}

/// Each key that is made is found at once, at the cost of itself: what is known of the others is kept.
fn more_are_made(session: &Session) {
    let public = [common::p256()];
    let (mut making, mut finding) = (Duration::ZERO, Duration::ZERO);
    for number in 0..MORE {
        let id = Attribute::Id(number.to_be_bytes().to_vec());
        let begun = Instant::now();
        let private = [Attribute::Token(true), id.clone()];
        let made = session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap();
        making += begun.elapsed();
        let begun = Instant::now();
        let found = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY), id]).unwrap();
        finding += begun.elapsed();
        assert_eq!(found, [made.1]);
    }
    println!("{MORE} more: each made in {:.2?}, found in {:.2?}", making / MORE, finding / MORE);
}
