//! A signer who shows the SAD's own token as the credential: the firmware is asked once for both, and nothing else is
//! different. The order of checks is that of `order.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tw4s_formats::operation::Signing;
use tw4s_formats::{
    Credential, Digest, ErrorType, Format, HashAlgorithm, LevelOfAssurance, OidArc, Sad, SignatureAlgorithm,
};
use tw4s_sam::Refusal;
use tw4s_sam::testing::{NOW, Outcome, Person, TokenSpec, World, uuid};

/// What can be wrong, in the order in which it must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Forged,
    Expired,
    User,
    Role,
    Level,
    SadSignature,
    HashLength,
    NoKey,
    WrappedKey,
    OtherKey,
    Algorithm,
    Replay,
    Activation,
}

impl Fault {
    const ALL: [(Self, Refusal, ErrorType); 13] = [
        (Self::Forged, Refusal::CredentialSignature, ErrorType::AuthenticationError),
        (Self::Expired, Refusal::CredentialExpired, ErrorType::AuthenticationError),
        (Self::User, Refusal::UnknownUser, ErrorType::UnknownUser),
        (Self::Role, Refusal::Role, ErrorType::NotAuthorized),
        (Self::Level, Refusal::LowLevel, ErrorType::InvalidAuthentication),
        (Self::SadSignature, Refusal::SadSignature, ErrorType::InvalidSignature),
        (Self::HashLength, Refusal::HashLength, ErrorType::InvalidAlgorithm),
        (Self::NoKey, Refusal::NoKey, ErrorType::NotFound),
        (Self::WrappedKey, Refusal::WrappedKey, ErrorType::UnexpectedError),
        (Self::OtherKey, Refusal::OtherUsersKey, ErrorType::NotAuthorized),
        (Self::Algorithm, Refusal::AlgorithmFit, ErrorType::InvalidAlgorithm),
        (Self::Replay, Refusal::AlreadyUsed, ErrorType::InvalidAuthentication),
        (Self::Activation, Refusal::SignatureFailed, ErrorType::UnexpectedError),
    ];
}

/// Asks for what a SAD authorises, with its token.
fn send(world: &World, sad: &Sad) -> Outcome {
    let credential = Credential::identity_token(&sad.tbs.identity_token, &OidArc::default()).unwrap();
    world.send(&world.request("Signing", &Signing::new(sad).unwrap().to_bytes().unwrap(), credential))
}

fn sad(world: &World, faults: &[Fault]) -> Sad {
    let has = |fault| faults.contains(&fault);
    let user = match (has(Fault::User), has(Fault::Role)) {
        (true, _) => uuid(99),
        (false, true) => world.officer,
        (false, false) => world.signer,
    };
    let mut token = TokenSpec { forged: has(Fault::Forged), ..TokenSpec::of(user) };
    if has(Fault::Expired) {
        (token.not_before, token.not_after) = (NOW / 1000 - 900, NOW / 1000 - 600);
    }
    if has(Fault::Level) {
        token.level = Some(LevelOfAssurance::Low);
    }
    let key = match (has(Fault::NoKey), has(Fault::OtherKey)) {
        (true, _) => uuid(77).to_string(),
        (false, true) => world.new_key(world.other_signer).to_string(),
        (false, false) => world.key.to_string(),
    };
    let algorithm = match has(Fault::Algorithm) {
        true => HashAlgorithm::Signature(SignatureAlgorithm::RsaPkcs1(Digest::Sha256)),
        false => HashAlgorithm::Digest(Digest::Sha256),
    };
    let hash = vec![5; if has(Fault::HashLength) { 31 } else { 32 }];
    let mut sad = world.person.sad(world.idp.token(&token, Some(&world.person)), &key, algorithm, &[hash]);
    if has(Fault::SadSignature) {
        let token = sad.tbs.identity_token.clone();
        sad.signature = Person::new("a thief").sad(token, &key, algorithm, &[vec![5; 32]]).signature;
    }
    sad
}

/// Asserts that the first fault is the answer, that the log agrees, and that nothing was consumed before all was checked.
fn first_wins(faults: &[Fault]) {
    let world = World::default();
    let sad = sad(&world, faults);
    if faults.contains(&Fault::Replay) {
        // Of these hashes, whoever asked first.
        send(&world, &sad);
    }
    world.firmware.set_foreign(faults.contains(&Fault::WrappedKey));
    world.firmware.set_failing(faults.contains(&Fault::Activation));
    let (before, consumed) = (world.log().len(), world.store.tables().consumed.len());
    let outcome = send(&world, &sad);
    let log = world.log().split_off(before);
    let Some(first) = faults.iter().min() else {
        return assert!(matches!(outcome, Outcome::Result(_)));
    };
    let (_, refusal, error) = Fault::ALL.into_iter().find(|(fault, ..)| fault == first).unwrap();
    assert_eq!(outcome.error(), Some(error), "{faults:?}");
    if *first < Fault::Activation {
        assert_eq!(world.store.tables().consumed.len(), consumed, "{faults:?}");
    }
    if *first <= Fault::User {
        return assert_eq!(log, [], "{faults:?}");
    }
    let entry = log.last().unwrap();
    assert_eq!(entry.cause.as_deref(), Some(refusal.cause()), "{faults:?}");
    assert_eq!(outcome, Outcome::Error(error, refusal.cause().into(), Some(entry.number)), "{faults:?}");
    let acting = if faults.contains(&Fault::Role) { world.officer } else { world.signer };
    assert_eq!(entry.acting, Some(acting.to_string()), "{faults:?}");
}

#[test]
fn each_error_wins_over_all_later_ones() {
    let all = Fault::ALL.map(|(fault, ..)| fault);
    assert!(all.is_sorted());
    for (at, fault) in all.into_iter().enumerate() {
        // A replay is one of what was signed.
        let later: Vec<_> = all.into_iter().skip(at).filter(|it| *it != Fault::Replay || *it == fault).collect();
        first_wins(&later);
        first_wins(&[fault]);
    }
    first_wins(&[]);
}

#[test]
fn the_firmware_is_asked_once_for_both() {
    let world = World::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    world.firmware.set_on_call(move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    assert!(matches!(send(&world, &world.sad(&[vec![1; 32]])), Outcome::Result(_)));
    assert_eq!(calls.swap(0, Ordering::SeqCst), 2, "an admission and the signatures");
    assert!(matches!(world.sign(&world.sad(&[vec![2; 32]])), Outcome::Result(_)));
    assert_eq!(calls.load(Ordering::SeqCst), 3, "with another token as the credential");
}

#[test]
fn an_unregistered_signer_of_the_token_is_told_as_of_any_credential() {
    let world = World::default();
    world.firmware.import(&world.other_idp.certificate);
    let token = world.other_idp.token(&TokenSpec::of(world.signer), Some(&world.person));
    let algorithm = HashAlgorithm::Digest(Digest::Sha256);
    let sad = world.person.sad(token, &world.key.to_string(), algorithm, &[vec![1; 32]]);
    let before = world.log().len();
    assert_eq!(send(&world, &sad).error(), Some(ErrorType::AuthenticationError));
    assert_eq!(world.log().len(), before);
}

#[test]
fn a_firmware_that_is_down_is_not_operational() {
    let world = World::default();
    let sad = world.sad(&[vec![1; 32]]);
    world.firmware.set_down(true);
    assert_eq!(send(&world, &sad).error(), Some(ErrorType::NotOperational));
    world.firmware.set_down(false);
    assert!(matches!(send(&world, &sad), Outcome::Result(_)));
}
