//! Tables 16 to 21 and List_Signers: roles, ownership, input, and what is recorded.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use tw4s_formats::operation::{
    Certificates, CreateNewPrivilegedUser, CreateNewSigner, DeleteSignerKeyPair, GenerateSignerKeyPair,
    GenerateSignerKeyPairResult, KeyParameters, KeySpecification, ListSigners, ListSignersResult, PageSize,
    SignerMaintenance, Signing, Void,
};
use tw4s_formats::{CertificationRequest, ErrorType, Format, List, ObjectIdentifier, Octets, Role, WrappedKey};
use tw4s_sam::audit;
use tw4s_sam::record::{ObjectKind, State, UserId};
use tw4s_sam::testing::{Idp, Outcome, TokenSpec, World, uuid};
use tw4s_sam::{Config, Refusal};

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

#[track_caller]
fn refused(outcome: &Outcome, refusal: Refusal) {
    assert_eq!(outcome.error(), Some(refusal.error_type()), "{outcome:?}");
    assert_eq!(outcome.detail(), refusal.answer());
}

#[track_caller]
fn succeeded(outcome: &Outcome) {
    let Void {} = outcome.result();
}

fn create(world: &World, user: UserId) -> CreateNewSigner {
    CreateNewSigner { userid: world.text(user), certificates: world.certificates() }
}

fn maintain(world: &World, user: UserId, certificates: Certificates) -> SignerMaintenance {
    SignerMaintenance { userid: world.text(user), certificates }
}

fn generate(user: UserId) -> GenerateSignerKeyPair {
    GenerateSignerKeyPair::new(&user.to_string(), KeySpecification::Ec { curve: P256 }).unwrap()
}

fn bad_certificates() -> [(Certificates, Refusal); 3] {
    let list = |all: &[&[u8]]| List::new(all.iter().map(|der| Octets::new(*der).unwrap()).collect()).unwrap();
    let good = Idp::new("idp").certificate;
    let mut long = good.clone();
    long.push(0);
    [
        (list(&[]), Refusal::NoCertificate),
        (list(&[&good, &long]), Refusal::BadCertificate),
        (list(&[&good, &good]), Refusal::TwiceCertificate),
    ]
}

/// Table 16, each role with each operation; List_Signers as 1.10 rules.
#[test]
fn roles_allow_what_table_16_says() {
    let allowed = [
        (1, "Create_New_Privileged_User"),
        (1, "Create_New_Signer"),
        (1, "Signer_Maintenance"),
        (1, "Generate_Signer_Key_Pair"),
        (1, "Delete_Signer_Key_Pair"),
        (1, "List_Signers"),
        (2, "Create_New_Signer"),
        (3, "Signer_Maintenance"),
        (3, "Generate_Signer_Key_Pair"),
        (3, "Delete_Signer_Key_Pair"),
        (3, "Signing"),
    ];
    let world = World::default();
    // The technical user may also come with a token.
    let (machine, idp) = (&world.machine.certificate, &world.idp.certificate);
    let both = [machine.clone(), idp.clone()];
    world.sam.enrol(Role::PrivilegedUserTechnical, uuid(5), &both, &[]).unwrap_err();
    world.sam.enrol(Role::PrivilegedUserTechnical, uuid(5), &both[1..], &[]).unwrap();
    for (number, user) in [(1, world.officer), (2, uuid(5)), (3, world.signer)] {
        let privileged =
            CreateNewPrivilegedUser { userid: world.text(uuid(60 + number)), certificates: world.certificates() };
        let list = ListSigners { limit: PageSize::new(1).unwrap(), after: None };
        let key = world.new_key(world.signer);
        let outcomes = [
            ("Create_New_Privileged_User", world.ask(&privileged, user)),
            ("Create_New_Signer", world.ask(&create(&world, uuid(70 + number)), user)),
            ("Signer_Maintenance", world.ask(&maintain(&world, world.signer, world.certificates()), user)),
            ("Generate_Signer_Key_Pair", world.ask(&generate(world.signer), user)),
            ("Delete_Signer_Key_Pair", world.ask(&DeleteSignerKeyPair { keyid: world.text(key) }, user)),
            ("Signing", world.ask(&Signing::new(&world.sad(&[vec![number; 32]])).unwrap(), user)),
            ("List_Signers", world.ask(&list, user)),
        ];
        for (name, outcome) in outcomes {
            if allowed.contains(&(number, name)) {
                assert!(matches!(outcome, Outcome::Result(_)), "{number} {name}: {outcome:?}");
            } else {
                refused(&outcome, Refusal::Role);
            }
        }
    }
}

