//! The port against a firmware that the test plays: what goes over which line, and what becomes of it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tw4s_firmware::protocol::{ADMIT, FORGET, Frame, OK, SIGN, Signatures, VERIFY_TOKEN, Value};
use tw4s_formats::{Format, List, Octets};
use tw4s_sam::record::UserId;

use super::*;

mod broken;
mod busy;
mod late;
mod stranger;

/// A call, and the connection that it came over.
struct Call {
    frame: Frame,
    stream: UnixStream,
}

impl Call {
    fn answer(&self, body: &impl Format) {
        Frame::new(OK, &body.to_bytes().unwrap()).write(&mut &self.stream).unwrap();
    }

    fn admission(&self) -> u64 {
        Admission::parse(self.frame.body()).unwrap().number
    }

    fn is_same_line(&self, other: &Self) -> bool {
        line_of(&self.stream) == line_of(&other.stream)
    }

    /// Ends its connection.
    fn hang_up(&self) {
        self.stream.shutdown(std::net::Shutdown::Both).unwrap();
    }
}

/// The socket behind a stream, which all its clones share.
fn line_of(stream: &UnixStream) -> u64 {
    rustix::fs::fstat(stream).unwrap().st_ino
}

/// A firmware whose answers the test gives.
struct Played {
    folder: TempDir,
    calls: Receiver<Call>,
}

impl Played {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        let (sender, calls) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, sender) = (stream.unwrap(), sender.clone());
                thread::spawn(move || read_all(stream, &sender));
            }
        });
        Self { folder, calls }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn next(&self) -> Call {
        self.calls.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// The next call, of which only one kind can come.
    fn expect(&self, code: u8) -> Call {
        let call = self.next();
        assert_eq!(call.frame.code(), code);
        call
    }
}

fn read_all(stream: UnixStream, calls: &Sender<Call>) {
    while let Ok(Some(frame)) = Frame::read(&mut &stream, 1 << 20) {
        if calls.send(Call { frame, stream: stream.try_clone().unwrap() }).is_err() {
            return;
        }
    }
}

fn value(number: u8) -> Value {
    Value { value: Octets::new(vec![number; 3]).unwrap() }
}

fn signatures(number: u8) -> Signatures {
    Signatures { signatures: List::new(vec![Octets::new(vec![number]).unwrap()]).unwrap() }
}

const USER: UserId = UserId::from_bytes([7; 16]);

fn order(hashes: usize) -> SignOrder<'static> {
    SignOrder { sad: b"sad", user_id: &USER, registered: &[], wrapped_key: None, hashes }
}

/// A runtime and a port in it with one shared line.
fn port(played: &Played) -> (Runtime, Arc<Port>) {
    port_with(played, 1)
}

fn port_with(played: &Played, shared: usize) -> (Runtime, Arc<Port>) {
    let mut port = Port::new(&played.socket());
    port.lines = Arc::new(Lines::new(&played.socket(), shared));
    (Runtime::new().unwrap(), Arc::new(port))
}

type Asked<T> = JoinHandle<Result<T, FirmwareError>>;

/// Makes a call that is soon done.
fn ask(runtime: &Runtime, port: &Arc<Port>) -> Asked<Vec<u8>> {
    let port = Arc::clone(port);
    runtime.spawn(async move { port.verify_token(b"token", None).await })
}

/// Answers it, and sees the answer come.
fn answer(runtime: &Runtime, asked: Asked<Vec<u8>>, call: &Call, number: u8) {
    call.answer(&value(number));
    assert_eq!(runtime.block_on(asked).unwrap().unwrap(), [number; 3]);
}

#[test]
fn each_call_gets_its_own_answer() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let asked: Vec<_> = (0..100_u8)
        .map(|number| {
            let port = Arc::clone(&port);
            runtime.spawn(async move { (number, port.verify_token(&[number; 3], None).await) })
        })
        .collect();
    for _ in 0..100 {
        let call = played.expect(VERIFY_TOKEN);
        let token = tw4s_firmware::protocol::VerifyTokenCall::parse(call.frame.body()).unwrap().token;
        call.answer(&value(token.as_bytes()[0]));
    }
    for one in asked {
        let (number, answer) = runtime.block_on(one).unwrap();
        assert_eq!(answer.unwrap(), [number; 3]);
    }
}

