//! What a session refuses to believe, and what it keeps.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::convert::Infallible;

use common::{FakeToken, Lie, bytes, certificates, golden_options, server_key};
use sks_issuer::{
    Accepted, CertifiedKey, DeviceError, Error, KeyOptions, PinPolicyOptions, Protection, Session, SessionOptions,
    SessionRecord, Trust,
};
use sks_wire::method::close_provisioning_session;
use sks_wire::types::{Id, KeyHandle};
use sks_wire::{MethodId, Request, Secret, Status};

type Failed = Error<Infallible>;

fn options() -> KeyOptions {
    KeyOptions::p256(Id::new("Key.1").unwrap())
}

/// Runs a short session to its end.
fn run(token: &mut FakeToken, key: &KeyOptions) -> Result<SessionRecord, Failed> {
    let mut session = Session::create(token, &golden_options())?;
    let key = session.create_key_pair(key, Protection::None)?;
    session.set_certificate_path(key, &certificates())?;
    session.sign_data(b"from middleware")?;
    session.close()
}

#[test]
fn an_honest_token_is_believed() {
    let record = run(&mut FakeToken::honest(), &options()).unwrap();
    assert_eq!((record.counter(), record.left()), (2, 25 - 1 - 1 - 1 - 2));
}

#[test]
fn each_lie_is_found() {
    type Expected = fn(&Failed) -> bool;
    let lies: [(Lie, Expected); 10] = [
        (Lie::OtherDevice, |e| matches!(e, Error::SessionAttestation)),
        (Lie::OtherTime, |e| matches!(e, Error::SessionAttestation)),
        (Lie::NoEphemeral, |e| matches!(e, Error::Crypto(_))),
        (Lie::OtherKey, |e| matches!(e, Error::KeyAttestation)),
        (Lie::Exportable, |e| matches!(e, Error::KeyAttestation)),
        (Lie::Unasked, |e| matches!(e, Error::Backup)),
        (Lie::OtherBackup, |e| matches!(e, Error::Backup)),
        (Lie::Signature, |e| matches!(e, Error::ExternalSignature)),
        (Lie::StaleClose, |e| matches!(e, Error::AttestedResponse)),
        (Lie::Refusing, |e| e.refused().is_some_and(|refused| refused.status == Status::Mac)),
    ];
    for (lie, expected) in lies {
        let key = KeyOptions { private_key_backup: lie == Lie::OtherBackup, ..options() };
        let error = run(&mut FakeToken::lying(lie), &key).unwrap_err();
        assert!(expected(&error), "{lie:?}: {error:?}");
    }
}

/// As [`run`], with all that follows the key pair sent at once.
fn run_finishing(token: &mut FakeToken) -> Result<SessionRecord, Failed> {
    let mut session = Session::create(&mut *token, &golden_options())?;
    let key = session.create_key_pair(&options(), Protection::None)?;
    let mut session = session.finishing();
    let key = session.set_certificate_path(key, &certificates())?;
    session.restore_private_key(&key, &Secret::new(bytes("m5_restorePrivateKey_pkcs8")))?;
    session.close()
}

#[test]
fn the_end_of_a_session_goes_out_at_once_with_the_same_macs() {
    let mut token = FakeToken::honest();
    let record = run_finishing(&mut token).unwrap();
    assert_eq!((record.counter(), record.left()), (3, 25 - 1 - 1 - 2 - 2));
    assert_eq!(token.bursts, [3]);
    let Request::SetCertificatePath(first) = &token.calls[3] else { panic!("{:?}", token.calls[3]) };
    let Request::CloseProvisioningSession(close) = token.last() else { panic!("{:?}", token.last()) };
    let key = record.key();
    let data = close_provisioning_session::mac_data(
        record.client_session_id(),
        record.server_session_id(),
        record.issuer_uri(),
    );
    assert_eq!(close.mac, key.mac(MethodId::CloseProvisioningSession, 2, &data));
    assert_ne!(first.mac, close.mac);
}

#[test]
fn what_the_end_of_a_session_is_told_is_not_believed_blindly() {
    let error = run_finishing(&mut FakeToken::lying(Lie::StaleClose)).unwrap_err();
    assert!(matches!(error, Error::AttestedResponse), "{error:?}");
    let mut token = FakeToken::lying(Lie::RefusingTheEnd);
    let error = run_finishing(&mut token).unwrap_err();
    assert_eq!(error.refused().unwrap().status, Status::Mac);
}

#[test]
fn nothing_of_an_aborted_end_is_sent() {
    let mut token = FakeToken::honest();
    let mut session = Session::create(&mut token, &golden_options()).unwrap();
    let key = session.create_key_pair(&options(), Protection::None).unwrap();
    let mut session = session.finishing();
    session.set_certificate_path(key, &certificates()).unwrap();
    session.abort().unwrap();
    let names: Vec<_> = token.calls.iter().skip(2).map(Request::id).collect();
    assert_eq!(names, [MethodId::CreateKeyPair, MethodId::AbortProvisioningSession]);
}

