//! What goes over the socket: a proxy between the module and the token sees each call, lets others act in the middle of
//! one, and breaks connections off in the middle of an answer.
//!
//! One test, for a process has one module.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "the module takes its socket from the environment")]

mod common;

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use common::{Daemon, is, object};
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use sks_client::Client;
use sks_wire::method::delete_key;
use sks_wire::types::KeyHandle;
use sks_wire::{MethodId, Secret, frame};

/// What becomes of an answer.
enum Answer {
    /// It is passed on.
    Passes,
    /// Half of it is; then the connection ends.
    BreaksOff,
}

type Event = Box<dyn FnOnce() -> Answer + Send>;

#[derive(Default)]
struct Proxy {
    calls: Mutex<Vec<u8>>,
    /// What happens once, when a method has been answered.
    event: Mutex<Option<(MethodId, Event)>>,
}

impl Proxy {
    fn start(daemon: &Daemon) -> Arc<Self> {
        let proxy = Arc::new(Self::default());
        let listener = UnixListener::bind(daemon.path("proxy.sock")).unwrap();
        let (shared, token) = (Arc::clone(&proxy), daemon.path("sks.sock"));
        std::thread::spawn(move || {
            for module in listener.incoming() {
                let (proxy, token): (_, PathBuf) = (Arc::clone(&shared), token.clone());
                std::thread::spawn(move || proxy.relay(module.unwrap(), &token));
            }
        });
        proxy
    }

    fn relay(&self, mut module: UnixStream, token: &Path) -> Option<()> {
        let mut token = UnixStream::connect(token).ok()?;
        loop {
            let call = frame::read(&mut module, frame::MAX_FRAME).ok()??;
            self.calls.lock().unwrap().push(call[0]);
            frame::write(&mut token, &call).ok()?;
            let answer = frame::read(&mut token, frame::MAX_FRAME).ok()??;
            let event = self.event.lock().unwrap().take_if(|(method, _)| method.number() == call[0]);
            let mut whole = Vec::new();
            frame::write(&mut whole, &answer).unwrap();
            match event.map(|(_, event)| event()) {
                Some(Answer::BreaksOff) => return module.write_all(&whole[..whole.len() / 2]).ok().filter(|()| false),
                _ => module.write_all(&whole).ok()?,
            }
        }
    }

    fn once(&self, method: MethodId, event: impl FnOnce() -> Answer + Send + 'static) {
        *self.event.lock().unwrap() = Some((method, Box::new(event)));
    }

    /// The methods called in between.
    fn calls(&self, between: impl FnOnce()) -> Vec<u8> {
        self.calls.lock().unwrap().clear();
        between();
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

#[test]
fn what_goes_over_the_socket() {
    let daemon = Daemon::start();
    daemon.enroll("first", None, None, &[]);
    daemon.adopt();
    let proxy = Proxy::start(&daemon);
    // SAFETY: the only test of this program; the proxy's threads do not read it.
    unsafe { std::env::set_var("SKS_SOCKET", daemon.path("proxy.sock")) };
    let module = common::load();
    let open = || module.open_rw_session(Slot::try_from(0_u64).unwrap()).unwrap();
    let session = open();
    a_listing_is_kept(&daemon, &proxy, &session);
    a_deletion_is_kept(&daemon, &proxy, &session);
    a_broken_signature(&proxy, &session);
    a_broken_listing(&daemon, &proxy, &session);
    a_broken_generation(&proxy, &session);
    others_change_the_token_meanwhile(&daemon, &proxy, &session, open());
}

fn private_keys(session: &Session) -> cryptoki::error::Result<Vec<ObjectHandle>> {
    session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)])
}

fn generate(session: &Session, label: &str) -> cryptoki::error::Result<(ObjectHandle, ObjectHandle)> {
    let private = [Attribute::Token(true), Attribute::Label(label.into())];
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &[common::p256()], &private)
}

/// While getChangeCount stays, nothing else is asked.
fn a_listing_is_kept(daemon: &Daemon, proxy: &Proxy, session: &Session) {
    let found = private_keys(session).unwrap();
    let calls = proxy.calls(|| {
        for _ in 0..3 {
            assert_eq!(private_keys(session).unwrap(), found);
        }
    });
    assert_eq!(calls, [MethodId::GetChangeCount.number(); 3]);
    daemon.enroll("second", None, None, &[]);
    let calls = proxy.calls(|| assert_eq!(private_keys(session).unwrap().len(), 2));
    assert!(calls.contains(&MethodId::EnumerateKeys.number()));
    assert!(!calls.contains(&MethodId::GetDeviceInfo.number()), "behind a connection is the same token");
    // A key that is made here is added to what is known.
    let calls = proxy.calls(|| _ = generate(session, "third").unwrap());
    assert_eq!(calls.iter().filter(|call| **call == MethodId::EnumerateKeys.number()).count(), 1);
    let calls = proxy.calls(|| assert_eq!(private_keys(session).unwrap().len(), 3));
    assert_eq!(calls, [MethodId::GetChangeCount.number()]);
}

