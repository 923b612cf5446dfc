//! The order of checks, and the audit rule: whatever is wrong with a request at once, the first in the order of
//! server-signing.md 1.3 is the answer, and the audit log agrees with it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use proptest::prelude::*;
use tw4s_formats::operation::Signing;
use tw4s_formats::{
    Credential, Digest, ErrorType, Format, HashAlgorithm, LevelOfAssurance, ObjectIdentifier, Open, SignatureAlgorithm,
};
use tw4s_sam::testing::{NOW, Outcome, Person, TokenSpec, World, uuid};
use tw4s_sam::{Refusal, audit};

/// What can be wrong with a Signing, in the order in which it must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Fault {
    Container,
    CredentialType,
    Credential,
    User,
    MessageType,
    Message,
    Role,
    TokenSignature,
    TokenWindow,
    TokenUser,
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
    const ALL: [(Self, Refusal, ErrorType); 19] = [
        (Self::Container, Refusal::Container, ErrorType::ContainerParseError),
        (Self::CredentialType, Refusal::CredentialType, ErrorType::UnknownCredentialType),
        (Self::Credential, Refusal::CredentialSignature, ErrorType::AuthenticationError),
        (Self::User, Refusal::UnknownUser, ErrorType::UnknownUser),
        (Self::MessageType, Refusal::MessageType, ErrorType::UnknownMessageType),
        (Self::Message, Refusal::Message, ErrorType::MessageParseError),
        (Self::Role, Refusal::Role, ErrorType::NotAuthorized),
        (Self::TokenSignature, Refusal::TokenSignature, ErrorType::InvalidAuthentication),
        (Self::TokenWindow, Refusal::TokenExpired, ErrorType::InvalidAuthentication),
        (Self::TokenUser, Refusal::TokenUser, ErrorType::InvalidAuthentication),
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

    /// The four that leave no audit record: no acting user could be inferred.
    fn is_audited(self) -> bool {
        self > Self::User
    }
}

/// Signs with these faults, all at once.
fn ask(world: &World, faults: &[Fault]) -> Outcome {
    let has = |fault| faults.contains(&fault);
    if has(Fault::Replay) {
        assert!(matches!(world.send(&request(world, &[])), Outcome::Result(_)));
    }
    let bytes = request(world, faults);
    world.firmware.set_foreign(has(Fault::WrappedKey));
    world.firmware.set_failing(has(Fault::Activation));
    world.send(&bytes)
}

fn request(world: &World, faults: &[Fault]) -> Vec<u8> {
    let has = |fault| faults.contains(&fault);
    let message = message(world, faults);
    let credential = credential(world, faults);
    let message_type = if has(Fault::MessageType) { "Nonsense" } else { "Signing" };
    let mut bytes = world.request(message_type, &message, credential);
    if has(Fault::Container) {
        bytes.pop();
    }
    bytes
}

fn credential(world: &World, faults: &[Fault]) -> Credential {
    let has = |fault| faults.contains(&fault);
    let user = match (has(Fault::User), has(Fault::Role)) {
        (true, _) => uuid(99),
        (false, true) => world.officer,
        (false, false) => world.signer,
    };
    let mut credential = world.credential(&TokenSpec { forged: has(Fault::Credential), ..TokenSpec::of(user) });
    if has(Fault::CredentialType) {
        credential.credential_type = ObjectIdentifier::new_unwrap("1.2.3");
    }
    credential
}

