//! A daemon of one's own, and a key in it.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sks_client::Client;
use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::{KeyOptions, PinPolicyOptions, Protection, PukPolicyOptions, Session, SessionOptions, Trust};
use sks_wire::Secret;
use sks_wire::types::{Format, Id, KeyHandle, KeyUsage};

/// Longer than anything takes that is not broken, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The bytes of getDeviceInfo.
pub(crate) const DEVICE_INFO: &[u8] = &[31];

/// The `sks` command, without the environment of whoever runs the tests.
pub(crate) fn sks() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sks"));
    for variable in ["SKS_STORE", "SKS_SOCKET", "SKS_LOG", "LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// A directory for a store, a socket and a log.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("sks.sock")
    }

    /// `sks serve` in this home.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Command {
        let mut command = sks();
        command.arg("serve").arg("--store").arg(self.store()).arg("--socket").arg(self.socket()).args(arguments);
        command
    }

    /// Runs a daemon that must not start, and gives its exit code and its words.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (Option<i32>, String) {
        fails(self.serve(arguments))
    }

    /// A daemon that answers.
    pub(crate) fn start(&self, arguments: &[&str]) -> Daemon {
        self.run(self.serve(arguments))
    }

    /// A daemon by this command, once it answers.
    pub(crate) fn run(&self, mut command: Command) -> Daemon {
        let log = self.path("log");
        let child = command.stdout(Stdio::null()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        let mut daemon = Daemon { child, socket: self.socket(), log };
        let start = Instant::now();
        while UnixStream::connect(&daemon.socket).is_err() {
            let ended = daemon.child.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < PATIENCE, "{ended:?}: {}", daemon.log());
            thread::sleep(Duration::from_millis(5));
        }
        daemon
    }
}

/// Runs a command that must end by itself, and gives its exit code and its words.
pub(crate) fn fails(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// A running daemon. Dropped, it is killed.
pub(crate) struct Daemon {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Daemon {
    pub(crate) fn client(&self) -> Client {
        let mut client = Client::connect(&self.socket).unwrap();
        client.set_timeout(Some(PATIENCE)).unwrap();
        client
    }

    /// A connection without a client's manners.
    pub(crate) fn stream(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// That it answers, on a new connection.
    pub(crate) fn answers(&self) {
        assert_eq!(self.client().call_raw(DEVICE_INFO).unwrap()[0], 0);
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// That it logs this, soon.
    pub(crate) fn logs(&self, words: &str) {
        let start = Instant::now();
        while !self.log().contains(words) {
            assert!(start.elapsed() < PATIENCE, "{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the daemon does not end: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it as an administrator does.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.wait().code(), Some(0), "{}", self.log());
    }

    /// Ends it as the kernel does.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        self.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Fails when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the end of a stream.
pub(crate) fn read_to_end(mut stream: &UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Whoever is cut off with calls unread gets an error after the answers.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// A key with a PIN under a PUK; `retry_limit` is the PUK's.
pub(crate) fn provision(daemon: &Daemon, pin: &Secret, puk: &Secret, retry_limit: u8) -> KeyHandle {
    let mut client = daemon.client();
    let id = |text| Id::new(text).unwrap();
    let options = SessionOptions::new("https://issuer.example.com", Trust::Any);
    let mut session = Session::create(|call: &[u8]| client.call_raw(call), &options).unwrap();
    let puk = PukPolicyOptions { id: id("PUK"), puk: puk.clone(), format: Format::String, retry_limit };
    let puk = session.create_puk_policy(puk).unwrap();
    let policy = PinPolicyOptions { max_length: 50, ..PinPolicyOptions::new(id("PIN")) };
    let policy = session.create_pin_policy(&policy, Some(&puk)).unwrap();
    let protection = Protection::Pin { policy: &policy, pin };
    let key = session.create_key_pair(&KeyOptions::p256(id("Key")), protection).unwrap();
    let ca = Ca::create(&Subject::common_name("Test CA").unwrap(), 1).unwrap();
    let leaf = Leaf::new(Subject::common_name("Alice").unwrap(), KeyUsage::Universal);
    let certificate = ca.issue(&key.public_key, &leaf).unwrap();
    let handle = session.set_certificate_path(key, &[certificate]).unwrap().handle;
    session.close().unwrap();
    handle
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::from(text.as_bytes())
}
