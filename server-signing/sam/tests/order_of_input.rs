//! The order of checks where `order.rs`, which is about Signing, does not come to: InvalidInput and NotOperational, and
//! NotFound beside NotAuthorized.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use tw4s_formats::operation::{DeleteSignerKeyPair, GenerateSignerKeyPair, KeySpecification};
use tw4s_formats::{Credential, Format, ObjectIdentifier, Role};
use tw4s_sam::testing::{Outcome, TokenSpec, World, uuid};
use tw4s_sam::{Refusal, audit};

/// What can be wrong with a Generate_Signer_Key_Pair, in the order in which it must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Fault {
    Container,
    CredentialType,
    Credential,
    User,
    MessageType,
    Message,
    Role,
    OtherUser,
    Input,
    Component,
    Engine,
}

impl Fault {
    const ALL: [(Self, Refusal); 11] = [
        (Self::Container, Refusal::Container),
        (Self::CredentialType, Refusal::CredentialType),
        (Self::Credential, Refusal::CredentialSignature),
        (Self::User, Refusal::UnknownUser),
        (Self::MessageType, Refusal::MessageType),
        (Self::Message, Refusal::Message),
        (Self::Role, Refusal::Role),
        (Self::OtherUser, Refusal::OtherUser),
        (Self::Input, Refusal::Curve),
        (Self::Component, Refusal::Firmware),
        (Self::Engine, Refusal::Engine),
    ];
}

/// A technical user, who may come with a token as well.
const TECHNICAL: u8 = 5;

fn world() -> World {
    let world = World::default();
    let certificate = std::slice::from_ref(&world.idp.certificate);
    world.sam.enrol(Role::PrivilegedUserTechnical, uuid(TECHNICAL), certificate, &[]).unwrap();
    world
}

fn request(world: &World, faults: &[Fault]) -> Vec<u8> {
    let has = |fault| faults.contains(&fault);
    let target = if has(Fault::OtherUser) { world.other_signer } else { world.signer };
    // secp256k1, on which no keys are made here.
    let curve = ObjectIdentifier::new_unwrap(if has(Fault::Input) { "1.3.132.0.10" } else { "1.2.840.10045.3.1.7" });
    let message = GenerateSignerKeyPair::new(&target.to_string(), KeySpecification::Ec { curve }).unwrap();
    let mut message = message.to_bytes().unwrap();
    if has(Fault::Message) {
        message.pop();
    }
    let message_type = if has(Fault::MessageType) { "Nonsense" } else { "Generate_Signer_Key_Pair" };
    let mut bytes = world.request(message_type, &message, credential(world, faults));
    if has(Fault::Container) {
        bytes.pop();
    }
    bytes
}

fn credential(world: &World, faults: &[Fault]) -> Credential {
    let has = |fault| faults.contains(&fault);
    let user = match (has(Fault::User), has(Fault::Role)) {
        (true, _) => uuid(99),
        (false, true) => uuid(TECHNICAL),
        (false, false) => world.signer,
    };
    let mut credential = world.credential(&TokenSpec { forged: has(Fault::Credential), ..TokenSpec::of(user) });
    if has(Fault::CredentialType) {
        credential.credential_type = ObjectIdentifier::new_unwrap("1.2.3");
    }
    credential
}

/// The firmware verifies the credential, and is gone when it is to work.
fn goes_down_after_the_credential(world: &World) {
    let (firmware, calls) = (world.firmware.clone(), AtomicUsize::new(0));
    world.firmware.set_on_call(move || firmware.set_down(calls.fetch_add(1, Ordering::SeqCst) > 0));
}

fn first_wins(faults: &[Fault]) {
    let world = world();
    let bytes = request(&world, faults);
    world.firmware.set_failing(faults.contains(&Fault::Engine));
    if faults.contains(&Fault::Component) {
        goes_down_after_the_credential(&world);
    }
    let (before, objects) = (world.log().len(), world.store.tables().objects);
    let outcome = world.send(&bytes);
    let log = world.log().split_off(before);
    let Some(first) = faults.iter().min() else {
        assert!(matches!(outcome, Outcome::Result(_)), "{outcome:?}");
        return;
    };
    let (_, refusal) = Fault::ALL.into_iter().find(|(fault, _)| fault == first).unwrap();
    assert_eq!(outcome.error(), Some(refusal.error_type()), "{faults:?}: {outcome:?}");
    assert_eq!(outcome.detail(), refusal.answer(), "{faults:?}");
    assert_eq!(world.store.tables().objects, objects, "nothing was made");
    if *first <= Fault::User {
        assert_eq!(log, [], "{faults:?}");
        return;
    }
    let [entry] = &log[..] else { panic!("{faults:?}: {log:?}") };
    assert_eq!(entry.outcome, audit::Outcome::Failed);
    assert_eq!(entry.error.as_deref(), Some(refusal.error_type().name()));
    assert_eq!(entry.cause.as_deref(), Some(refusal.cause()));
    assert!(entry.acting.is_some());
}

#[test]
fn each_error_of_a_generation_wins_over_all_later_ones() {
    let all = Fault::ALL.map(|(fault, _)| fault);
    assert!(all.is_sorted());
    for (at, fault) in all.into_iter().enumerate() {
        first_wins(all.get(at..).unwrap());
        first_wins(&[fault]);
    }
    first_wins(&[]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn of_any_faults_of_a_generation_the_first_is_the_answer(faults in proptest::sample::subsequence(
        Fault::ALL.map(|(fault, _)| fault).to_vec(), 0..=5,
    )) {
        first_wins(&faults);
    }
}

/// Table 21 has NotFound beside NotAuthorized: a key that is not there is nobody's, so it is not found; another user's is
/// not to be used, be it there or deleted.
#[test]
fn a_deletion_says_whose_a_key_is_before_it_says_that_it_is_gone() {
    let world = World::default();
    let delete = |user| world.ask(&DeleteSignerKeyPair { keyid: world.text(world.key) }, user);
    let gone = DeleteSignerKeyPair { keyid: world.text(uuid(99)) };
    assert_eq!(world.ask(&gone, world.other_signer).detail(), Refusal::NoKey.cause());
    assert_eq!(delete(world.other_signer).detail(), Refusal::OtherUsersKey.cause());
    assert!(matches!(delete(world.signer), Outcome::Result(_)));
    assert_eq!(delete(world.other_signer).detail(), Refusal::OtherUsersKey.cause());
    assert_eq!(delete(world.signer).detail(), Refusal::KeyDestroyed.cause());
}

/// Signing's checks on this side of the firmware come before that it is gone.
#[test]
fn a_firmware_that_is_gone_hides_no_error_of_a_sad() {
    for (spec, refusal) in [
        (TokenSpec { level: None, ..TokenSpec::of(uuid(3)) }, Refusal::NoLevel),
        (TokenSpec::of(uuid(4)), Refusal::TokenUser),
        (TokenSpec::of(uuid(3)), Refusal::Firmware),
    ] {
        let world = World::default();
        let sad = world.sad_with(&spec, &[vec![1; 32]]);
        goes_down_after_the_credential(&world);
        assert_eq!(world.sign(&sad).detail(), refusal.cause());
        assert!(world.store.tables().consumed.is_empty());
    }
}
