//! A server in a thread of the test's process.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tw4s_firmware::protocol::Frame;
use tw4s_firmware::server::{Server, ServerOptions, Stop};
use tw4s_firmware::{CryptoModule, Firmware, SoftwareModule};
use tw4s_formats::OidArc;

use super::{World, master};

/// It. Dropped, it ends, and what failed in it fails the test.
pub(crate) struct Served {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
    pub(crate) socket: PathBuf,
}

impl Served {
    pub(crate) fn new(world: &World, module: Box<dyn CryptoModule>) -> Self {
        let firmware = Arc::new(Firmware::open(&world.state(), &master(), module, OidArc::default()).unwrap());
        let socket = world.dir.path().join("firmware.sock");
        let server = Server::bind(&socket, ServerOptions::default()).unwrap();
        let stop = server.stopper().unwrap();
        let thread = thread::spawn(move || server.run(&firmware).unwrap());
        Self { stop, thread: Some(thread), socket }
    }

    /// A connection whose reads fail after a minute.
    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Tells it to end, and does not wait.
    pub(crate) fn stop(&self) {
        self.stop.stop();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.stop();
        let ended = self.thread.take().unwrap().join();
        // A test that fails already says why.
        assert!(ended.is_ok() || thread::panicking(), "the server failed");
    }
}

pub(crate) fn software() -> Box<dyn CryptoModule> {
    Box::new(SoftwareModule::new(&master()).unwrap())
}

/// A world with the software module.
pub(crate) fn world() -> World {
    World::new(&master(), software)
}

pub(crate) fn read(stream: &UnixStream) -> Frame {
    Frame::read(&mut &*stream, 2_000_000).unwrap().unwrap()
}

/// A call and its answer.
pub(crate) fn exchange(stream: &UnixStream, code: u8, body: &[u8]) -> Frame {
    Frame::new(code, body).write(&mut &*stream).unwrap();
    read(stream)
}
