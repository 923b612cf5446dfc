//! What a peer may not do: send more than a call's length, be one too many, be somebody else, and keep the end waiting.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test that skips says so")]

use std::env;
use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::*;

/// Answers at once, with so many bytes.
struct Answering(usize);

impl Handler for Answering {
    fn max_call(&self) -> usize {
        8
    }

    fn answer<'a>(&'a self, _: &'a [u8]) -> Later<'a, Vec<u8>> {
        Box::pin(async { vec![7; self.0] })
    }

    fn too_long(&self) -> Later<'_, Vec<u8>> {
        Box::pin(async { b"too long".to_vec() })
    }
}

/// A service with one socket.
struct Served {
    runtime: Runtime,
    connections: Connections,
    running: JoinHandle<io::Result<Server>>,
    stopper: StdStream,
    folder: TempDir,
}

impl Served {
    fn new(answer: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let mut server = Server::new();
        let connections = server.connections.clone();
        server.bind(&folder.path().join("socket"), Arc::new(Answering(answer))).unwrap();
        let (stop, stopper) = StdStream::pair().unwrap();
        let running = runtime.spawn(async move { server.run(stop).await.map(|()| server) });
        Self { runtime, connections, running, stopper, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn connect(&self) -> StdStream {
        let stream = StdStream::connect(self.path()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Ends it; gives what [`Server::end`] will say, and comes back when no further call is taken.
    fn begin_to_end(mut self, limit: Duration) -> (Runtime, JoinHandle<usize>) {
        io::Write::write_all(&mut self.stopper, b"x").unwrap();
        let server = self.runtime.block_on(self.running).unwrap().unwrap();
        let mut phase = self.connections.phase.subscribe();
        let ending = self.runtime.spawn(server.end(limit));
        self.runtime.block_on(async { phase.wait_for(|phase| *phase >= Phase::Ending).await.map(drop) }).unwrap();
        (self.runtime, ending)
    }
}

fn read(stream: &mut StdStream) -> (Frame, Vec<u8>) {
    let mut body = Vec::new();
    let frame = read_frame(stream, &mut body, LONG).unwrap();
    (frame, body)
}

/// Whether a call is answered, and not refused.
fn is_served(stream: &mut StdStream) -> bool {
    // A refused peer may find that out while it writes.
    let written = write_frame(&*stream, b"call");
    let mut body = Vec::new();
    written.and_then(|()| read_frame(stream, &mut body, LONG)).is_ok_and(|frame| frame == Frame::Whole)
}

fn wait(until: impl Fn() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < PATIENCE, "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn of_a_call_that_is_too_long_nothing_is_read_and_its_connection_ends() {
    let served = Served::new(3);
    let mut stream = served.connect();
    write_frame(&stream, &[0; 8]).unwrap();
    assert_eq!(read(&mut stream), (Frame::Whole, vec![7; 3]));
    io::Write::write_all(&mut stream, &[0, 0, 0, 9]).unwrap();
    assert_eq!(read(&mut stream), (Frame::Whole, b"too long".to_vec()));
    assert_eq!(read(&mut stream).0, Frame::End);
    assert!(is_served(&mut served.connect()));
}

#[test]
fn too_many_connections_are_refused_and_places_come_back() {
    let served = Served::new(3);
    let but_two = u32::try_from(MAX_CONNECTIONS - 2).unwrap();
    let places = Arc::clone(&served.connections.places);
    let _taken = served.runtime.block_on(places.acquire_many_owned(but_two)).unwrap();
    let (mut one, mut two) = (served.connect(), served.connect());
    assert!(is_served(&mut one) && is_served(&mut two));
    assert!(!is_served(&mut served.connect()), "a third one");
    assert!(is_served(&mut two));
    drop(one);
    wait(|| is_served(&mut served.connect()));
}

#[test]
fn an_answer_under_way_is_written_whole_while_the_end_waits() {
    let served = Served::new(LONG);
    let mut stream = served.connect();
    write_frame(&stream, b"call").unwrap();
    // More than the socket holds: the rest of it waits for this peer.
    stream.read_exact(&mut [0; 4]).unwrap();
    let (runtime, ending) = served.begin_to_end(2 * PATIENCE);
    stream.read_exact(&mut vec![0; LONG]).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert_eq!(runtime.block_on(ending).unwrap(), 0);
}

#[test]
fn a_peer_that_does_not_read_is_cut_off_before_the_end() {
    let served = Served::new(LONG);
    let mut stream = served.connect();
    write_frame(&stream, b"call").unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
    let (runtime, ending) = served.begin_to_end(Duration::from_secs(8));
    assert_eq!(runtime.block_on(ending).unwrap(), 0);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.len() < LONG);
}

#[test]
fn a_file_that_was_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    drop(StdListener::bind(&path).unwrap());
    Server::new().bind(&path, Arc::new(Answering(3))).unwrap();
}

/// Nobody's, commonly.
const OTHER: u32 = 65_534;
const SOCKET: &str = "TW4S_TEST_SOCKET";

/// What a process of another user does: it ends well if its call is answered.
#[test]
fn asks_as_another_user() {
    let Some(path) = env::var_os(SOCKET) else { return };
    let mut stream = StdStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(is_served(&mut stream));
}

#[test]
fn a_process_of_another_user_is_not_answered() {
    let may_run = |uid| {
        let mut other = Command::new(env::current_exe().unwrap());
        other.arg("--list").uid(uid).gid(uid).output().is_ok_and(|ran| ran.status.success())
    };
    if !rustix::process::geteuid().is_root() || !may_run(OTHER) {
        return eprintln!("SKIPPED: a_process_of_another_user_is_not_answered: another user cannot run this program");
    }
    let served = Served::new(3);
    fs::set_permissions(served.folder.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(served.path(), Permissions::from_mode(0o666)).unwrap();
    let asked = |uid| {
        let mut other = Command::new(env::current_exe().unwrap());
        other.args(["--exact", "listen::limits::asks_as_another_user"]).env(SOCKET, served.path());
        other.uid(uid).gid(uid).output()
    };
    let said = asked(0).unwrap();
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success() && text.contains("1 passed"), "{text}");
    let said = asked(OTHER).unwrap();
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(!said.status.success() && text.contains("is_served"), "{text}");
}

/// Longer than a test waits for what comes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of an answer that no socket holds.
const LONG: usize = 8 << 20;