/// A key that is deleted here is taken from what is known, unless something else has changed, too.
fn a_deletion_is_kept(daemon: &Daemon, proxy: &Proxy, session: &Session) {
    let found = private_keys(session).unwrap();
    let (_, made) = generate(session, "short-lived").unwrap();
    assert!(private_keys(session).unwrap().contains(&made));
    session.destroy_object(made).unwrap();
    let calls = proxy.calls(|| assert_eq!(private_keys(session).unwrap(), found));
    assert_eq!(calls, [MethodId::GetChangeCount.number()]);
    let calls = proxy.calls(|| assert!(session.destroy_object(made).is_err()));
    assert!(!calls.contains(&MethodId::DeleteKey.number()));
    let (_, made) = generate(session, "short-lived").unwrap();
    let (token, victim) = (daemon.path("sks.sock"), object(session, ObjectClass::PRIVATE_KEY, "second"));
    proxy.once(MethodId::DeleteKey, move || {
        let key_handle = KeyHandle(u32::try_from(victim.handle() >> 20).unwrap());
        let delete = delete_key::Request { key_handle, optional_authorization: Secret::default() };
        Client::connect(&token).unwrap().call(&delete).unwrap();
        Answer::Passes
    });
    session.destroy_object(made).unwrap();
    let left: Vec<_> = found.into_iter().filter(|key| *key != victim).collect();
    assert_eq!(private_keys(session).unwrap(), left);
    daemon.enroll("second", None, None, &[]);
}

/// Half an answer is no signature, and the call is not made again in silence.
fn a_broken_signature(proxy: &Proxy, session: &Session) {
    let key = object(session, ObjectClass::PRIVATE_KEY, "first");
    proxy.once(MethodId::SignHashedData, || Answer::BreaksOff);
    let calls = proxy.calls(|| is(session.sign(&Mechanism::EcdsaSha256, key, b"x"), RvError::DeviceError));
    assert_eq!(calls, [MethodId::SignHashedData.number()]);
    session.sign(&Mechanism::EcdsaSha256, key, b"x").unwrap();
}

/// A connection that ends among the answers to many calls may have been the last to this token: it is asked who it is.
fn a_broken_listing(daemon: &Daemon, proxy: &Proxy, session: &Session) {
    assert_eq!(private_keys(session).unwrap().len(), 3);
    daemon.enroll("fourth", None, None, &[]);
    proxy.once(MethodId::GetKeyGroup, || Answer::BreaksOff);
    is(private_keys(session), RvError::DeviceError);
    let calls = proxy.calls(|| assert_eq!(private_keys(session).unwrap().len(), 4));
    assert!(calls.contains(&MethodId::GetDeviceInfo.number()), "{calls:?}");
    let calls = proxy.calls(|| assert_eq!(private_keys(session).unwrap().len(), 4));
    assert_eq!(calls, [MethodId::GetChangeCount.number()]);
}

/// A generation whose end is not known has failed; whether the key is there is seen at the next look.
fn a_broken_generation(proxy: &Proxy, session: &Session) {
    proxy.once(MethodId::CreateKeyPair, || Answer::BreaksOff);
    is(generate(session, "never"), RvError::DeviceError);
    assert_eq!(private_keys(session).unwrap().len(), 4);
    proxy.once(MethodId::CloseProvisioningSession, || Answer::BreaksOff);
    is(generate(session, "fifth"), RvError::DeviceError);
    assert_eq!(private_keys(session).unwrap().len(), 5);
    session.sign(&Mechanism::EcdsaSha256, object(session, ObjectClass::PRIVATE_KEY, "fifth"), b"x").unwrap();
}

/// While a key is made, another thread lists the token, and then another process deletes a key: one change more than the
/// generation makes, counted from that listing.
fn others_change_the_token_meanwhile(daemon: &Daemon, proxy: &Proxy, session: &Session, other: Session) {
    let victim = object(session, ObjectClass::PRIVATE_KEY, "first");
    let mut client = Client::connect(&daemon.path("sks.sock")).unwrap();
    proxy.once(MethodId::CreateKeyPair, move || {
        private_keys(&other).unwrap();
        let key_handle = KeyHandle(u32::try_from(victim.handle() >> 20).unwrap());
        client.call(&delete_key::Request { key_handle, optional_authorization: Secret::default() }).unwrap();
        Answer::Passes
    });
    let (_, made) = generate(session, "sixth").unwrap();
    let found = private_keys(session).unwrap();
    assert!(found.contains(&made));
    assert!(!found.contains(&victim), "what others changed meanwhile is seen");
}