/// 1.2: the SAM takes the role from its own database, never from the token. The fixtures' tokens all claim the role of a
/// privileged user.
#[test]
fn the_token_s_role_is_not_believed() {
    let world = World::default();
    refused(&world.ask(&create(&world, uuid(50)), world.signer), Refusal::Role);
}

/// Tables 17 and 18: "A user entry has the following structure: {UserID, Role, Certificates}".
#[test]
fn created_users_have_their_role_and_certificates() {
    let world = World::default();
    let certificates = world.certificates_of(&[&world.idp, &world.other_idp]);
    let message = CreateNewPrivilegedUser { userid: world.text(uuid(50)), certificates };
    succeeded(&world.ask(&message, world.officer));
    succeeded(&world.ask(&create(&world, uuid(51)), uuid(50)));
    let users = world.store.tables().users;
    assert_eq!(users.get(&uuid(50)).unwrap().role, Role::PrivilegedUser);
    assert_eq!(
        users.get(&uuid(50)).unwrap().certificates,
        [world.idp.certificate.clone(), world.other_idp.certificate.clone()]
    );
    assert_eq!(users.get(&uuid(51)).unwrap().role, Role::Signer);
    assert_eq!(users.get(&uuid(51)).unwrap().version, 1);
}

#[test]
fn creation_is_recorded_with_the_new_user() {
    let world = World::default();
    succeeded(&world.ask(&create(&world, uuid(50)), world.officer));
    let entry = world.last_entry();
    assert_eq!(entry.action, "Create_New_Signer");
    assert_eq!(entry.outcome, audit::Outcome::Success);
    assert_eq!(entry.acting, Some(world.officer.to_string()));
    assert_eq!(entry.user, Some(uuid(50).to_string()));
    assert_eq!(entry.time, "2026-11-20T17:01:31.000Z");
}

#[test]
fn a_taken_userid_is_invalid_input() {
    let world = World::default();
    let before = world.store.tables().users;
    refused(&world.ask(&create(&world, world.officer), world.officer), Refusal::UserTaken);
    let privileged = CreateNewPrivilegedUser { userid: world.text(world.signer), certificates: world.certificates() };
    refused(&world.ask(&privileged, world.officer), Refusal::UserTaken);
    assert_eq!(world.store.tables().users, before);
}

#[test]
fn a_userid_is_a_uuid_in_lower_case() {
    let world = World::default();
    let id = uuid(0xab).to_string();
    for text in [id.to_uppercase(), format!("{{{id}}}"), "anna".into()] {
        let message = CreateNewSigner { userid: world.text(text), certificates: world.certificates() };
        refused(&world.ask(&message, world.officer), Refusal::UserIdForm);
    }
}

/// Tables 17 to 19, InvalidInput: "When the set of certificates is empty".
#[test]
fn sets_of_certificates_must_be_sound() {
    let world = World::default();
    for (certificates, refusal) in bad_certificates() {
        let user = CreateNewPrivilegedUser { userid: world.text(uuid(50)), certificates: certificates.clone() };
        refused(&world.ask(&user, world.officer), refusal);
        let user = CreateNewSigner { userid: world.text(uuid(50)), certificates: certificates.clone() };
        refused(&world.ask(&user, world.officer), refusal);
        refused(&world.ask(&maintain(&world, world.signer, certificates), world.officer), refusal);
    }
}

/// Table 19, NotAuthorized: "When a regular user specifies the UserID of another user".
#[test]
fn a_signer_maintains_itself_alone() {
    let world = World::default();
    succeeded(&world.ask(&maintain(&world, world.signer, world.certificates()), world.signer));
    for other in [world.other_signer, world.officer, uuid(99)] {
        refused(&world.ask(&maintain(&world, other, world.certificates()), world.signer), Refusal::OtherUser);
    }
    let garbage = SignerMaintenance { userid: world.text("anna"), certificates: world.certificates() };
    refused(&world.ask(&garbage, world.signer), Refusal::OtherUser);
}

