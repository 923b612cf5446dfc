//! A token that a dialogue is played on, whatever its store.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use sks_core::crypto::engine;
use sks_core::ports::Store;
use sks_core::{Config, Device, Ports, install_identity};

use crate::token::identity;
use crate::{FixedClock, Line, SeededRng};

/// Opens the store; `full` asks for one that takes nothing but removals.
type Open = dyn Fn(bool) -> Arc<dyn Store>;

/// A token that can be restarted, and whose store can be full.
pub struct Stage {
    open: Box<Open>,
    clock: Arc<FixedClock>,
    device: Arc<RwLock<Option<Device>>>,
    starts: u64,
}

impl Stage {
    /// Starts a token on a store that has nothing yet. `open` opens it, each time anew after it was closed.
    #[must_use]
    pub fn new(open: impl Fn(bool) -> Arc<dyn Store> + 'static) -> Self {
        install_identity(&*open(false), &engine(), identity()).expect("the vectors' identity is sound");
        let mut stage = Self { open: Box::new(open), clock: Arc::default(), device: Arc::default(), starts: 0 };
        stage.restart(false);
        stage
    }

    /// A line to the token, which leads to it after restarts too.
    #[must_use]
    pub fn line(&self) -> Line {
        let device = Arc::clone(&self.device);
        Line::new(move |call| device.read().as_ref().expect("the token runs").call(call))
    }

    /// Moves the token's clock on, and sweeps.
    pub fn wait(&self, time: Duration) {
        self.clock.advance(time);
        self.device.read().as_ref().expect("the token runs").sweep().expect("nothing is in the way of a sweep");
    }

    /// Stops the token, closes its store, and starts it again.
    pub fn restart(&mut self, full: bool) {
        *self.device.write() = None;
        self.starts += 1;
        let ports = Ports {
            store: (self.open)(full),
            crypto: Arc::new(engine()),
            rng: Arc::new(SeededRng::new(self.starts)),
            clock: Arc::<FixedClock>::clone(&self.clock),
        };
        *self.device.write() = Some(Device::start(ports, Config::default()).expect("a token starts on its store"));
    }
}