fn message(world: &World, faults: &[Fault]) -> Vec<u8> {
    let has = |fault| faults.contains(&fault);
    let mut token = TokenSpec::of(if has(Fault::TokenUser) { world.other_signer } else { world.signer });
    token.forged = has(Fault::TokenSignature);
    if has(Fault::TokenWindow) {
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
    let algorithm = if has(Fault::Algorithm) {
        HashAlgorithm::Signature(SignatureAlgorithm::RsaPkcs1(Digest::Sha256))
    } else {
        HashAlgorithm::Digest(Digest::Sha256)
    };
    let hash = vec![5; if has(Fault::HashLength) { 31 } else { 32 }];
    let mut sad = world.person.sad(world.idp.token(&token, Some(&world.person)), &key, algorithm, &[hash]);
    if has(Fault::SadSignature) {
        sad.signature =
            Person::new("a thief").sad(sad.tbs.identity_token.clone(), &key, algorithm, &[vec![5; 32]]).signature;
    }
    let mut message = Signing::new(&sad).unwrap().to_bytes().unwrap();
    if has(Fault::Message) {
        message.pop();
    }
    message
}

/// Asserts that the first fault is the answer and that the log says the same.
fn first_wins(faults: &[Fault]) {
    let world = World::default();
    let before = world.log().len();
    let own = if faults.contains(&Fault::Replay) { 2 } else { 0 }
        + usize::from(faults.contains(&Fault::OtherKey) && !faults.contains(&Fault::NoKey));
    let outcome = ask(&world, faults);
    let log = world.log().split_off(before + own);
    let Some(first) = faults.iter().min() else {
        assert!(matches!(outcome, Outcome::Result(_)));
        let outcomes = log.iter().map(|entry| entry.outcome).collect::<Vec<_>>();
        assert_eq!(outcomes, [audit::Outcome::Intent, audit::Outcome::Success]);
        return;
    };
    let (_, refusal, error) = Fault::ALL.into_iter().find(|(fault, ..)| fault == first).unwrap();
    assert_eq!(outcome.error(), Some(error), "{faults:?}");
    if !first.is_audited() {
        assert_eq!(log, [], "{faults:?}");
        assert!(matches!(outcome, Outcome::Error(_, _, None)));
        return;
    }
    let entry = log.last().unwrap();
    let acting = if faults.contains(&Fault::Role) { world.officer } else { world.signer };
    assert_eq!(log.len(), if *first == Fault::Activation { 2 } else { 1 }, "{faults:?}: {log:?}");
    assert_eq!(entry.outcome, audit::Outcome::Failed);
    assert_eq!(entry.acting, Some(acting.to_string()));
    assert_eq!(entry.action, if faults.contains(&Fault::MessageType) { "Nonsense" } else { "Signing" });
    assert_eq!(entry.error.as_deref(), Some(error.name()), "{faults:?}");
    assert_eq!(entry.cause.as_deref(), Some(refusal.cause()), "{faults:?}");
    assert_eq!(outcome, Outcome::Error(error, refusal.cause().into(), Some(entry.number)));
    assert_eq!(refusal.error_type(), error);
}

#[test]
fn each_error_wins_over_all_later_ones() {
    let all = Fault::ALL.map(|(fault, ..)| fault);
    assert!(all.is_sorted());
    for (at, fault) in all.into_iter().enumerate() {
        first_wins(all.get(at..).unwrap());
        first_wins(&[fault]);
    }
    first_wins(&[]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn of_any_faults_the_first_is_the_answer(faults in proptest::sample::subsequence(
        Fault::ALL.map(|(fault, ..)| fault).to_vec(), 0..=6,
    )) {
        first_wins(&faults);
    }
}

#[test]
fn a_credential_of_an_unknown_type_is_not_opened() {
    let world = World::default();
    let mut credential = world.credential(&TokenSpec::of(world.signer));
    credential.credential_type = ObjectIdentifier::new_unwrap("1.2.3");
    credential.value = Open::new([5, 0]).unwrap();
    let outcome = world.send(&world.request("Signing", b"", credential));
    assert_eq!(outcome.error(), Some(ErrorType::UnknownCredentialType));
}

#[test]
fn a_credential_that_is_not_of_its_type_is_an_authentication_error() {
    let world = World::default();
    let mut credential = world.credential(&TokenSpec::of(world.signer));
    credential.value = Open::new([5, 0]).unwrap();
    let outcome = world.send(&world.request("Signing", b"", credential));
    assert_eq!(outcome.error(), Some(ErrorType::AuthenticationError));
}
