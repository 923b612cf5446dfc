//! kill -9 at any moment: everything acknowledged is there, nothing is half there, an open session goes on where it
//! was, and a wrong PIN that was tried is counted.
//!
//! `SKS_CRASH_ROUNDS=100 cargo test -p sks-cli --test serve crash` for a long run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use sks_client::Client;
use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::{
    CertifiedKey, Extension, KeyOptions, PinPolicyOptions, Protection, Session, SessionOptions, SessionRecord, Trust,
};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{
    abort_provisioning_session, delete_key, get_key_protection_info, get_provisioning_session, sign_hashed_data,
    verify_pin,
};
use sks_wire::types::{BaseType, Id, KeyHandle, KeyUsage};

use crate::daemon::{Home, secret};

const PIN: &str = "1563";
/// Enough that the guesses of all rounds do not lock the key.
const MANY_TRIES: u8 = 255;
/// Clients that enroll keys at once.
const ISSUERS: usize = 2;

/// What the clients know for sure, and what they had asked for when the daemon died.
#[derive(Default)]
struct Known {
    /// Keys whose sessions were closed, for certain.
    provisioned: Vec<KeyHandle>,
    /// Keys that are gone, for certain.
    deleted: Vec<KeyHandle>,
    /// Deletions without an answer.
    deleting: Vec<KeyHandle>,
    /// Closes without an answer: each may have left a key that nobody was told of.
    unanswered_closes: usize,
    /// Wrong PINs that were answered, and that were sent.
    wrong_answered: u8,
    wrong_sent: u8,
    /// Extensions that were answered.
    extended: u16,
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn certificate(ca: &Ca, public_key: &[u8]) -> Vec<Vec<u8>> {
    ca.issue_path(public_key, &Leaf::new(Subject::common_name("Crash").unwrap(), KeyUsage::Universal)).unwrap()
}

/// Provisions a key, or says at which call the token was gone: `true` for the close.
fn enroll(socket: &Path, ca: &Ca, retry_limit: u8, volatile: bool) -> Result<KeyHandle, bool> {
    let mut client = Client::connect(socket).map_err(|_| false)?;
    let options = SessionOptions { volatile, ..SessionOptions::new("https://issuer.example.com", Trust::Any) };
    let mut session = Session::create(|call: &[u8]| client.call_raw(call), &options).map_err(|_| false)?;
    let policy = PinPolicyOptions { retry_limit, ..PinPolicyOptions::new(id("PIN")) };
    let policy = session.create_pin_policy(&policy, None).map_err(|_| false)?;
    let protection = Protection::Pin { policy: &policy, pin: &secret(PIN) };
    let key = session.create_key_pair(&KeyOptions::p256(id("Key")), protection).map_err(|_| false)?;
    let path = certificate(ca, &key.public_key);
    let key = session.set_certificate_path(key, &path).map_err(|_| false)?;
    session.close().map_err(|_| true)?;
    Ok(key.handle)
}

/// Enrolls keys until the token is gone, every other in a volatile session, and deletes every third again.
fn issue(socket: &Path, ca: &Ca, known: &Mutex<Known>) {
    for round in 0u32.. {
        let key = match enroll(socket, ca, 3, round % 2 == 1) {
            Ok(key) => key,
            Err(closing) => {
                known.lock().unwrap().unanswered_closes += usize::from(closing);
                return;
            }
        };
        known.lock().unwrap().provisioned.push(key);
        if round % 3 == 0 {
            let Ok(mut client) = Client::connect(socket) else { return };
            known.lock().unwrap().deleting.push(key);
            let request = delete_key::Request { key_handle: key, optional_authorization: secret("") };
            if client.delete_key(&request).is_err() {
                return;
            }
            let mut known = known.lock().unwrap();
            known.deleting.retain(|other| *other != key);
            known.provisioned.retain(|other| *other != key);
            known.deleted.push(key);
        }
    }
}

/// Tries wrong PINs until the token is gone.
fn guess(socket: &Path, victim: KeyHandle, known: &Mutex<Known>) {
    let Ok(mut client) = Client::connect(socket) else { return };
    // Slowly enough for the rounds to come.
    for _ in 0..8 {
        {
            let mut known = known.lock().unwrap();
            if known.wrong_sent > MANY_TRIES - 10 {
                return;
            }
            known.wrong_sent += 1;
        }
        match client.verify_pin(&verify_pin::Request { key_handle: victim, pin: secret("9999") }) {
            Err(sks_client::Error::Refused(refused)) => assert_eq!(refused.status, Status::Authorization),
            Err(_) => return,
            Ok(_) => panic!("a wrong PIN was right"),
        }
        known.lock().unwrap().wrong_answered += 1;
        thread::sleep(Duration::from_millis(3));
    }
}

/// Goes on with the open session until the token is gone.
fn extend(socket: &Path, record: SessionRecord, key: &CertifiedKey, known: &Mutex<Known>) -> SessionRecord {
    let kept = record.to_bytes();
    let as_it_was = || SessionRecord::from_bytes(&kept).unwrap();
    let Ok(mut client) = Client::connect(socket) else { return record };
    let mut session = match Session::resume(|call: &[u8]| client.call_raw(call), record) {
        Ok(session) => session,
        Err(error) => {
            assert!(error.refused().is_none(), "the open session is gone: {error}");
            return as_it_was();
        }
    };
    loop {
        let number = known.lock().unwrap().extended;
        let extension = Extension {
            extension_type: format!("urn:crash:{number}"),
            base_type: BaseType::EncryptedExtension,
            qualifier: String::new(),
            data: secret("content"),
        };
        if let Err(error) = session.add_extension(key, &extension) {
            assert!(error.refused().is_none(), "an open session does not go on: {error}");
            return session.suspend();
        }
        known.lock().unwrap().extended += 1;
    }
}

/// Looks at everything after a restart, and brings what was unanswered to one state.
fn verify(socket: &Path, ours: &SessionRecord, victim: KeyHandle, open_key: KeyHandle, known: &mut Known) {
    let mut client = Client::connect(socket).unwrap();
    let handle = get_provisioning_session::Request {
        server_session_id: ours.server_session_id().clone(),
        client_session_id: ours.client_session_id().clone(),
        issuer_uri: ours.issuer_uri().as_bytes().to_vec(),
    };
    let ours = client.get_provisioning_session(&handle).unwrap().provisioning_handle;
    let sessions: Vec<_> = client.sessions().map(Result::unwrap).collect();
    for session in sessions.iter().filter(|listed| listed.session.is_open && listed.handle != ours) {
        let request = abort_provisioning_session::Request { provisioning_handle: session.handle };
        client.abort_provisioning_session(&request).unwrap();
    }
    let keys: BTreeMap<_, _> = client.keys().map(Result::unwrap).map(|listed| (listed.handle, listed.key)).collect();
    for deleting in std::mem::take(&mut known.deleting) {
        // Whole or gone; if it is there it will stay.
        if !keys.contains_key(&deleting) {
            known.provisioned.retain(|key| *key != deleting);
        }
    }
    for key in &known.provisioned {
        assert!(keys.contains_key(key), "an acknowledged key is gone: {key}");
    }
    for key in &known.deleted {
        assert!(!keys.contains_key(key), "a deleted key is back: {key}");
    }
    let told: Vec<_> = known.provisioned.iter().chain([&victim, &open_key]).copied().collect();
    let untold: Vec<_> = keys.keys().filter(|key| !told.contains(key)).copied().collect();
    assert!(untold.len() <= known.unanswered_closes, "keys of sessions that were never closed: {untold:?}");
    known.provisioned.extend(untold);
    known.unanswered_closes = 0;
    for key_handle in &known.provisioned {
        let request = sign_hashed_data::Request {
            key_handle: *key_handle,
            signature_algorithm: Algorithm::EcdsaSha256.uri().into(),
            pin: secret(PIN),
            hashed_data: vec![7; 32],
        };
        client.sign_hashed_data(&request).unwrap();
    }
    let info = client.get_key_protection_info(&get_key_protection_info::Request { key_handle: victim }).unwrap();
    assert!((known.wrong_answered..=known.wrong_sent).contains(&info.pin_error_count), "{}", info.pin_error_count);
    known.wrong_answered = info.pin_error_count;
    known.wrong_sent = info.pin_error_count;

    let extended = u16::try_from(keys[&open_key].extension_type.0.len()).unwrap();
    assert!((known.extended..=known.extended + 1).contains(&extended), "{extended} of {}", known.extended);
    known.extended = extended;
}

/// Waits for an extension, and for a key that no issuer deletes: each deletes its first one, and not its second. On a busy
/// machine that takes its time. Without them the kill comes all the same, and the end of the test says what was missing.
fn wait_for_something_to_lose(known: &Mutex<Known>) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(120) {
        let known = known.lock().unwrap();
        if known.extended > 0 && known.provisioned.len() + known.deleted.len() > ISSUERS {
            return;
        }
        drop(known);
        thread::sleep(Duration::from_millis(5));
    }
}