#[test]
fn a_session_that_is_not_believed_is_aborted() {
    for lie in [Lie::OtherDevice, Lie::NoEphemeral] {
        let mut token = FakeToken::lying(lie);
        run(&mut token, &options()).unwrap_err();
        assert!(matches!(token.last(), Request::AbortProvisioningSession(_)), "{lie:?}");
    }
}

fn accepted(token: &FakeToken) -> Accepted {
    Trust::Any.accept_device(&token.info(), std::time::SystemTime::now()).unwrap()
}

/// Opens a session whose attestation is verified during the creation of a key pair.
fn run_overlapped(token: &mut FakeToken, options: &SessionOptions, key: &KeyOptions) -> Result<SessionRecord, Failed> {
    let (device, ephemeral) = (accepted(token), server_key());
    let (session, key) = Session::open(token, options, &device, &ephemeral, || {})?.create_key_pair(key)?;
    let mut session = session.finishing();
    session.set_certificate_path(key, &certificates())?;
    session.close()
}

fn names(token: &FakeToken) -> Vec<MethodId> {
    token.calls.iter().map(Request::id).collect()
}

#[test]
fn a_session_may_be_verified_while_its_first_call_is_under_way() {
    let mut token = FakeToken::honest();
    let record = run_overlapped(&mut token, &golden_options(), &options()).unwrap();
    assert_eq!((record.counter(), record.left()), (2, 25 - 1 - 1 - 2));

    let mut token = FakeToken::honest();
    let (device, ephemeral) = (accepted(&token), server_key());
    let opened = Session::open(&mut token, &golden_options(), &device, &ephemeral, || {}).unwrap();
    let (mut session, policy) = opened.create_pin_policy(&PinPolicyOptions::new(Id::new("PIN.1").unwrap())).unwrap();
    let pin = Secret::from(b"1563".as_slice());
    session.create_key_pair(&options(), Protection::Pin { policy: &policy, pin: &pin }).unwrap();
    assert_eq!(session.record().left(), 24);
}

#[test]
fn what_is_not_believed_leaves_nothing_behind() {
    type Expected = fn(&Failed) -> bool;
    let lies: [(Lie, Expected); 5] = [
        (Lie::OtherDevice, |e| matches!(e, Error::SessionAttestation)),
        (Lie::OtherTime, |e| matches!(e, Error::SessionAttestation)),
        (Lie::NoEphemeral, |e| matches!(e, Error::Crypto(_))),
        (Lie::OtherKey, |e| matches!(e, Error::KeyAttestation)),
        (Lie::Unasked, |e| matches!(e, Error::Backup)),
    ];
    let expected = [MethodId::CreateProvisioningSession, MethodId::CreateKeyPair, MethodId::AbortProvisioningSession];
    for (lie, right) in lies {
        let mut token = FakeToken::lying(lie);
        let error = run_overlapped(&mut token, &golden_options(), &options()).unwrap_err();
        assert!(right(&error), "{lie:?}: {error:?}");
        assert_eq!(names(&token), expected, "{lie:?}");
    }
}

#[test]
fn no_pin_goes_to_a_token_that_is_not_believed() {
    let mut token = FakeToken::lying(Lie::OtherDevice);
    let (device, ephemeral) = (accepted(&token), server_key());
    let opened = Session::open(&mut token, &golden_options(), &device, &ephemeral, || {}).unwrap();
    let result = opened.create_pin_policy(&PinPolicyOptions::new(Id::new("PIN.1").unwrap()));
    let error = result.err().unwrap();
    assert!(matches!(error, Error::SessionAttestation), "{error:?}");
    assert!(matches!(token.last(), Request::AbortProvisioningSession(_)));
}

#[test]
fn a_first_call_that_is_refused_or_cannot_be_sent_ends_the_session() {
    let mut token = FakeToken::lying(Lie::Refusing);
    let error = run_overlapped(&mut token, &golden_options(), &options()).unwrap_err();
    assert_eq!(error.refused().unwrap().status, Status::Mac);
    // The token has ended it.
    assert_eq!(token.last().id(), MethodId::CreateKeyPair);

    let mut token = FakeToken::honest();
    let none = SessionOptions { key_limit: 0, ..golden_options() };
    let error = run_overlapped(&mut token, &none, &options()).unwrap_err();
    assert!(matches!(error, Error::LimitReached { needed: 1, left: 0 }), "{error:?}");
    assert_eq!(token.last().id(), MethodId::AbortProvisioningSession);

    let mut token = FakeToken::honest();
    let long = KeyOptions { friendly_name: "x".repeat(101), ..options() };
    let error = run_overlapped(&mut token, &golden_options(), &long).unwrap_err();
    assert!(matches!(error, Error::Argument(_)), "{error:?}");
    assert_eq!(token.last().id(), MethodId::AbortProvisioningSession);
}

#[test]
fn a_backup_is_decrypted() {
    let mut token = FakeToken::honest();
    let mut session = Session::create(&mut token, &golden_options()).unwrap();
    let options = KeyOptions { private_key_backup: true, ..options() };
    let key = session.create_key_pair(&options, Protection::None).unwrap();
    assert_eq!(key.backup.unwrap().expose(), bytes("m5_restorePrivateKey_pkcs8"));
    assert_eq!(session.record().left(), 23);
}

