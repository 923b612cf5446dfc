//! The boundary: the socket, the protocol, the process, and what a crash or a panic leaves.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

#[macro_use]
mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use support::served::{Served, exchange, software, world};
use support::{SAM, USER, World, administrators, master};
use tw4s_firmware::client::Client;
use tw4s_firmware::process::harden;
use tw4s_firmware::protocol::{ADMIT, Admission, FORGET, Frame, MAX_CALL, OK, SIGN, STATUS, status_of};
use tw4s_firmware::server::{Server, ServerOptions};
use tw4s_firmware::{
    CryptoModule, Digested, Firmware, FirmwareError, KeyOrder, KeySpec, ModuleError, RawSigningKey, SoftwareModule,
    WrappedPair,
};
use tw4s_formats::{Format, OidArc};

/// What a call that succeeded gives.
fn body_of(answer: &Frame) -> Vec<u8> {
    assert_eq!(answer.code(), OK);
    answer.body().to_vec()
}

const EMPTY: [u8; 2] = [0x30, 0];

#[test]
fn every_service_goes_over_the_socket() {
    let world = world();
    let served = Served::new(&world, software());
    let client = Client::new(&served.socket);
    assert_eq!(client.status().unwrap(), world.firmware.status());
    assert_eq!(client.integrity_key().unwrap(), world.firmware.integrity_key());

    let order = KeyOrder { key_id: "k", user_id: USER, spec: KeySpec::P256, created: 1_700_000_000 };
    let key = client.generate(&order).unwrap();
    assert!(client.verify_wrapped_key(&key.wrapped_key).unwrap());
    assert!(!client.verify_wrapped_key(&key.csr).unwrap());
    assert!(!client.verify_wrapped_key(&vec![0; 500_000]).unwrap());
    let signing = world.signing(KeySpec::P256);
    let token = signing.token().to_bytes().unwrap();
    assert_eq!(client.verify_token(&token, Some(&signing.registered)), Ok(world.idp.certificate.clone()));
    assert_eq!(client.verify_token(&token, None), Ok(world.idp.certificate.clone()));
    assert_eq!(client.verify_token(&token, Some(&[])), Err(FirmwareError::UnregisteredSigner));
    let refused = client.verify_message(&world.idp.certificate, &EMPTY, b"message", b"signature");
    assert_eq!(refused, Err(FirmwareError::Malformed));

    let checkpoint = support::checkpoint(1, 1, 1);
    assert_eq!(client.anchor(&[1; 32]), Ok(None));
    let signature = client.sign_checkpoint(&checkpoint).unwrap();
    assert!(world.firmware.verify_checkpoint(&checkpoint, &signature));
    assert_eq!(client.verify_checkpoint(&checkpoint, &signature), Ok(true));
    assert_eq!(client.verify_checkpoint(&checkpoint, &[0; 5000]), Ok(false));
    assert_eq!(client.sign_checkpoint(b"checkpoint"), Err(FirmwareError::Malformed));
    assert_eq!(client.anchor(&[1; 32]), Ok(Some((1, [1; 32]))));

    let sad = signing.sad();
    let signatures = client.admit(&signing.order(&sad)).unwrap().sign().unwrap();
    assert_eq!(signatures.len(), 1);
    let mut missing = signing.clone();
    missing.wrapped_key = None;
    assert_eq!(client.admit(&missing.order(&sad)).unwrap_err(), FirmwareError::NoKey);

    let import = from_ref(&world.stranger.certificate);
    assert_eq!(client.set_idp_keys(&[], import), Err(FirmwareError::Logon));
    client.set_idp_keys(&administrators(), import).unwrap();
    assert_eq!(client.admit(&signing.order(&sad)).unwrap_err(), FirmwareError::UnknownSigner);
}

#[test]
fn an_admission_signs_once_and_on_its_connection_alone() {
    let world = world();
    let served = Served::new(&world, software());
    let malformed = status_of(&FirmwareError::Malformed);
    let (stream, other) = (served.connect(), served.connect());
    assert_eq!(exchange(&stream, SIGN, &number(1)).code(), malformed, "nothing was admitted");

    let signing = world.signing(KeySpec::P256);
    let sad = signing.sad();
    let client = Client::new(&served.socket);
    drop(client.admit(&signing.order(&sad)).unwrap());
    client.admit(&signing.order(&sad)).unwrap().sign().unwrap();

    let body = admit_body(&world);
    assert_eq!(body_of(&exchange(&stream, ADMIT, &body)), number(1));
    assert_eq!(exchange(&other, SIGN, &number(1)).code(), malformed, "it is another connection's");
    assert_eq!(exchange(&other, FORGET, &number(1)).code(), malformed, "it is another connection's");
    assert_ne!(exchange(&stream, ADMIT, &EMPTY).code(), OK);
    assert_eq!(exchange(&stream, STATUS, &EMPTY).code(), OK);
    assert_eq!(exchange(&stream, SIGN, &number(1)).code(), OK, "others may come between");
    assert_eq!(exchange(&stream, SIGN, &number(1)).code(), malformed, "twice");

    assert_eq!(body_of(&exchange(&stream, ADMIT, &body)), number(2));
    assert_eq!(exchange(&stream, FORGET, &number(2)).code(), OK);
    assert_eq!(exchange(&stream, SIGN, &number(2)).code(), malformed, "forgotten");
}