fn survives_kills(engine: &str) {
    let rounds = std::env::var("SKS_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5u64);
    let home = Home::new();
    let ca = Ca::create(&Subject::common_name("Test CA").unwrap(), 1).unwrap();
    let mut daemon = home.start(&["--engine", engine]);
    let victim = enroll(&home.socket(), &ca, MANY_TRIES, false).unwrap();

    let mut client = daemon.client();
    let mut options = SessionOptions::new("https://issuer.example.com", Trust::Any);
    options.key_limit = u16::MAX;
    let mut session = Session::create(|call: &[u8]| client.call_raw(call), &options).unwrap();
    let key = session.create_key_pair(&KeyOptions::p256(id("Key")), Protection::None).unwrap();
    let path = certificate(&ca, &key.public_key);
    let key = session.set_certificate_path(key, &path).unwrap();
    // The MACs before the extensions.
    let before = session.record().counter();
    let mut record = session.suspend();

    let known = Mutex::new(Known::default());
    for round in 0..rounds {
        record = thread::scope(|scope| {
            let socket = home.socket();
            let (ca, known, key) = (&ca, &known, &key);
            let issuers: Vec<_> = (0..ISSUERS)
                .map(|_| {
                    scope.spawn({
                        let s = socket.clone();
                        move || issue(&s, ca, known)
                    })
                })
                .collect();
            let guesser = scope.spawn({
                let s = socket.clone();
                move || guess(&s, victim, known)
            });
            let extender = scope.spawn({
                let s = socket.clone();
                move || extend(&s, record, key, known)
            });
            if round == 0 {
                wait_for_something_to_lose(known);
            }
            // Somewhere in the first third of a second, in another place each round.
            thread::sleep(Duration::from_millis(60 + round.wrapping_mul(97) % 300));
            daemon.kill();
            issuers.into_iter().for_each(|issuer| issuer.join().unwrap());
            guesser.join().unwrap();
            extender.join().unwrap()
        });
        daemon = home.start(&[]);
        let mut known = known.lock().unwrap();
        verify(&home.socket(), &record, victim, key.handle, &mut known);
        let mut client = daemon.client();
        let mut session = Session::resume(|call: &[u8]| client.call_raw(call), record).unwrap();
        session.set_counter(before + known.extended);
        record = session.suspend();
    }
    let mut client = daemon.client();
    Session::resume(|call: &[u8]| client.call_raw(call), record).unwrap().close().unwrap();
    let known = known.into_inner().unwrap();
    assert!(known.extended > 0 && !known.provisioned.is_empty(), "the daemon was killed before it did anything");
    daemon.stop();
}

#[test]
fn what_was_acknowledged_survives_kill_9_on_sled() {
    survives_kills("sled");
}

#[test]
fn what_was_acknowledged_survives_kill_9_on_redb() {
    survives_kills("redb");
}

/// What a volatile session has made is gone with the token as if it had never been, but for its handles; what one has
/// closed is there.
#[test]
fn a_volatile_session_ends_with_the_token() {
    let home = Home::new();
    let ca = Ca::create(&Subject::common_name("Test CA").unwrap(), 1).unwrap();
    let daemon = home.start(&[]);
    let kept = enroll(&home.socket(), &ca, 3, true).unwrap();
    let options = SessionOptions { volatile: true, ..SessionOptions::new("https://issuer.example.com", Trust::Any) };
    let mut client = daemon.client();
    let mut session = Session::create(|call: &[u8]| client.call_raw(call), &options).unwrap();
    let lost = session.create_key_pair(&KeyOptions::p256(id("Key")), Protection::None).unwrap();
    let path = certificate(&ca, &lost.public_key);
    let (handle, lost) = (session.handle(), session.set_certificate_path(lost, &path).unwrap().handle);
    drop(session);
    daemon.kill();

    let daemon = home.start(&[]);
    let mut client = daemon.client();
    let abort = abort_provisioning_session::Request { provisioning_handle: handle };
    assert_eq!(client.call(&abort).unwrap_err().refused().unwrap().status, Status::NoSession);
    let info = |key_handle| get_key_protection_info::Request { key_handle };
    assert_eq!(client.call(&info(lost)).unwrap_err().refused().unwrap().status, Status::NoKey);
    client.verify_pin(&verify_pin::Request { key_handle: kept, pin: secret(PIN) }).unwrap();
    for volatile in [false, true] {
        assert!(enroll(&home.socket(), &ca, 3, volatile).unwrap() > lost, "no handle is used again");
    }
    daemon.stop();
}
