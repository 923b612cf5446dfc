//! The sweep: sessions whose SessionLifeTime is over are removed once a minute, used or not.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sks_core::Device;
use tracing::error;

/// Between two sweeps.
const PERIOD: Duration = Duration::from_secs(60);

/// The thread that sweeps. Dropped, it ends, after the sweep under way.
pub(super) struct Sweeper {
    /// Taken away at the end; it never sends.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    /// Sweeps `device`, which has just swept itself.
    pub(super) fn start(device: Arc<Device>) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("sweep".to_owned()).spawn(move || {
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                if let Err(refusal) = device.sweep() {
                    error!(text = refusal.answer().text, "sessions that ran out are not removed");
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            error!("the sweep of sessions has panicked");
        }
    }
}