#[test]
fn calls_are_answered_in_their_order_without_waiting_for_each_other() {
    let world = world();
    let served = Served::new(&world, software());
    let body = admit_body(&world);
    let stream = served.connect();
    let mut calls = Vec::new();
    for code in [ADMIT, STATUS, ADMIT, SIGN, 99, SIGN, FORGET] {
        let body = match code {
            ADMIT => body.clone(),
            // The second one first.
            SIGN => number(if calls.iter().any(|frame: &Frame| frame.code() == 99) { 1 } else { 2 }),
            FORGET => number(2),
            _ => EMPTY.to_vec(),
        };
        calls.push(Frame::new(code, &body));
    }
    let sent: Vec<u8> = calls.iter().flat_map(|frame| frame.bytes().to_vec()).collect();
    (&stream).write_all(&sent).unwrap();
    let malformed = status_of(&FirmwareError::Malformed);
    let answers: Vec<Frame> = calls.iter().map(|_| Frame::read(&mut &stream, 2_000_000).unwrap().unwrap()).collect();
    let codes: Vec<u8> = answers.iter().map(Frame::code).collect();
    assert_eq!(codes, [OK, OK, OK, OK, malformed, OK, malformed]);
    assert_eq!((answers[0].body(), answers[2].body()), (&number(1)[..], &number(2)[..]));
    assert!(answers[3].body() != answers[5].body() && answers[3].body().len() > 60, "two signatures");
}

#[test]
fn admissions_that_nobody_signs_are_bounded() {
    let world = world();
    let served = Served::new(&world, software());
    let (stream, body) = (served.connect(), admit_body(&world));
    let refused = (1..=1025).map(|_| exchange(&stream, ADMIT, &body).code()).position(|code| code != OK);
    assert_eq!(refused, Some(1024));
    assert_eq!(exchange(&served.connect(), ADMIT, &body).code(), OK, "others have room");
    assert_eq!(exchange(&stream, FORGET, &number(7)).code(), OK);
    assert_eq!(exchange(&stream, ADMIT, &body).code(), OK, "a place is free again");
}

/// An admission's body.
fn number(number: u64) -> Vec<u8> {
    Admission { number }.to_bytes().unwrap()
}

fn admit_body(world: &World) -> Vec<u8> {
    use tw4s_firmware::protocol::AdmitCall;
    use tw4s_formats::{List, Octets, Text};
    let signing = world.signing(KeySpec::P256);
    // The signer alone, so that no byte is without meaning.
    let registered = [&world.idp.certificate].iter().map(|der| Octets::new(der.as_slice()).unwrap()).collect();
    let call = AdmitCall {
        sad: Octets::new(signing.sad()).unwrap(),
        user_id: Text::new(USER).unwrap(),
        registered: List::new(registered).unwrap(),
        wrapped_key: signing.wrapped_key.map(|bytes| Octets::new(bytes).unwrap()),
    };
    call.to_bytes().unwrap()
}

#[test]
fn hostile_frames_end_their_own_connection_at_most() {
    let world = world();
    let served = Served::new(&world, software());
    let client = Client::new(&served.socket);
    let too_long = u32::try_from(MAX_CALL + 1).unwrap().to_be_bytes();
    for bytes in [&[0, 0, 0, 0][..], &too_long, &[0xff; 64]] {
        let mut stream = served.connect();
        stream.write_all(bytes).unwrap();
        // The end, and no waiting for the rest: reset where bytes were left unread.
        match stream.read(&mut [0]) {
            Ok(0) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            other => panic!("{other:?}"),
        }
        client.status().unwrap();
    }
    // A frame that never comes whole holds up nobody.
    let mut slow = served.connect();
    slow.write_all(&[0, 0, 0, 9, STATUS]).unwrap();
    client.status().unwrap();

    let stream = served.connect();
    let malformed = status_of(&FirmwareError::Malformed);
    for code in [0, 15, 99, 255] {
        assert_eq!(exchange(&stream, code, &EMPTY).code(), malformed, "an unknown code");
    }
    for body in [&[][..], &[0x30], &[0x30, 0, 0], &[0x30, 0x80, 0, 0], &[4, 0]] {
        assert_eq!(exchange(&stream, STATUS, body).code(), malformed);
    }
    assert_eq!(exchange(&stream, STATUS, &EMPTY).code(), OK, "the connection goes on");
}

