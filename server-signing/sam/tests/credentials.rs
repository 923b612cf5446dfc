//! Steps 1 to 4: the container, the credential's type, the credential, its user (1.2, 1.3, 1.10). None of their refusals
//! leaves an audit record.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use tw4s_formats::operation::{CreateNewSigner, ListSigners, PageSize, SignerMaintenance, Void};
use tw4s_formats::{
    Credential, CredentialValue, Digest, ErrorType, Format, Octets, OidArc, PeerBody, PeerMessage, Role,
    SignatureAlgorithm,
};
use tw4s_sam::testing::{Idp, NOW, Outcome, TokenSpec, World, uuid};
use tw4s_sam::{Config, Refusal};

const SKEW: u64 = 60_000;

fn list() -> ListSigners {
    ListSigners { limit: PageSize::new(10).unwrap(), after: None }
}

fn create(world: &World, number: u8) -> CreateNewSigner {
    CreateNewSigner { userid: world.text(uuid(number)), certificates: world.certificates() }
}

/// The answer says no more than the type, the log's line says the rule, and there is no audit record.
#[track_caller]
fn unaudited(world: &World, bytes: &[u8], refusal: Refusal) {
    let before = world.log().len();
    let handled = world.handle(bytes);
    let outcome = Outcome::of(&handled);
    assert_eq!(outcome, Outcome::Error(refusal.error_type(), refusal.answer().into(), None), "{:?}", handled.log);
    assert!(handled.log.iter().any(|line| line.contains(refusal.cause())), "{:?}", handled.log);
    assert_eq!(world.log().len(), before);
}

fn with_token(world: &World, token: &TokenSpec) -> Vec<u8> {
    world.request("List_Signers", &list().to_bytes().unwrap(), world.credential(token))
}

#[test]
fn what_is_no_container_is_a_container_parse_error() {
    let world = World::default();
    let good = with_token(&world, &TokenSpec::of(world.officer));
    unaudited(&world, &[], Refusal::Container);
    unaudited(&world, &vec![0x30; 300_000], Refusal::Container);
    for cut in [1, good.len() / 2] {
        unaudited(&world, good.get(..good.len() - cut).unwrap(), Refusal::Container);
    }
    let mut longer = good;
    longer.push(0);
    unaudited(&world, &longer, Refusal::Container);
    let pong = world.message(PeerBody::Pong).to_bytes().unwrap();
    unaudited(&world, &pong, Refusal::NoRequest);
}

#[test]
fn a_ping_is_answered_with_its_id() {
    let world = World::default();
    let ping = world.message(PeerBody::Ping);
    let answer = PeerMessage::parse(&world.handle(&ping.to_bytes().unwrap()).answer).unwrap();
    assert_eq!((answer.id, answer.body), (ping.id, PeerBody::Pong));
}

#[test]
fn an_answer_has_its_request_s_id() {
    let world = World::default();
    let request = with_token(&world, &TokenSpec::of(world.officer));
    let answer = PeerMessage::parse(&world.handle(&request).answer).unwrap();
    assert_eq!(answer.id, PeerMessage::parse(&request).unwrap().id);
    assert_eq!(answer.sent_at.unix(), NOW / 1000);
}

#[test]
fn a_forged_token_is_refused() {
    let world = World::default();
    let token = TokenSpec { forged: true, ..TokenSpec::of(world.officer) };
    unaudited(&world, &with_token(&world, &token), Refusal::CredentialSignature);
}

#[test]
fn a_token_of_a_provider_that_is_not_imported_is_refused() {
    let world = World::default();
    let stranger = Idp::new("stranger").token(&TokenSpec::of(world.officer), None);
    let credential = Credential::identity_token(&stranger, &OidArc::default()).unwrap();
    let request = world.request("List_Signers", &list().to_bytes().unwrap(), credential);
    unaudited(&world, &request, Refusal::CredentialSigner);
}

/// "Unregistered user or unregistered certificate: refused" (1.2).
#[test]
fn a_token_of_a_provider_that_is_not_registered_for_the_user_is_refused() {
    let world = World::default();
    let token = world.other_idp.token(&TokenSpec::of(world.officer), None);
    let credential = Credential::identity_token(&token, &OidArc::default()).unwrap();
    let request = world.request("List_Signers", &list().to_bytes().unwrap(), credential);
    unaudited(&world, &request, Refusal::CredentialUnregistered);
}

#[test]
fn a_sound_token_of_nobody_here_is_an_unknown_user() {
    let world = World::default();
    for user in [uuid(99).to_string(), "anna".into(), uuid(0xab).to_string().to_uppercase()] {
        unaudited(&world, &with_token(&world, &TokenSpec::of(user)), Refusal::UnknownUser);
    }
}