#[test]
fn a_privileged_user_maintains_signers_and_itself() {
    let world = World::default();
    let privileged = CreateNewPrivilegedUser { userid: world.text(uuid(50)), certificates: world.certificates() };
    succeeded(&world.ask(&privileged, world.officer));
    succeeded(&world.ask(&maintain(&world, world.signer, world.certificates()), world.officer));
    succeeded(&world.ask(&maintain(&world, world.officer, world.certificates()), world.officer));
    for other in [uuid(50), world.technician] {
        refused(&world.ask(&maintain(&world, other, world.certificates()), world.officer), Refusal::NotASigner);
    }
    refused(&world.ask(&maintain(&world, uuid(99), world.certificates()), world.officer), Refusal::NoSuchUser);
}

/// Table 19, InvalidInput: "If the certificate set does not contain the currently used certificate in case of self
/// modification".
#[test]
fn nobody_locks_itself_out() {
    let world = World::default();
    let without = world.certificates_of(&[&world.other_idp]);
    let with = world.certificates_of(&[&world.other_idp, &world.idp]);
    for user in [world.signer, world.officer] {
        refused(&world.ask(&maintain(&world, user, without.clone()), user), Refusal::LockOut);
        succeeded(&world.ask(&maintain(&world, user, with.clone()), user));
    }
    // For others the guard does not hold.
    succeeded(&world.ask(&maintain(&world, world.other_signer, without), world.officer));
}

#[test]
fn maintenance_changes_who_may_speak_for_a_user() {
    let world = World::default();
    let other = world.certificates_of(&[&world.other_idp]);
    succeeded(&world.ask(&maintain(&world, world.signer, other), world.officer));
    let outcome = world.ask(&generate(world.signer), world.signer);
    refused(&outcome, Refusal::CredentialUnregistered);
    assert_eq!(world.store.tables().users.get(&world.signer).unwrap().version, 2);
    assert_eq!(world.last_entry().user, Some(world.signer.to_string()));
}

/// Table 20: the wrapped key and the certificate request are stored, the signed public key is the answer.
#[test]
fn a_generated_key_is_stored_with_its_request() {
    let world = World::default();
    let result = world.ask(&generate(world.signer), world.signer).result::<GenerateSignerKeyPairResult>();
    let key = result.keyid.as_str().parse().unwrap();
    let tables = world.store.tables();
    let object = |kind| tables.objects.get(&(key, kind)).unwrap();
    let wrapped = WrappedKey::parse(&object(ObjectKind::Key).value).unwrap();
    assert_eq!(wrapped.tbs.key_id, result.keyid);
    assert_eq!(wrapped.tbs.metadata.user_id, world.text(world.signer));
    let request = CertificationRequest::parse(&object(ObjectKind::Request).value).unwrap();
    assert_eq!(request.tbs.public_key, wrapped.tbs.metadata.spki);
    assert_eq!(object(ObjectKind::PublicKey).value, result.publickey.as_bytes());
    assert_eq!(result.public_key().unwrap().tbs.spki, wrapped.tbs.metadata.spki);
    for kind in [ObjectKind::Key, ObjectKind::Request, ObjectKind::PublicKey] {
        assert_eq!((object(kind).owner, object(kind).state), (world.signer, State::Active));
    }
    let entry = world.last_entry();
    assert_eq!((entry.action.as_str(), entry.outcome), ("Generate_Signer_Key_Pair", audit::Outcome::Success));
    assert_eq!(entry.user, Some(world.signer.to_string()));
    assert_eq!(entry.key.as_deref(), Some(result.keyid.as_str()));
}

/// Table 20, NotAuthorized: "When a regular user specifies the UserID of another user".
#[test]
fn a_signer_generates_for_itself_alone() {
    let world = World::default();
    for other in [world.other_signer, world.officer, uuid(99)] {
        refused(&world.ask(&generate(other), world.signer), Refusal::OtherUser);
    }
}

#[test]
fn only_signers_have_keys() {
    let world = World::default();
    for other in [world.officer, world.technician] {
        refused(&world.ask(&generate(other), world.officer), Refusal::TargetRole);
    }
    refused(&world.ask(&generate(uuid(99)), world.officer), Refusal::NoSuchUser);
}