#[test]
fn any_call_is_answered() {
    let world = world();
    let served = Served::new(&world, software());
    let stream = served.connect();
    let good = admit_body(&world);
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(
        code in 1_u8..16,
        body in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0..good.len(),
        bit in 0..8,
    )| {
        // Key generation takes its time, and is not reached by chance.
        exchange(&stream, code, &body);
        let mut bad = good.clone();
        bad[at] ^= 1_u8 << bit;
        prop_assert_ne!(exchange(&stream, ADMIT, &bad).code(), OK);
    });
    assert_eq!(exchange(&stream, ADMIT, &good).code(), OK);
}

#[test]
fn many_threads_share_one_client() {
    let world = world();
    let served = Served::new(&world, software());
    let client = Client::new(&served.socket);
    let signing = world.signing(KeySpec::P256);
    let sad = signing.sad();
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(client.admit(&signing.order(&sad)).unwrap().sign().unwrap().len(), 1);
                }
            });
        }
    });
}

#[test]
fn the_socket_is_for_the_owner_and_replaces_dead_ones_only() {
    let world = world();
    let path = world.dir.path().join("firmware.sock");
    drop(UnixListener::bind(&path).unwrap()); // stale
    let served = Served::new(&world, software());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(Server::bind(&path, ServerOptions::default()).is_err(), "a live one");
    Client::new(&path).status().unwrap();
    drop(served);
    assert!(!path.exists());
    fs::write(&path, "a file").unwrap();
    assert!(Server::bind(&path, ServerOptions::default()).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"a file");
}

#[test]
fn too_many_connections_are_refused_and_places_come_back() {
    let world = world();
    let firmware = Arc::new(Firmware::open(&world.state(), &master(), software(), OidArc::default()).unwrap());
    let socket = world.dir.path().join("small.sock");
    let options = ServerOptions { max_connections: 2, ..ServerOptions::default() };
    let server = Server::bind(&socket, options).unwrap();
    let stop = server.stopper().unwrap();
    let thread = thread::spawn(move || server.run(&firmware).unwrap());
    let connect = || {
        let stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    };
    let (one, two) = (connect(), connect());
    assert_eq!((exchange(&one, STATUS, &EMPTY).code(), exchange(&two, STATUS, &EMPTY).code()), (OK, OK));
    let mut three = connect();
    assert_eq!(three.read(&mut [0]).unwrap(), 0, "refused at once");
    drop(one);
    wait(|| Client::new(&socket).status().is_ok());
    stop.stop();
    thread.join().unwrap();
}

#[test]
fn nobody_else_is_believed_at_the_socket() {
    let world = world();
    let served = Served::new(&world, software());
    let other = Client::of_user(&served.socket, u32::MAX - 1);
    assert!(matches!(other.status(), Err(FirmwareError::NotOperational(_))));
}

/// Counts the keys that are active, and panics when it is to sign.
struct Panicking {
    inner: SoftwareModule,
    active: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

struct PanickingKey<'a> {
    inner: Box<dyn RawSigningKey + 'a>,
    active: &'a AtomicUsize,
}

impl CryptoModule for Panicking {
    fn key_id(&self) -> &str {
        self.inner.key_id()
    }

    fn generate(&self, spec: KeySpec) -> Result<WrappedPair, ModuleError> {
        self.inner.generate(spec)
    }

    fn activate(&self, wrapped: &[u8], spec: KeySpec) -> Result<Box<dyn RawSigningKey + '_>, ModuleError> {
        let inner = self.inner.activate(wrapped, spec)?;
        let now = self.active.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Ok(Box::new(PanickingKey { inner, active: &self.active }))
    }
}

impl RawSigningKey for PanickingKey<'_> {
    fn spec(&self) -> KeySpec {
        self.inner.spec()
    }

    fn sign(&self, _: &Digested<'_>) -> Result<Vec<u8>, ModuleError> {
        panic!("while the key is active");
    }
}