/// Edges of the window, with the skew on both sides.
#[test]
fn a_token_holds_in_its_window() {
    let world = World::default();
    let token = TokenSpec::of(world.officer);
    let request = with_token(&world, &token);
    let (first, last) = (token.not_before * 1000 - SKEW, token.not_after * 1000 + SKEW);
    for (now, refusal) in [
        (first - 1, Some(Refusal::CredentialEarly)),
        (first, None),
        (last, None),
        (last + 1, Some(Refusal::CredentialExpired)),
    ] {
        world.clock.set(now);
        match refusal {
            Some(refusal) => unaudited(&world, &request, refusal),
            None => assert!(matches!(world.send(&request), Outcome::Result(_)), "{now}"),
        }
    }
}

#[test]
fn a_window_that_ends_before_it_begins_holds_never() {
    let world = World::default();
    let mut token = TokenSpec::of(world.officer);
    token.not_after = token.not_before - 1;
    unaudited(&world, &with_token(&world, &token), Refusal::CredentialExpired);
}

#[test]
fn a_window_of_one_moment_holds_in_it() {
    let world = World::new(Config { skew_ms: 0, ..Config::default() });
    let mut token = TokenSpec::of(world.officer);
    token.not_after = token.not_before;
    assert!(matches!(world.send(&with_token(&world, &token)), Outcome::Result(_)));
    world.clock.set(NOW + 1);
    unaudited(&world, &with_token(&world, &token), Refusal::CredentialExpired);
}

#[test]
fn the_skew_can_be_set() {
    let world = World::new(Config { skew_ms: 0, ..Config::default() });
    let token = TokenSpec::of(world.officer);
    world.clock.set(token.not_after * 1000 + 1);
    unaudited(&world, &with_token(&world, &token), Refusal::CredentialExpired);
}

/// 1.2: "authenticated by a signature over the message (RSA or ECDSA, SHA-256) with an X.509 certificate stored in the
/// SAM".
#[test]
fn a_technical_user_signs_its_message() {
    let world = World::default();
    let Void {} = world.send(&world.signed_request(&create(&world, 50), NOW / 1000)).result();
    assert_eq!(world.last_entry().acting, Some(world.technician.to_string()));
}

/// Changes the parts of a signed request.
fn changed(bytes: &[u8], change: impl FnOnce(&mut PeerMessage)) -> Vec<u8> {
    let mut message = PeerMessage::parse(bytes).unwrap();
    change(&mut message);
    message.to_bytes().unwrap()
}

