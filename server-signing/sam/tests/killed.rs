//! Killed at any point: no second signature, no signature without a record, no key without an owner.
//!
//! What a killed process leaves is what its transactions committed. So each operation is cut off before its first
//! transaction, before its second, and so on; then the module is started again on what is there, and all of it must fit
//! together. That one transaction is there as a whole or not at all is the store's to show.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tw4s_formats::operation::{
    CreateNewPrivilegedUser, CreateNewSigner, DeleteSignerKeyPair, GenerateSignerKeyPair, KeySpecification,
    SignerMaintenance,
};
use tw4s_formats::{ErrorType, Format, ObjectIdentifier, Role, WrappedKey};
use tw4s_sam::Refusal;
use tw4s_sam::audit::{Entry, Outcome as Recorded};
use tw4s_sam::record::{KeyId, ObjectKind, Once, State, UserId};
use tw4s_sam::testing::{MemStore, NOW, Outcome, Tables, World, uuid};

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const HASHES: [[u8; 32]; 3] = [[1; 32], [2; 32], [1; 32]];

/// Lets `whole` more transactions be, and everything fail from the next one on. `cut` says whether it came to that.
fn cut_after(store: &Arc<MemStore>, whole: u32, cut: &Arc<AtomicBool>) {
    let (at, cut) = (store.clone(), cut.clone());
    store.before_next_transaction(move || match whole.checked_sub(1) {
        Some(left) => cut_after(&at, left, &cut),
        None => {
            cut.store(true, Ordering::SeqCst);
            at.set_down(true);
        }
    });
}

/// Cuts an operation off at each of its transactions; gives how many it has. `same` asks the same again after the restart:
/// it must not be refused but for what `refusals` lists.
fn killed_everywhere(ask: impl Fn(&World) -> Outcome, refusals: &[Refusal]) -> u32 {
    for whole in 0.. {
        let mut world = World::default();
        let cut = Arc::new(AtomicBool::new(false));
        cut_after(&world.store, whole, &cut);
        let outcome = ask(&world);
        world.store.before_next_transaction(|| ());
        world.store.set_down(false);
        let was_cut = cut.load(Ordering::SeqCst);
        assert_eq!(matches!(outcome, Outcome::Result(_)), !was_cut, "{whole}: {outcome:?}");
        world.restart();
        fits_together(&world);
        let again = ask(&world);
        let known = refusals.iter().any(|it| again.error() == Some(it.error_type()) && again.detail() == it.answer());
        assert!(known || matches!(again, Outcome::Result(_)), "{whole}: {again:?}");
        fits_together(&world);
        if !was_cut {
            return whole;
        }
    }
    unreachable!("an operation has an end")
}

fn successes<'a>(log: &'a [Entry], action: &'a str) -> impl Iterator<Item = &'a Entry> {
    log.iter().filter(move |entry| entry.action == action && entry.outcome == Recorded::Success)
}

/// All tables against the audit log and each other.
fn fits_together(world: &World) {
    let (tables, log) = (world.store.tables(), world.log());
    let report = world.sam.check_data(None).unwrap();
    assert!(report.is_ok(), "{report:?}");
    users_have_their_records(&tables, &log);
    keys_have_owners_and_records(&tables, &log);
    signatures_have_records(world, &tables, &log);
}

fn users_have_their_records(tables: &Tables, log: &[Entry]) {
    let made = [Entry::ENROL, "Create_New_Privileged_User", "Create_New_Signer"];
    let recorded: Vec<&str> =
        made.iter().flat_map(|action| successes(log, action)).filter_map(|entry| entry.user.as_deref()).collect();
    let named: BTreeSet<String> = recorded.iter().map(|user| (*user).to_owned()).collect();
    assert_eq!(named.len(), recorded.len(), "a user was made twice");
    assert_eq!(named, tables.users.keys().map(UserId::to_string).collect());
}

fn keys_have_owners_and_records(tables: &Tables, log: &[Entry]) {
    let mut keys = BTreeSet::new();
    for ((key, kind), object) in &tables.objects {
        assert_eq!(tables.users.get(&object.owner).map(|user| user.role), Some(Role::Signer), "a key without an owner");
        let head = tables.objects.get(&(*key, ObjectKind::Key)).unwrap();
        assert_eq!((head.owner, object.key), (object.owner, *key));
        match (kind, head.state) {
            (ObjectKind::Key, State::Active) => {
                keys.insert(key.to_string());
                let wrapped = WrappedKey::parse(&object.value).unwrap();
                assert_eq!(wrapped.tbs.metadata.user_id.as_str(), object.owner.to_string());
                for with in [ObjectKind::PublicKey, ObjectKind::Request] {
                    assert!(tables.objects.contains_key(&(*key, with)), "{with:?}");
                }
            }
            (ObjectKind::Key, State::Destroyed) => {
                keys.insert(key.to_string());
                let mut deletions = successes(log, "Delete_Signer_Key_Pair");
                assert!(deletions.any(|entry| entry.key == Some(key.to_string())), "a deletion without a record");
            }
            (_, state) => assert_eq!(state, State::Active, "what hangs on a key goes with it"),
        }
    }
    let of = |entry: &Entry| entry.key.clone().unwrap();
    let made: BTreeSet<String> = successes(log, "Generate_Signer_Key_Pair").map(of).collect();
    assert_eq!(made, keys);
    for entry in successes(log, "Delete_Signer_Key_Pair") {
        let key: KeyId = of(entry).parse().unwrap();
        assert_eq!(tables.objects.get(&(key, ObjectKind::Key)).unwrap().state, State::Destroyed);
    }
}

