//! The server's thread for a connection: how large a call may be, when answers go, and how it all ends.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[macro_use]
mod support;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use support::served::{Served, exchange, read, world};
use support::{USER, World, master};
use tw4s_firmware::protocol::{ADMIT, Admission, AdmitCall, Frame, MAX_CALL, OK, SIGN, STATUS, Signatures, status_of};
use tw4s_firmware::{
    CryptoModule, Digested, FirmwareError, KeySpec, ModuleError, RawSigningKey, SoftwareModule, WrappedPair,
};
use tw4s_formats::{Format, List, Octets, Text};

/// A module that signs when it is told to.
struct Gated {
    inner: SoftwareModule,
    begun: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

struct GatedKey<'a> {
    inner: Box<dyn RawSigningKey + 'a>,
    module: &'a Gated,
}

/// The test's end of it. Dropped, all goes on.
struct Gate {
    begun: Receiver<()>,
    go_on: Sender<()>,
}

impl Gate {
    fn wait_for_a_signing(&self) {
        self.begun.recv_timeout(Duration::from_secs(60)).unwrap();
    }

    fn let_it_sign(&self) {
        self.go_on.send(()).unwrap();
    }
}

fn gated() -> (Box<Gated>, Gate) {
    let ((begun, has_begun), (go_on, goes_on)) = (channel(), channel());
    let inner = SoftwareModule::new(&master()).unwrap();
    (Box::new(Gated { inner, begun, go_on: Mutex::new(goes_on) }), Gate { begun: has_begun, go_on })
}

impl CryptoModule for Gated {
    fn key_id(&self) -> &str {
        self.inner.key_id()
    }

    fn generate(&self, spec: KeySpec) -> Result<WrappedPair, ModuleError> {
        self.inner.generate(spec)
    }

    fn activate(&self, wrapped: &[u8], spec: KeySpec) -> Result<Box<dyn RawSigningKey + '_>, ModuleError> {
        Ok(Box::new(GatedKey { inner: self.inner.activate(wrapped, spec)?, module: self }))
    }
}

impl RawSigningKey for GatedKey<'_> {
    fn spec(&self) -> KeySpec {
        self.inner.spec()
    }

    fn sign(&self, input: &Digested<'_>) -> Result<Vec<u8>, ModuleError> {
        // An error: the test is over.
        let _ = self.module.begun.send(());
        let _ = self.module.go_on.lock().unwrap().recv();
        self.inner.sign(input)
    }
}

fn status() -> Frame {
    Frame::new(STATUS, &[0x30, 0])
}

/// Has a signing admitted, and gives the call that has it made.
fn admitted(world: &World, stream: &UnixStream) -> Frame {
    let signing = world.signing(KeySpec::P256);
    let octets = |der: Vec<u8>| Octets::new(der).unwrap();
    let call = AdmitCall {
        sad: Octets::new(signing.sad()).unwrap(),
        user_id: Text::new(USER).unwrap(),
        registered: List::new(world.registered().into_iter().map(octets).collect()).unwrap(),
        wrapped_key: signing.wrapped_key.map(|bytes| Octets::new(bytes).unwrap()),
    };
    let answer = exchange(stream, ADMIT, &call.to_bytes().unwrap());
    assert_eq!(answer.code(), OK);
    Frame::new(SIGN, &Admission::parse(answer.body()).unwrap().to_bytes().unwrap())
}

#[test]
fn a_call_of_the_largest_size_is_read() {
    let world = world();
    let served = Served::new(&world, gated().0);
    let stream = served.connect();
    let answer = exchange(&stream, STATUS, &vec![0; MAX_CALL - 1]);
    assert_eq!(answer.code(), status_of(&FirmwareError::Malformed));
    assert_eq!(exchange(&stream, STATUS, &[0x30, 0]).code(), OK, "the connection goes on");
    drop(served);
}

/// Three calls that are there at once: the second one takes longer than answers wait for each other.
#[test]
fn answers_do_not_wait_for_a_long_call_behind_them() {
    let world = world();
    let (module, gate) = gated();
    let served = Served::new(&world, module);
    let stream = served.connect();
    let [first, second] = [(), ()].map(|()| admitted(&world, &stream));
    (&stream).write_all(&[status().bytes(), first.bytes(), second.bytes()].concat()).unwrap();
    gate.wait_for_a_signing();
    thread::sleep(Duration::from_millis(5));
    gate.let_it_sign();
    gate.wait_for_a_signing();
    // The last call is under way, and ends when this test lets it.
    assert_eq!(read(&stream).code(), OK);
    assert!(Signatures::parse(read(&stream).body()).is_ok());
    gate.let_it_sign();
    assert!(Signatures::parse(read(&stream).body()).is_ok());
    drop(served);
}

#[test]
fn the_end_waits_for_the_call_under_way_and_for_nobody_else() {
    let world = world();
    let (module, gate) = gated();
    let served = Served::new(&world, module);
    let (idle, busy) = (served.connect(), served.connect());
    assert_eq!(exchange(&idle, STATUS, &[0x30, 0]).code(), OK);
    admitted(&world, &busy).write(&mut &busy).unwrap();
    gate.wait_for_a_signing();
    served.stop();
    assert_eq!((&idle).read(&mut [0]).unwrap(), 0, "an idle connection is ended");
    assert!(!served.socket.exists(), "nobody comes any more");
    thread::sleep(Duration::from_millis(100));
    assert!(!served.has_ended(), "a call is under way");
    gate.let_it_sign();
    assert!(Signatures::parse(read(&busy).body()).is_ok(), "its answer is written");
    assert_eq!((&busy).read(&mut [0]).unwrap(), 0);
    drop(served);
}

/// It would keep a thread and a place.
#[test]
fn a_client_that_does_not_read_its_answers_is_gone() {
    let world = world();
    let served = Served::new(&world, gated().0);
    let mut stream = served.connect();
    stream.set_write_timeout(Some(Duration::from_secs(90))).unwrap();
    let calls = status().bytes().repeat(1000);
    let ended = loop {
        if let Err(error) = stream.write_all(&calls) {
            break error.kind();
        }
    };
    assert!(matches!(ended, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{ended:?}");
    drop(served);
}
