//! A token in memory, with the device identity of the golden vectors.

use std::convert::Infallible;
use std::sync::Arc;

use sks_core::crypto::engine;
use sks_core::ports::Crypto;
use sks_core::record::Identity;
use sks_core::{Config, Device, Ports, install_identity};
use sks_issuer::Transport;
use sks_wire::Secret;
use sks_wire::method::{Method, decode_response, encode_request};
use sks_wire::{Refused, Status};
use zeroize::Zeroizing;

use crate::{FixedClock, MemStore, SeededRng};

/// The subject of the device certificate.
pub const DEVICE_NAME: &str = "SKS test device";

/// PKCS#8 of a P-256 key without its public part, up to the private number.
const PKCS8_PREFIX: &str = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";

/// A token and the fixtures that it runs on.
#[derive(Clone)]
pub struct Token {
    /// The token.
    pub device: Arc<Device>,
    /// Its store.
    pub store: MemStore,
    /// Its clock.
    pub clock: Arc<FixedClock>,
}

impl Default for Token {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Token {
    /// A fresh token.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let store = MemStore::default();
        install_identity(&store, &engine(), identity()).expect("the vectors' identity is sound");
        Self::on(store, config, Arc::new(engine()))
    }

    /// A token on a store that has an identity: what a restart makes of it.
    #[must_use]
    pub fn on(store: MemStore, config: Config, crypto: Arc<dyn Crypto>) -> Self {
        let clock = Arc::new(FixedClock::default());
        let ports = Ports {
            store: Arc::new(store.clone()),
            crypto,
            rng: Arc::new(SeededRng::new(1)),
            clock: Arc::<FixedClock>::clone(&clock),
        };
        let device = Device::start(ports, config).expect("a token starts on its store");
        Self { device: Arc::new(device), store, clock }
    }

    /// The same token after a restart.
    #[must_use]
    pub fn restarted(&self) -> Self {
        Self::on(MemStore::from_snapshot(self.store.snapshot()), Config::default(), Arc::new(engine()))
    }

    /// Calls a method.
    ///
    /// # Errors
    /// The token's refusal.
    pub fn call<M: Method>(&self, request: &M) -> Result<M::Response, Refused> {
        decode_response::<M>(&self.device.call(&encode_request(request))).expect("the token's answers can be read")
    }

    /// The status of a call that must be refused.
    #[must_use]
    pub fn refusal<M: Method>(&self, request: &M) -> Status {
        match self.call(request) {
            Ok(_) => panic!("{} was not refused", M::ID.name()),
            Err(refused) => refused.status,
        }
    }
}

/// An issuer may use the token as it is.
impl Transport for Token {
    type Error = Infallible;

    fn call_raw(&mut self, call: &[u8]) -> Result<Zeroizing<Vec<u8>>, Infallible> {
        Ok(self.device.call(call))
    }
}

/// A golden value that is one hex string.
#[must_use]
pub fn golden(name: &str) -> Vec<u8> {
    let value = golden_json();
    hex::decode(value[name].as_str().expect("a golden value is a string")).expect("and hex")
}

fn golden_json() -> serde_json::Value {
    serde_json::from_str(include_str!("../../vectors/sks-vectors.json")).expect("the golden values are JSON")
}

/// The certificate authority of the golden vectors, DER.
#[must_use]
pub fn golden_ca() -> Vec<u8> {
    let value = golden_json();
    hex::decode(value["certificates"][1].as_str().expect("there are two certificates")).expect("in hex")
}

/// The device identity of the golden vectors.
pub(crate) fn identity() -> Identity {
    let mut private_key = hex::decode(PKCS8_PREFIX).expect("hex");
    private_key.extend(golden("device_private_key_d"));
    Identity { private_key: Secret::new(private_key), certificates: vec![golden("device_certificate"), golden_ca()] }
}