#[test]
fn keys_of_other_kinds_are_invalid_input() {
    let config = Config { curves: vec![tw4s_sam::record::KeyAlgorithm::P256], ..Config::default() };
    let world = World::new(config);
    let p384 = ObjectIdentifier::new_unwrap("1.3.132.0.34");
    let k256 = ObjectIdentifier::new_unwrap("1.3.132.0.10");
    for (algorithm, parameters, refusal) in [
        ("EC", KeyParameters::Curve(p384), Refusal::Curve),
        ("EC", KeyParameters::Curve(k256), Refusal::Curve),
        ("EC", KeyParameters::Bits(2048), Refusal::KeySpecification),
        ("RSA", KeyParameters::Curve(P256), Refusal::KeySpecification),
        ("DSA", KeyParameters::Bits(2048), Refusal::KeySpecification),
        ("RSA", KeyParameters::Bits(1024), Refusal::RsaBits),
        ("RSA", KeyParameters::Bits(2047), Refusal::RsaBits),
        ("RSA", KeyParameters::Bits(2056), Refusal::RsaBits),
        ("RSA", KeyParameters::Bits(4352), Refusal::RsaBits),
        ("RSA", KeyParameters::Bits(u32::MAX), Refusal::RsaBits),
        // In the policy, but not in the fixtures' crypto module.
        ("RSA", KeyParameters::Bits(2048), Refusal::KeyUnsupported),
    ] {
        let message = GenerateSignerKeyPair { algorithm: world.text(algorithm), parameters, ..generate(world.signer) };
        refused(&world.ask(&message, world.signer), refusal);
    }
}

#[test]
fn a_failed_generation_leaves_no_key() {
    let world = World::default();
    let before = world.store.tables().objects;
    world.firmware.set_failing(true);
    refused(&world.ask(&generate(world.signer), world.signer), Refusal::Engine);
    assert_eq!(world.store.tables().objects, before);
    assert_eq!(world.last_entry().outcome, audit::Outcome::Failed);
}

/// Table 21; 1.12, 5.4.8: "tombstone, not reuse".
#[test]
fn a_deleted_key_leaves_a_tombstone() {
    let world = World::default();
    let message = DeleteSignerKeyPair { keyid: world.text(world.key) };
    succeeded(&world.ask(&message, world.signer));
    let entry = world.last_entry();
    assert_eq!((entry.user, entry.key), (Some(world.signer.to_string()), Some(world.key.to_string())));
    let objects = world.store.tables().objects;
    let left = objects.values().filter(|object| object.key == world.key).collect::<Vec<_>>();
    let [tombstone] = left[..] else { panic!("{left:?}") };
    assert_eq!((tombstone.kind, tombstone.state), (ObjectKind::Key, State::Destroyed));
    assert!(tombstone.value.is_empty());
    refused(&world.ask(&message, world.signer), Refusal::KeyDestroyed);
    refused(&world.sign(&world.sad(&[vec![5; 32]])), Refusal::KeyDestroyed);
}

/// Table 21, NotAuthorized: "If the acting user does not have access to the specified KeyID"; NotFound.
#[test]
fn a_signer_deletes_its_own_keys_alone() {
    let world = World::default();
    let message = DeleteSignerKeyPair { keyid: world.text(world.key) };
    refused(&world.ask(&message, world.other_signer), Refusal::OtherUsersKey);
    for text in [uuid(99).to_string(), world.key.to_string().to_uppercase(), "key".into()] {
        if text != world.key.to_string() {
            refused(&world.ask(&DeleteSignerKeyPair { keyid: world.text(text) }, world.signer), Refusal::NoKey);
        }
    }
    succeeded(&world.ask(&message, world.officer));
}

/// 1.12, 3.2.6: paging, no certificates.
#[test]
fn signers_are_listed_page_by_page() {
    let world = World::new(Config { page: 7, ..Config::default() });
    for number in 100..110 {
        succeeded(&world.ask(&create(&world, uuid(number)), world.officer));
    }
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let message = ListSigners { limit: PageSize::new(1000).unwrap(), after };
        let page = world.ask(&message, world.officer).result::<ListSignersResult>();
        assert!(page.userids.len() <= 7);
        after = page.userids.last().cloned();
        all.extend(page.userids.iter().cloned());
        if !page.more {
            break;
        }
    }
    let expected = [3, 4].into_iter().chain(100..110).map(|number| world.text(uuid(number))).collect::<Vec<_>>();
    assert_eq!(all, expected);
    assert_eq!(world.last_entry().action, "List_Signers");
    let wrong = ListSigners { limit: PageSize::new(1).unwrap(), after: Some(world.text("anna")) };
    refused(&world.ask(&wrong, world.officer), Refusal::PageStart);
}