impl Drop for PanickingKey<'_> {
    fn drop(&mut self) {
        self.active.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn a_panic_costs_its_call_and_leaves_no_key_active() {
    let world = world();
    let (active, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let inner = SoftwareModule::new(&master()).unwrap();
    let module = Box::new(Panicking { inner, active: Arc::clone(&active), most: Arc::clone(&most) });
    let served = Served::new(&world, module);
    let client = Client::new(&served.socket);
    let signing = world.signing(KeySpec::P256);
    let sad = signing.sad();
    for _ in 0..3 {
        let admission = client.admit(&signing.order(&sad)).unwrap();
        assert_eq!(active.load(Ordering::SeqCst), 0, "admitted, not active");
        assert_eq!(admission.sign(), Err(FirmwareError::Failed));
        assert_eq!(active.load(Ordering::SeqCst), 0);
    }
    assert_eq!(most.load(Ordering::SeqCst), 1, "it was active in between");
    client.status().unwrap();
}

/// The name of the test that is a server when it is run as a child, and of the variables that say so.
const CHILD: &str = "a_process_of_its_own";
const STATE: &str = "TW4S_TEST_STATE";
const SOCKET: &str = "TW4S_TEST_SOCKET";

/// A firmware process, killed when dropped.
struct Process(Child);

impl Process {
    fn start(state: &Path, socket: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", CHILD, "--nocapture"]).env(STATE, state).env(SOCKET, socket);
        let process = Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        wait(|| Client::new(socket).status().is_ok());
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn wait(until: impl Fn() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not come");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Run by itself it does nothing.
#[test]
fn a_process_of_its_own() {
    let (Some(state), Some(socket)) = (std::env::var_os(STATE), std::env::var_os(SOCKET)) else { return };
    harden(false).unwrap();
    let firmware = Firmware::open(Path::new(&state), &master(), software(), OidArc::default()).unwrap();
    let server = Server::bind(Path::new(&socket), ServerOptions::default()).unwrap();
    server.run(&Arc::new(firmware)).unwrap();
}

#[test]
fn a_killed_firmware_is_not_operational_and_is_found_again() {
    let world = world();
    let socket = world.dir.path().join("firmware.sock");
    let client = Client::new(&socket);
    let gone = |result: Result<_, FirmwareError>| assert!(matches!(result, Err(FirmwareError::NotOperational(_))));
    gone(client.status());
    let signing = world.signing(KeySpec::P256);
    let sad = signing.sad();

    let process = Process::start(&world.state(), &socket);
    assert_eq!(client.status().unwrap().sam_id, SAM);
    client.admit(&signing.order(&sad)).unwrap().sign().unwrap();
    let admission = client.admit(&signing.order(&sad)).unwrap();
    drop(process);
    let failed = admission.sign();
    assert!(matches!(failed, Err(FirmwareError::NotOperational(_))), "{failed:?}");
    gone(client.status());

    let process = Process::start(&world.state(), &socket);
    client.admit(&signing.order(&sad)).unwrap().sign().unwrap();
    // Now with connections that died unnoticed.
    drop(process);
    let _process = Process::start(&world.state(), &socket);
    client.admit(&signing.order(&sad)).unwrap().sign().unwrap();
    client.status().unwrap();
}

#[test]
fn the_process_shows_its_memory_to_nobody() {
    let world = world();
    let process = Process::start(&world.state(), &world.dir.path().join("firmware.sock"));
    let status = fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap();
    let locked = |status: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.0.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    // The kernel gives the files of a process that is not dumpable to root.
    use std::os::unix::fs::MetadataExt;
    assert_eq!(fs::metadata(format!("/proc/{}/mem", process.0.id())).unwrap().uid(), 0);
    let capable = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    let ipc_lock = u64::from_str_radix(capable.trim(), 16).unwrap() >> 14 & 1 == 1;
    if ipc_lock {
        assert!(locked(&status) > 0, "{status}");
    }
}

/// A process without the right to lock memory, and with a limit on it that would do for a while: by itself it does nothing.
#[test]
fn in_a_process_that_may_not_lock() {
    if std::env::var_os("TW4S_TEST_NO_LOCK").is_none() {
        return;
    }
    assert!(!harden(false).unwrap().memory_locked, "refused, and a warning");
    assert!(matches!(harden(true), Err(tw4s_firmware::process::HardenError::MemoryLock(_))), "refused, and fatal");
}

#[test]
fn memory_that_is_not_locked_is_fatal_if_it_has_to_be() {
    let mut command = Command::new("prlimit");
    command.args(["--memlock=1073741824:1073741824", "setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"]);
    let output = command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "in_a_process_that_may_not_lock", "--nocapture"])
        .env("TW4S_TEST_NO_LOCK", "1")
        .output();
    let output = match output {
        Ok(output) => output,
        Err(_) => return eprintln!("SKIPPED: memory_that_is_not_locked_is_fatal_if_it_has_to_be: no prlimit"),
    };
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !said.contains("running 1 test") {
        return eprintln!("SKIPPED: memory_that_is_not_locked_is_fatal_if_it_has_to_be: {said}");
    }
    assert!(output.status.success(), "{said}");
}