fn signatures_have_records(world: &World, tables: &Tables, log: &[Entry]) {
    let intents: Vec<&Entry> = log.iter().filter(|entry| entry.outcome == Recorded::Intent).collect();
    let hashes: u64 = intents.iter().map(|entry| entry.hashes.unwrap()).sum();
    let is_hash = |key: &&Vec<u8>| key.first() == Some(&1);
    assert_eq!(tables.consumed.keys().filter(is_hash).count() as u64, hashes, "consumed without an intent, or in part");
    let mut results: Vec<u64> =
        log.iter().filter(|entry| entry.outcome != Recorded::Intent).filter_map(|entry| entry.intent).collect();
    results.extend(&tables.open);
    results.sort_unstable();
    assert_eq!(results, intents.iter().map(|entry| entry.number).collect::<Vec<_>>(), "an intent has one result");
    assert!(world.firmware.activations() <= intents.len() as u64, "a signature without a record");
}

#[test]
fn a_killed_creation_makes_a_user_with_its_record_or_none() {
    let privileged = |world: &World| {
        let message = CreateNewPrivilegedUser { userid: world.text(uuid(50)), certificates: world.certificates() };
        world.ask(&message, world.officer)
    };
    assert_eq!(killed_everywhere(privileged, &[Refusal::UserTaken]), 1);
    let signer = |world: &World| {
        let message = CreateNewSigner { userid: world.text(uuid(50)), certificates: world.certificates() };
        world.ask(&message, world.officer)
    };
    assert_eq!(killed_everywhere(signer, &[Refusal::UserTaken]), 1);
}

#[test]
fn a_killed_maintenance_changes_all_or_nothing() {
    let ask = |world: &World| {
        let certificates = world.certificates_of(&[&world.idp, &world.other_idp]);
        world.ask(&SignerMaintenance { userid: world.text(world.signer), certificates }, world.signer)
    };
    assert_eq!(killed_everywhere(ask, &[]), 1);
}

#[test]
fn a_killed_generation_leaves_no_key_without_an_owner_and_none_without_a_record() {
    let ask = |world: &World| {
        let message = GenerateSignerKeyPair::new(&world.signer.to_string(), KeySpecification::Ec { curve: P256 });
        world.ask(&message.unwrap(), world.signer)
    };
    assert_eq!(killed_everywhere(ask, &[]), 1);
}

#[test]
fn a_killed_deletion_deletes_all_of_a_key_or_nothing() {
    let ask = |world: &World| world.ask(&DeleteSignerKeyPair { keyid: world.text(world.key) }, world.signer);
    assert_eq!(killed_everywhere(ask, &[Refusal::KeyDestroyed]), 1);
}

#[test]
fn a_killed_signing_gives_no_second_signature_and_none_without_a_record() {
    let ask = |world: &World| world.sign(&world.sad(&HASHES.map(|hash| hash.to_vec())));
    assert_eq!(killed_everywhere(ask, &[Refusal::AlreadyUsed]), 2, "the reservation, and the result");
}

/// A signed message is consumed before it is carried out: killed in between, the technical user has to sign a new one.
#[test]
fn a_killed_signed_message_is_carried_out_once_at_most() {
    let mut world = World::default();
    let message = CreateNewSigner { userid: world.text(uuid(50)), certificates: world.certificates() };
    let request = world.signed_request(&message, NOW / 1000);
    cut_after(&world.store, 1, &Arc::default());
    assert_eq!(world.send(&request).error(), Some(ErrorType::NotOperational));
    world.store.set_down(false);
    world.restart();
    assert_eq!(world.send(&request).error(), Some(ErrorType::AuthenticationError), "processed already");
    assert!(!world.store.tables().users.contains_key(&uuid(50)));
    let message_key = |key: &Vec<u8>| {
        key.first() == Once::Message { certificate: [0; 32], id: [0; 16], expires_ms: 0 }.to_key().first()
    };
    assert_eq!(world.store.tables().consumed.keys().filter(|key| message_key(key)).count(), 1);
    assert!(matches!(world.send(&world.signed_request(&message, NOW / 1000)), Outcome::Result(_)));
    fits_together(&world);
}
