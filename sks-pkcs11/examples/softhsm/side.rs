//! One side's tokens, their keys, and the calls that are measured.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use crate::clients::Clients;
use crate::{FEW, Row, SLICE};

/// A module, and what another process needs to load it: its file, and the variable that tells it its place.
#[derive(Clone)]
pub(crate) struct Library {
    pub(crate) module: Pkcs11,
    pub(crate) path: PathBuf,
    pub(crate) place: (&'static str, PathBuf),
}

/// A slot with its PIN, if it has one.
pub(crate) struct Token {
    pub(crate) library: Library,
    pub(crate) slot: Slot,
    pub(crate) pin: Option<AuthPin>,
}

impl Token {
    pub(crate) fn session(&self) -> Session {
        self.library.module.open_rw_session(self.slot).unwrap()
    }

    /// A session, logged in. The login ends with the token's last session.
    pub(crate) fn enter(&self) -> Session {
        let session = self.session();
        if let Some(pin) = &self.pin {
            session.login(UserType::User, Some(pin)).unwrap();
        }
        session
    }
}

/// One of the two that are compared: its tokens to work with, of few keys, of many, and to log in to.
pub(crate) struct Side {
    pub(crate) work: Token,
    pub(crate) few: Token,
    pub(crate) many: Token,
    pub(crate) login: Token,
    /// Those that work with the first token, if they are wanted.
    pub(crate) clients: Option<Clients>,
}

impl Side {
    fn token(&self, row: Row) -> &Token {
        match row {
            Row::Login => &self.login,
            Row::FindFew => &self.few,
            Row::FindMany => &self.many,
            _ => &self.work,
        }
    }

    /// Makes the keys, all through PKCS#11.
    pub(crate) fn prepare(&self) {
        let session = self.work.enter();
        make_p256(&session, "p256");
        make_rsa(&session, "rsa");
        make_hmac(&session, "hmac");
        let session = self.few.enter();
        for n in 1..FEW {
            make_p256(&session, &format!("other {n}"));
        }
        make_p256(&session, "p256");
        make_p256(&self.many.enter(), "p256");
    }

    /// Starts the processes that sign at the same time.
    pub(crate) fn start_clients(&mut self) {
        self.clients = Some(Clients::start(&self.work));
    }

    /// Operations a second in a slice.
    pub(crate) fn measure(&mut self, row: Row) -> f64 {
        if row == Row::P256Processes {
            return self.clients.as_mut().unwrap().measure();
        }
        let token = self.token(row);
        if row == Row::Login {
            return client(row, &token.session(), token.pin.as_ref());
        }
        // Logged in for all sessions until the slice ends.
        let first = token.enter();
        if row != Row::P256Twice {
            return client(row, &first, None);
        }
        let sessions = [token.session(), token.session()];
        thread::scope(|scope| {
            let run = |session: Session| scope.spawn(move || client(row, &session, None));
            sessions.map(run).into_iter().map(|thread| thread.join().unwrap()).sum()
        })
    }
}

/// Calls for a slice; what is between the calls does not count. The PIN is for C_Login.
pub(crate) fn client(row: Row, session: &Session, pin: Option<&AuthPin>) -> f64 {
    let key = (row != Row::Login).then(|| find(session, row));
    let (mut calls, mut spent) = (0_u32, Duration::ZERO);
    let began = Instant::now();
    while calls == 0 || began.elapsed() < SLICE {
        spent += once(row, session, key, pin);
        calls += 1;
    }
    f64::from(calls) / spent.as_secs_f64()
}

fn once(row: Row, session: &Session, key: Option<ObjectHandle>, pin: Option<&AuthPin>) -> Duration {
    let sign = |mechanism, data: &[u8]| drop(session.sign(&mechanism, key.unwrap(), data).unwrap());
    let began = Instant::now();
    match row {
        Row::P256 | Row::P256Twice | Row::P256Processes => sign(Mechanism::Ecdsa, &[7; 32]),
        Row::Rsa => sign(Mechanism::Sha256RsaPkcs, &[7; 32]),
        Row::Hmac => sign(Mechanism::Sha256Hmac, &[7; 200]),
        Row::FindFew | Row::FindMany => assert_eq!(find(session, row), key.unwrap()),
        Row::Login => {
            session.login(UserType::User, pin).unwrap();
            session.logout().unwrap();
        }
        Row::Generate => {
            let (public, private) = make_p256(session, "made");
            let took = began.elapsed();
            session.destroy_object(private).unwrap();
            // Gone with the private key, in our module.
            let _ = session.destroy_object(public);
            return took;
        }
    }
    began.elapsed()
}

fn find(session: &Session, row: Row) -> ObjectHandle {
    let (class, id) = row.key();
    let found = session.find_objects(&[Attribute::Class(class), Attribute::Id(id.into())]).unwrap();
    assert_eq!(found.len(), 1, "{id}");
    found[0]
}

fn make_pair(
    session: &Session,
    mechanism: &Mechanism<'_>,
    kind: &[Attribute],
    id: &str,
) -> (ObjectHandle, ObjectHandle) {
    let common = [Attribute::Token(true), Attribute::Label(id.into()), Attribute::Id(id.into())];
    let public = [&common[..], kind, &[Attribute::Verify(true)]].concat();
    let private = [&common[..], &[Attribute::Private(true), Attribute::Sign(true)]].concat();
    session.generate_key_pair(mechanism, &public, &private).unwrap()
}

pub(crate) fn make_p256(session: &Session, id: &str) -> (ObjectHandle, ObjectHandle) {
    let curve = vec![0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
    make_pair(session, &Mechanism::EccKeyPairGen, &[Attribute::EcParams(curve)], id)
}

fn make_rsa(session: &Session, id: &str) {
    let kind = [Attribute::ModulusBits(2048.into()), Attribute::PublicExponent(vec![1, 0, 1])];
    make_pair(session, &Mechanism::RsaPkcsKeyPairGen, &kind, id);
}

fn make_hmac(session: &Session, id: &str) {
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(true),
        Attribute::Sign(true),
        Attribute::Label(id.into()),
        Attribute::Id(id.into()),
        Attribute::Value(vec![0x0B; 32]),
    ];
    session.create_object(&template).unwrap();
}
