//! The token: what it is made of, and how a call gets its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use sks_wire::types::OutOfRange;
use sks_wire::{DecodeError, Request, Response, method};
use zeroize::Zeroizing;

use crate::ctx::{Ctx, Owed};
use crate::dispatch;
use crate::gate::{self, Class};
use crate::key::Cache;
use crate::locks::Locks;
use crate::ports::{Clock, Crypto, PrivateKey, Rng, Store};
use crate::record::{Address, Identity, Record};
use crate::refusal::Refusal;
use crate::session;
use crate::volatile::Volatile;
use crate::work::Typed;

/// What the token needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// The credential database.
    pub store: Arc<dyn Store>,
    /// The asymmetric engine.
    pub crypto: Arc<dyn Crypto>,
    /// Random numbers.
    pub rng: Arc<dyn Rng>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What may be chosen.
#[derive(Clone, Debug)]
pub struct Config {
    /// VendorName of getDeviceInfo, 1 to 100 bytes.
    pub vendor_name: String,
    /// VendorDescription of getDeviceInfo, 1 to 100 bytes.
    pub vendor_description: String,
    /// Wait before each use of a PUK that has no retry limit. At least a second, says the text; tests need less.
    pub puk_delay: Duration,
    /// The largest answer in bytes: no key may grow attributes that its answers could not hold.
    pub max_answer: usize,
    /// How many ready-made private keys are kept in memory.
    pub cached_keys: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vendor_name: "SKS project".to_owned(),
            vendor_description: "Secure Key Store, a virtual token in software".to_owned(),
            puk_delay: Duration::from_secs(1),
            max_answer: 1 << 20,
            cached_keys: 512,
        }
    }
}

/// Why a token cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store has no attestation key: [`install_identity`] comes first.
    #[error("the store holds no device identity")]
    NoIdentity,
    /// The attestation key in the store does not load, or is not the device certificate's.
    #[error("the device identity in the store is not sound: {0}")]
    BadIdentity(&'static str),
    /// The store failed.
    #[error("the token cannot start: {}", .0.answer().text)]
    Store(Refusal),
}

/// A running token. Calls may come from many threads at once.
pub struct Device {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) crypto: Arc<dyn Crypto>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    pub(crate) attestation_key: Box<dyn PrivateKey>,
    /// Device Certificate first.
    pub(crate) device_path: Vec<Vec<u8>>,
    pub(crate) cache: Cache,
    pub(crate) sessions: Locks,
    pub(crate) pins: Locks,
    pub(crate) puks: Locks,
    pub(crate) owed: Owed,
    pub(crate) volatile: Volatile,
}

/// Puts the attestation key and the device certificate path into a store that has none.
///
/// # Errors
/// `BadIdentity` when key and certificate do not belong together, `Store` when the store fails.
pub fn install_identity(store: &dyn Store, crypto: &dyn Crypto, identity: Identity) -> Result<(), StartError> {
    load_identity(crypto, &identity)?;
    let install = || {
        let mut txn = store.begin()?;
        txn.put(Address::Identity, Record::Identity(identity))?;
        txn.commit()
    };
    install().map_err(|e| StartError::Store(e.into()))
}

fn load_identity(crypto: &dyn Crypto, identity: &Identity) -> Result<Box<dyn PrivateKey>, StartError> {
    let key = crypto
        .load(identity.private_key.expose())
        .map_err(|_| StartError::BadIdentity("the attestation key is no supported PKCS#8 key"))?;
    let certificate = identity.certificates.first().ok_or(StartError::BadIdentity("there is no device certificate"))?;
    let certified = crate::crypto::certificate::public_key_of(certificate)
        .map_err(|_| StartError::BadIdentity("the device certificate is no X.509 certificate"))?;
    if certified != key.public_key() {
        return Err(StartError::BadIdentity("the device certificate belongs to another key"));
    }
    Ok(key)
}

impl Device {
    /// Starts the token on a store that has an identity, and removes the sessions that ran out meanwhile.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(ports: Ports, config: Config) -> Result<Self, StartError> {
        let identity =
            ports.store.identity().map_err(|e| StartError::Store(e.into()))?.ok_or(StartError::NoIdentity)?;
        let attestation_key = load_identity(&*ports.crypto, &identity)?;
        let device = Self {
            cache: Cache::new(config.cached_keys),
            store: ports.store,
            crypto: ports.crypto,
            rng: ports.rng,
            clock: ports.clock,
            config,
            attestation_key,
            device_path: identity.certificates,
            sessions: Locks::default(),
            pins: Locks::default(),
            puks: Locks::default(),
            owed: Owed::default(),
            volatile: Volatile::default(),
        };
        // What this cannot remove must not keep every other session and key from being used; the daemon sweeps again
        // every minute, and logs what it cannot do.
        let _ = device.sweep();
        Ok(device)
    }

    /// Answers a method byte string. Whatever the bytes are, there is an answer.
    #[must_use]
    pub fn call(&self, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        match contain(|| self.handle(bytes)) {
            Ok(response) => response.encode(),
            Err(refusal) => method::encode_refusal(&refusal.answer()).into(),
        }
    }

    /// Removes the open sessions whose SessionLifeTime is over. The daemon calls this once a minute.
    ///
    /// # Errors
    /// The first of the store; what was not removed is removed on its next use.
    pub fn sweep(&self) -> Result<(), Refusal> {
        let mut swept = Ok(());
        let now = self.clock.now_ms();
        for handle in session::expired(&*self.store, now)?.into_iter().chain(self.volatile.expired(now)?) {
            // One that cannot be removed keeps no other.
            swept = swept.and(session::Entered::sweep(self, handle));
        }
        swept
    }

    fn handle(&self, bytes: &[u8]) -> Result<Response, Refusal> {
        let (id, body) = method::split(bytes).map_err(Refusal::Malformed)?;
        let mut ctx = Ctx::new(self);
        let class = gate::class(id);
        // A panic here is a refusal like any other: it drops what was written, and ends the session of an operation.
        let result = contain(|| match Request::parse(bytes) {
            Ok(request) => ctx.enter(class, body).and_then(|()| dispatch::dispatch(&mut ctx, request)),
            Err(error) => self.malformed(&mut ctx, class, body, error),
        });
        ctx.finish(class, result)
    }

    /// A malformed call of an operation in a session that its bytes still name ends that session.
    fn malformed(&self, ctx: &mut Ctx<'_>, class: Class, body: &[u8], error: DecodeError) -> Result<Response, Refusal> {
        if class == Class::Operation {
            match ctx.enter(class, body) {
                Ok(()) | Err(Refusal::NoSession | Refusal::Malformed(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Refusal::Malformed(error))
    }

    /// The session handle at the front of a call's arguments.
    pub(crate) fn named_session(body: &[u8]) -> Option<u32> {
        Some(u32::from_be_bytes(body.get(..4)?.try_into().ok()?))
    }
}

/// Makes a panic a refusal.
fn contain<T>(call: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(Refusal::Defect("a call panicked; what it wrote is dropped")))
}

/// Reached only by a handler that uses an argument whose range it did not check first.
impl From<OutOfRange> for Refusal {
    fn from(e: OutOfRange) -> Self {
        Self::OutOfRange(DecodeError { kind: e.0, at: 0, field: "an argument" })
    }
}