#[test]
fn administrators_enrol_whom_no_operation_makes() {
    let world = World::default();
    let (idp, machine) = (world.idp.certificate.clone(), world.machine.certificate.clone());
    let administrators = ["anna".to_owned(), "bert".to_owned()];
    let enrol = |role, user, certificates: &[Vec<u8>]| {
        world.sam.enrol(role, user, certificates, &administrators).map_err(|error| error.refusal)
    };
    assert_eq!(enrol(Role::PrivilegedUser, uuid(50), std::slice::from_ref(&idp)), Ok(()));
    let entry = world.last_entry();
    assert_eq!((entry.action.as_str(), entry.administrators), ("Enrol_User", administrators.to_vec()));
    assert_eq!(enrol(Role::PrivilegedUser, uuid(50), std::slice::from_ref(&idp)), Err(Refusal::UserTaken));
    assert_eq!(enrol(Role::PrivilegedUser, uuid(51), &[]), Err(Refusal::NoCertificate));
    assert_eq!(enrol(Role::PrivilegedUserTechnical, uuid(52), &[machine]), Err(Refusal::TakenCertificate));
    assert_eq!(enrol(Role::PrivilegedUserTechnical, uuid(52), &[idp]), Ok(()));
}

/// What comes from a file is bounded as what comes over the socket.
#[test]
fn enrolment_takes_so_many_certificates_of_such_a_size() {
    let world = World::default();
    let idps = (0..17).map(|number| Idp::new(&format!("idp {number}")).certificate).collect::<Vec<_>>();
    let enrol = |user, certificates: &[Vec<u8>]| {
        world.sam.enrol(Role::PrivilegedUser, uuid(user), certificates, &[]).map_err(|error| error.refusal)
    };
    assert_eq!(enrol(50, &idps), Err(Refusal::BadCertificate));
    assert_eq!(enrol(50, idps.get(..16).unwrap()), Ok(()));
    // The name stands in a certificate twice.
    let long = |len| Idp::new(&"x".repeat(len)).certificate;
    let (fits, too_long) = (long(3900), long(4200));
    assert!(fits.len() <= 8192 && too_long.len() > 8192, "{} {}", fits.len(), too_long.len());
    assert_eq!(enrol(51, &[fits]), Ok(()));
    assert_eq!(enrol(52, &[too_long]), Err(Refusal::BadCertificate));
}

type Ask<'w> = Box<dyn Fn() -> Outcome + 'w>;