fn request_of(message: &mut PeerMessage) -> &mut tw4s_formats::Request {
    match &mut message.body {
        PeerBody::Request(request) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_message_signature_covers_id_time_type_and_message() {
    let world = World::default();
    let good = world.signed_request(&create(&world, 50), NOW / 1000);
    let other = create(&world, 51).to_bytes().unwrap();
    let changes: [&dyn Fn(&mut PeerMessage); 4] = [
        &|message| message.id = Octets::new([7; 16]).unwrap(),
        &|message| message.sent_at = tw4s_formats::Time::from_unix(NOW / 1000 + 1).unwrap(),
        &|message| request_of(message).message_type = world.text("Create_New_Privileged_User"),
        &|message| request_of(message).message = Octets::new(other.clone()).unwrap(),
    ];
    for change in changes {
        unaudited(&world, &changed(&good, change), Refusal::CredentialSignature);
    }
    let Void {} = world.send(&good).result();
}

/// 1.10: "`id`+`sentAt` give replay protection to the message-signature credential".
#[test]
fn a_signed_message_is_taken_once() {
    let mut world = World::default();
    let request = world.signed_request(&create(&world, 50), NOW / 1000);
    let Void {} = world.send(&request).result();
    unaudited(&world, &request, Refusal::MessageReplayed);
    world.restart();
    unaudited(&world, &request, Refusal::MessageReplayed);
}

#[test]
fn a_signed_message_is_taken_in_its_time() {
    let world = World::default();
    let life = Config::default().message_lifetime_ms;
    for (number, now, refusal) in [
        (50, NOW - SKEW - 1, Some(Refusal::MessageEarly)),
        (51, NOW - SKEW, None),
        (52, NOW + life + SKEW, None),
        (53, NOW + life + SKEW + 1, Some(Refusal::MessageExpired)),
    ] {
        let request = world.signed_request(&create(&world, number), NOW / 1000);
        world.clock.set(now);
        match refusal {
            Some(refusal) => unaudited(&world, &request, refusal),
            None => assert!(matches!(world.send(&request), Outcome::Result(_)), "{now}"),
        }
    }
}

#[test]
fn a_message_by_an_unregistered_certificate_is_refused() {
    let mut world = World::default();
    world.machine = Idp::new("another machine");
    let request = world.signed_request(&create(&world, 50), NOW / 1000);
    unaudited(&world, &request, Refusal::MessageUnregistered);
}

/// A provider's certificate stands with many users: its signature over a message must speak for none of them.
#[test]
fn a_provider_s_certificate_signs_no_messages() {
    let mut world = World::default();
    world.machine = world.idp.clone();
    let request = world.signed_request(&create(&world, 50), NOW / 1000);
    unaudited(&world, &request, Refusal::MessageUnregistered);
    // Not even when the holders' table, which has no MAC, says so.
    let (machine, officer) = (Idp::new("machine"), world.officer);
    world.store.tamper(|tables| {
        for user in tables.holders.values_mut() {
            *user = officer;
        }
    });
    world.machine = machine;
    let request = world.signed_request(&create(&world, 51), NOW / 1000);
    unaudited(&world, &request, Refusal::MessageUnregistered);
}

#[test]
fn a_technical_user_s_certificate_goes_by_its_row() {
    let world = World::default();
    let (technician, officer) = (world.technician, uuid(60));
    let certificate = std::slice::from_ref(&world.machine.certificate);
    // A privileged user with the same certificate does not act by signed messages.
    world.sam.enrol(Role::PrivilegedUser, officer, certificate, &[]).unwrap();
    world.store.tamper(|tables| {
        for user in tables.holders.values_mut().filter(|user| **user == technician) {
            *user = officer;
        }
    });
    let request = world.signed_request(&create(&world, 50), NOW / 1000);
    unaudited(&world, &request, Refusal::MessageUnregistered);
}

/// Several certificates, so that they can be rolled over.
#[test]
fn a_technical_user_signs_with_any_of_its_certificates() {
    let mut world = World::default();
    let (old, new) = (Idp::new("old machine"), Idp::new("new machine"));
    let certificates = [old.certificate.clone(), new.certificate.clone()];
    world.sam.enrol(Role::PrivilegedUserTechnical, uuid(60), &certificates, &[]).unwrap();
    for (number, machine) in [(50, old), (51, new)] {
        world.machine = machine;
        let Void {} = world.send(&world.signed_request(&create(&world, number), NOW / 1000)).result();
        assert_eq!(world.last_entry().acting, Some(uuid(60).to_string()));
    }
}

#[test]
fn messages_are_signed_with_sha_256_alone() {
    let world = World::default();
    for algorithm in [SignatureAlgorithm::Ecdsa(Digest::Sha384), SignatureAlgorithm::Ed25519] {
        let request = changed(&world.signed_request(&create(&world, 50), NOW / 1000), |message| {
            let request = request_of(message);
            let arc = OidArc::default();
            let CredentialValue::MessageSignature(mut signature) = request.credential.open(&arc).unwrap() else {
                panic!("no message signature")
            };
            signature.signature_algorithm = algorithm.to_identifier().unwrap();
            request.credential = Credential::message_signature(&signature, &arc).unwrap();
        });
        unaudited(&world, &request, Refusal::MessageAlgorithm);
    }
}

/// The guard needs a certificate in use, and a message has none of a provider; Table 16 gives technical users no
/// maintenance anyway.
#[test]
fn a_technical_user_maintains_nobody() {
    let world = World::default();
    let message = SignerMaintenance { userid: world.text(world.technician), certificates: world.certificates() };
    let outcome = world.send(&world.signed_request(&message, NOW / 1000));
    assert_eq!(outcome.error(), Some(ErrorType::NotAuthorized));
}

/// A row that was changed behind the module's back speaks for nobody.
#[test]
fn a_tampered_user_is_not_believed() {
    let world = World::default();
    let signer = world.signer;
    world.store.tamper(|tables| tables.users.get_mut(&signer).unwrap().role = Role::PrivilegedUser);
    let outcome = world.ask(&create(&world, 50), signer);
    assert_eq!(outcome.detail(), Refusal::StoreDamaged.cause());
    assert_eq!(world.last_entry().acting, Some(signer.to_string()));
    // Nor does another user's sound row in its place.
    let officer = world.officer;
    world.store.tamper(|tables| {
        let row = tables.users.get(&officer).unwrap().clone();
        tables.users.insert(signer, row);
    });
    assert_eq!(world.ask(&create(&world, 50), signer).detail(), Refusal::StoreDamaged.cause());
}
