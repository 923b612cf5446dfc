//! The sweep: sessions whose SessionLifeTime is over are removed once a minute, used or not.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sks_core::Device;
use tracing::error;

/// Between two sweeps.
pub(super) const PERIOD: Duration = Duration::from_secs(60);

/// The thread that sweeps. Dropped, it ends, after the sweep under way.
pub(super) struct Sweeper {
    /// Taken away at the end; it never sends.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    /// Sweeps `device`, which has just swept itself, after each `period`.
    pub(super) fn start(device: Arc<Device>, period: Duration) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("sweep".to_owned()).spawn(move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use std::convert::Infallible;
    use std::time::Instant;

    use clap::Parser;
    use sks_issuer::{Session, SessionOptions, Trust};
    use sks_store::{KeySource, SealedStore};
    use sks_wire::method::{decode_response, encode_request, enumerate_provisioning_sessions};
    use sks_wire::types::{Enumerated, NO_HANDLE, ProvisioningHandle};

    use super::*;
    use crate::args::{Cli, Command};

    fn sessions(device: &Device) -> usize {
        let request = enumerate_provisioning_sessions::Request { provisioning_handle: ProvisioningHandle(NO_HANDLE) };
        let answer = device.call(&encode_request(&request));
        let answer = decode_response::<enumerate_provisioning_sessions::Request>(&answer).unwrap().unwrap();
        usize::from(!matches!(answer.next, Enumerated::End))
    }

    #[test]
    fn sessions_that_nobody_uses_go_away_and_the_thread_ends_when_told() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        let Command::Serve(args) = Cli::parse_from(["sks", "serve"]).command else { panic!("another command") };
        let key = KeySource::File(SealedStore::default_key_file(&store));
        let device = Arc::new(crate::serve::start(&store, key, &args).unwrap());
        let options = SessionOptions { life_time: 1, ..SessionOptions::new("https://issuer.example.com", Trust::Any) };
        let call = |call: &[u8]| Ok::<_, Infallible>(device.call(call));
        let session = Session::create(call, &options).unwrap();
        drop(session);
        assert_eq!(sessions(&device), 1);

        let sweeper = Sweeper::start(Arc::clone(&device), Duration::from_millis(50)).unwrap();
        let start = Instant::now();
        while sessions(&device) > 0 {
            assert!(start.elapsed() < Duration::from_secs(30));
            thread::sleep(Duration::from_millis(20));
        }
        drop(sweeper);
        let slow = Sweeper::start(device, Duration::from_secs(600)).unwrap();
        let start = Instant::now();
        drop(slow);
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