#[test]
fn a_key_of_another_type_is_not_accepted() {
    let mut token = FakeToken::honest();
    let mut session = Session::create(&mut token, &golden_options()).unwrap();
    let rsa = KeyOptions::rsa(Id::new("Key.1").unwrap(), 2048);
    assert!(matches!(session.create_key_pair(&rsa, Protection::None), Err(Error::GeneratedKey)));
}

#[test]
fn what_does_not_fit_the_limit_is_not_sent() {
    let mut token = FakeToken::honest();
    let options = SessionOptions { key_limit: 3, ..golden_options() };
    let mut session = Session::create(&mut token, &options).unwrap();
    session.sign_data(b"1").unwrap();
    session.sign_data(b"2").unwrap();
    let refused = session.close();
    assert!(matches!(refused, Err(Error::LimitReached { needed: 2, left: 1 })));
    assert!(matches!(token.last(), Request::SignProvisioningSessionData(_)));
}

#[test]
fn what_is_out_of_range_is_not_sent() {
    let mut token = FakeToken::honest();
    let mut session = Session::create(&mut token, &golden_options()).unwrap();
    let key = KeyOptions { friendly_name: "x".repeat(101), ..options() };
    let Err(Error::Argument(argument)) = session.create_key_pair(&key, Protection::None) else { panic!("it was sent") };
    assert_eq!(argument.field, "friendly_name");
    session.create_key_pair(&options(), Protection::None).unwrap();
}

#[test]
fn an_owners_use_is_counted_once_it_is_sent() {
    let mut owner = run(&mut FakeToken::honest(), &options()).unwrap();
    let left = owner.left();
    let mut token = FakeToken::lying(Lie::Refusing);
    let mut session = Session::create(&mut token, &golden_options()).unwrap();
    let failed = session.post_provisioning_delete(&mut owner, KeyHandle(1), &certificates()[0]);
    assert_eq!(failed.unwrap_err().refused().unwrap().status, Status::Mac);
    assert_eq!(owner.left(), left - 1);
}

#[test]
fn a_suspended_session_goes_on() {
    let mut token = FakeToken::honest();
    let mut session = Session::create(&mut token, &golden_options()).unwrap();
    let key = session.create_key_pair(&options(), Protection::None).unwrap();
    let key: CertifiedKey = session.set_certificate_path(key, &certificates()).unwrap();
    let stored = session.suspend().to_bytes();

    let record = SessionRecord::from_bytes(&stored).unwrap();
    assert!(record.is_open());
    let mut session = Session::resume(&mut token, record).unwrap();
    session.restore_private_key(&key, &Secret::new(bytes("m5_restorePrivateKey_pkcs8"))).unwrap();
    let record = session.close().unwrap();
    assert_eq!((record.counter(), record.left()), (3, 25 - 1 - 1 - 2 - 2));
}

#[test]
fn fresh_names_are_fresh() {
    let options = SessionOptions::new("https://ca.example.com", Trust::Any);
    let mut names = Vec::new();
    for _ in 0..2 {
        let mut token = FakeToken::honest();
        let session = Session::create(&mut token, &options).unwrap();
        names.push((session.record().server_session_id().clone(), session.record().key().clone()));
    }
    assert_ne!(names[0].0, names[1].0);
    assert_ne!(names[0].1, names[1].1);
}

#[test]
fn a_device_is_accepted_by_what_is_trusted() {
    let created = |trust: Trust| {
        let options = SessionOptions::new("https://ca.example.com", trust);
        Session::create(&mut FakeToken::honest(), &options).map(|_| ())
    };
    created(Trust::Any).unwrap();
    created(Trust::Device(bytes("device_certificate"))).unwrap();
    created(Trust::Authority(certificates()[1].clone())).unwrap();
    let other = Trust::Device(certificates()[1].clone());
    assert!(matches!(created(other), Err(Error::Device(DeviceError::Untrusted))));
    let other = sks_issuer::ca::Ca::create(&sks_issuer::ca::Subject::common_name("SKS test CA").unwrap(), 1).unwrap();
    let other = Trust::Authority(other.certificate().to_vec());
    assert!(matches!(created(other), Err(Error::Device(_))));
}

#[test]
fn a_device_that_is_not_accepted_gets_no_session() {
    let mut token = FakeToken::honest();
    let options = SessionOptions::new("https://ca.example.com", Trust::Device(vec![]));
    assert!(matches!(Session::create(&mut token, &options), Err(Error::Device(DeviceError::Untrusted))));
    assert_eq!(token.calls.len(), 1);
}

#[test]
fn a_closure_is_a_transport() {
    let mut token = FakeToken::honest();
    let mut calls = 0;
    let closure = |call: &[u8]| {
        calls += 1;
        sks_issuer::Transport::call_raw(&mut &mut token, call)
    };
    Session::create(closure, &golden_options()).unwrap().abort().unwrap();
    assert_eq!(calls, 3);
}