#[test]
fn admissions_are_signed_in_any_order_on_their_line() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let admit = || {
        let asked = {
            let port = Arc::clone(&port);
            runtime.spawn(async move { admitted(&port, 1).await })
        };
        (played.expect(ADMIT), asked)
    };
    let ((first, one), (second, two)) = (admit(), admit());
    first.answer(&Admission { number: 1 });
    second.answer(&Admission { number: 2 });
    let (one, two) = (runtime.block_on(one).unwrap().unwrap(), runtime.block_on(two).unwrap().unwrap());
    for (waiting, number) in [(two, 2_u8), (one, 1)] {
        let asked = runtime.spawn(async move { waiting.sign().await });
        let call = played.expect(SIGN);
        assert_eq!((call.admission(), call.is_same_line(&first)), (u64::from(number), true));
        call.answer(&signatures(number));
        assert_eq!(runtime.block_on(asked).unwrap().unwrap(), [[number]]);
    }
}

/// As the port gives it, and fit to be sent to another task.
async fn admitted(port: &Port, hashes: usize) -> Result<Box<Waiting>, FirmwareError> {
    port.wait_for_admission(order(hashes)).await.map(Box::new)
}

#[test]
fn what_is_not_signed_is_forgotten() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    for hashes in [1, 100] {
        let asked = {
            let port = Arc::clone(&port);
            runtime.spawn(async move { admitted(&port, hashes).await })
        };
        let call = played.expect(ADMIT);
        call.answer(&Admission { number: 5 });
        drop(runtime.block_on(asked).unwrap().unwrap());
        let forgotten = played.expect(FORGET);
        assert_eq!((forgotten.admission(), forgotten.is_same_line(&call)), (5, true));
        forgotten.answer(&tw4s_firmware::protocol::Empty {});
    }
}

#[test]
fn a_long_call_holds_up_nobody() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let long = {
        let port = Arc::clone(&port);
        runtime.spawn(async move { admitted(&port, 100).await })
    };
    let unanswered = played.expect(ADMIT);
    for number in 0..3 {
        let port = Arc::clone(&port);
        let asked = runtime.spawn(async move { port.verify_token(b"token", None).await });
        let call = played.expect(VERIFY_TOKEN);
        assert!(!call.is_same_line(&unanswered));
        call.answer(&value(number));
        assert_eq!(runtime.block_on(asked).unwrap().unwrap(), [number; 3]);
    }
    unanswered.answer(&Admission { number: 1 });
    runtime.block_on(long).unwrap().unwrap();
}

#[test]
fn a_broken_line_tells_all_and_what_does_no_harm_is_asked_again() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let ask = || {
        let port = Arc::clone(&port);
        runtime.spawn(async move { port.verify_token(b"token", None).await })
    };
    let (one, two) = (ask(), ask());
    let (first, _) = (played.expect(VERIFY_TOKEN), played.expect(VERIFY_TOKEN));
    first.hang_up();
    for _ in 0..2 {
        played.expect(VERIFY_TOKEN).answer(&value(1));
    }
    assert!(runtime.block_on(one).unwrap().is_ok() && runtime.block_on(two).unwrap().is_ok());
    let third = ask();
    // Twice, and no third time.
    played.expect(VERIFY_TOKEN).hang_up();
    played.expect(VERIFY_TOKEN).hang_up();
    let refused = runtime.block_on(third).unwrap();
    assert!(matches!(refused, Err(FirmwareError::NotOperational(_))), "{refused:?}");
}

#[test]
fn signatures_are_asked_for_once() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let asked = {
        let port = Arc::clone(&port);
        runtime.spawn(async move { admitted(&port, 1).await })
    };
    played.expect(ADMIT).answer(&Admission { number: 1 });
    let waiting = runtime.block_on(asked).unwrap().unwrap();
    let signed = runtime.spawn(async move { waiting.sign().await });
    played.expect(SIGN).hang_up();
    let lost = runtime.block_on(signed).unwrap();
    assert!(matches!(lost, Err(FirmwareError::NotOperational(_))), "{lost:?}");
    // What is asked for next comes next: nothing came in between.
    let again = {
        let port = Arc::clone(&port);
        runtime.spawn(async move { port.verify_token(b"token", None).await })
    };
    played.expect(VERIFY_TOKEN).answer(&value(1));
    runtime.block_on(again).unwrap().unwrap();
}