/// What was true when the credential was checked must be true when the change is made.
#[test]
fn a_user_who_is_changed_meanwhile_does_nothing() {
    let world = Arc::new(World::default());
    let (officer, key) = (world.officer, world.text(world.key));
    let asks: [(&str, Ask<'_>); 4] = [
        ("create", Box::new(|| world.ask(&create(&world, uuid(50)), officer))),
        ("maintain", Box::new(|| world.ask(&maintain(&world, world.signer, world.certificates()), officer))),
        ("generate", Box::new(|| world.ask(&generate(world.signer), officer))),
        ("delete", Box::new(|| world.ask(&DeleteSignerKeyPair { keyid: key.clone() }, officer))),
    ];
    for (name, ask) in asks {
        let before = world.store.tables();
        let at = world.clone();
        world.store.before_next_transaction(move || {
            succeeded(&at.ask(&maintain(&at, officer, at.certificates()), officer));
        });
        refused(&ask(), Refusal::ActingChanged);
        let after = world.store.tables();
        assert_eq!((before.objects, before.users.len()), (after.objects, after.users.len()), "{name}");
        assert_eq!(before.users.get(&world.signer), after.users.get(&world.signer), "{name}");
    }
}

#[test]
fn a_target_that_is_changed_meanwhile_is_left_alone() {
    let world = Arc::new(World::default());
    let (officer, signer) = (world.officer, world.signer);
    let asks: [Ask<'_>; 2] = [
        Box::new(|| world.ask(&maintain(&world, signer, world.certificates_of(&[&world.other_idp])), officer)),
        Box::new(|| world.ask(&generate(signer), officer)),
    ];
    for ask in asks {
        let at = world.clone();
        world.store.before_next_transaction(move || {
            succeeded(&at.ask(&maintain(&at, signer, at.certificates()), signer));
        });
        let before = world.store.tables().objects;
        refused(&ask(), Refusal::TargetChanged);
        let certificates = world.store.tables().users.get(&signer).unwrap().certificates.clone();
        assert_eq!(certificates, std::slice::from_ref(&world.idp.certificate));
        assert_eq!(world.store.tables().objects, before);
    }
}

#[test]
fn a_source_that_repeats_itself_makes_no_second_key() {
    let world = World::default();
    let before = world.store.tables().objects;
    world.rng.rewind();
    refused(&world.ask(&generate(world.other_signer), world.officer), Refusal::Random);
    assert_eq!(world.store.tables().objects, before);
}

#[test]
fn a_tampered_user_is_not_listed() {
    let world = World::default();
    world.store.tamper(|tables| tables.users.get_mut(&uuid(1)).unwrap().version = 9);
    let privileged = CreateNewPrivilegedUser { userid: world.text(uuid(50)), certificates: world.certificates() };
    refused(&world.ask(&privileged, uuid(1)), Refusal::StoreDamaged);
    let world = World::default();
    world.store.tamper(|tables| tables.users.get_mut(&uuid(2)).unwrap().role = Role::Signer);
    let list = ListSigners { limit: PageSize::new(10).unwrap(), after: None };
    refused(&world.ask(&list, world.officer), Refusal::StoreDamaged);
}

/// Tables 17 to 22: "the acting UserID, the timestamp of the action, the name of the action, that the action failed, a
/// brief description of the cause of the failure".
#[test]
fn each_operation_s_failure_is_recorded() {
    let world = World::default();
    let none = List::new(Vec::new()).unwrap();
    let asked = [
        (world.ask(&generate(uuid(99)), world.officer), "Generate_Signer_Key_Pair"),
        (world.ask(&maintain(&world, world.signer, none), world.officer), "Signer_Maintenance"),
        (world.ask(&create(&world, world.signer), world.officer), "Create_New_Signer"),
        (world.ask(&DeleteSignerKeyPair { keyid: world.text(uuid(99)) }, world.officer), "Delete_Signer_Key_Pair"),
    ];
    let log = world.log();
    let mut seen = BTreeSet::new();
    for (outcome, action) in asked {
        let Outcome::Error(error, detail, Some(number)) = outcome else { panic!("{outcome:?}") };
        let entry = log.iter().find(|entry| entry.number == number).unwrap();
        assert_eq!((entry.action.as_str(), entry.outcome), (action, audit::Outcome::Failed));
        assert_eq!(entry.acting, Some(world.officer.to_string()));
        assert_eq!((entry.error.as_deref(), entry.cause.as_deref()), (Some(error.name()), Some(detail.as_str())));
        assert!(!entry.time.is_empty());
        seen.insert(number);
    }
    assert_eq!(seen.len(), 4);
}

/// "A component (e.g. database, HSM) is not available or not in an operational state."
#[test]
fn a_component_that_is_down_is_not_operational() {
    let world = World::default();
    world.firmware.set_down(true);
    let outcome = world.ask(&generate(world.signer), world.signer);
    refused(&outcome, Refusal::Firmware);
    // It failed before the user was known: recorded, without one.
    let entry = world.last_entry();
    assert_eq!((entry.action.as_str(), entry.acting), ("Generate_Signer_Key_Pair", None));
    world.firmware.set_down(false);

    world.store.set_full(true);
    let before = world.log().len();
    refused(&world.ask(&create(&world, uuid(50)), world.officer), Refusal::Store);
    world.store.set_full(false);
    assert_eq!(world.log().len(), before);
    world.store.set_down(true);
    refused(&world.ask(&create(&world, uuid(50)), world.officer), Refusal::Store);
    assert_eq!(
        world.ask_with(&create(&world, uuid(50)), &TokenSpec { forged: true, ..TokenSpec::of(world.officer) }).error(),
        Some(ErrorType::AuthenticationError),
        "the credential comes before the user's look-up"
    );
}

/// A refusal is not told before it is recorded.
#[test]
fn a_refusal_without_its_record_is_not_told() {
    let world = World::default();
    world.store.set_full(true);
    let message = CreateNewSigner { userid: world.text("anna"), certificates: world.certificates() };
    let handled = world.handle(&world.request(
        "Create_New_Signer",
        &message.to_bytes().unwrap(),
        world.credential(&TokenSpec::of(world.officer)),
    ));
    refused(&Outcome::of(&handled), Refusal::Store);
    assert!(handled.log.iter().any(|line| line.contains("no audit record could be written")), "{:?}", handled.log);
}
