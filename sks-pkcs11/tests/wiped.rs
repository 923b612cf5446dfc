//! Secrets leave a process' memory with C_Finalize, and a child's when it initialises the module after a fork: the memory
//! of a process that does both is searched for the PIN and for the private key of the local CA.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "fork is what is tested")]

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, Stdio};

use common::{Daemon, object};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use p256::pkcs8::DecodePrivateKey;

/// Long enough to be nowhere by chance.
const PIN: &str = "a PIN that is searched for";
/// Set for the process that is searched.
const SEARCHED: &str = "SKS_TEST_SEARCHED";

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

#[test]
fn secrets_are_wiped() {
    if std::env::var_os(SEARCHED).is_some() {
        return searched();
    }
    let daemon = Daemon::start();
    daemon.enroll("mine", Some(PIN), None, &[]);
    let mut host = Command::new(std::env::current_exe().unwrap());
    host.args(["--exact", "secrets_are_wiped", "--nocapture", "--test-threads=1"]).env(SEARCHED, "1");
    daemon.environment(&mut host);
    let mut host = host.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap());
    host.stdin.as_mut().unwrap().write_all(PIN.as_bytes()).unwrap();

    let pid = next(&mut lines, "used");
    if let Err(error) = File::open(format!("/proc/{pid}/mem")) {
        println!("skipped: a process may not look into its child's memory here ({error})");
        host.kill().unwrap();
        host.wait().unwrap();
        return;
    }
    let pem = std::fs::read_to_string(daemon.path("data/sks/local-ca/ca-key.pem")).unwrap();
    let (pem, _certificate) = pem.split_at(pem.find("-----BEGIN CERTIFICATE").unwrap());
    let key = p256::SecretKey::from_pkcs8_pem(pem).unwrap().to_bytes().to_vec();
    // As numbers are written, and as they lie in memory.
    let secrets = [PIN.as_bytes().to_vec(), key.iter().rev().copied().collect(), key];
    let found = search(pid, &secrets);
    assert!(found[0] && (found[1] || found[2]), "what is kept is found: {found:?}");
    go_on(&mut host);
    assert_eq!(search(next(&mut lines, "forked"), &secrets), [false; 3], "in a child");
    go_on(&mut host);
    assert_eq!(search(next(&mut lines, "ended"), &secrets), [false; 3], "after C_Finalize");
    go_on(&mut host);
    assert!(host.wait().unwrap().success());
}

fn go_on(host: &mut Child) {
    host.stdin.as_mut().unwrap().write_all(b".").unwrap();
}

/// Waits for a line that says how far it is, and in which process.
fn next(lines: &mut BufReader<ChildStdout>, stage: &str) -> i32 {
    for line in lines.lines() {
        if let Some((_, pid)) = line.unwrap().split_once(&format!("{stage} ")) {
            return pid.trim().parse().unwrap();
        }
    }
    panic!("it ended before {stage}");
}

/// Which secrets lie in the writable memory of a process.
fn search(pid: i32, secrets: &[Vec<u8>; 3]) -> [bool; 3] {
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = [false; 3];
    for line in std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap().lines() {
        let mut fields = line.split_whitespace();
        let (range, mode) = (fields.next().unwrap(), fields.next().unwrap());
        if !mode.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        memory.seek(SeekFrom::Start(start)).unwrap();
        // Some of the system's own cannot be read.
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        for (found, secret) in found.iter_mut().zip(secrets) {
            let first = secret[0];
            let at = |at: usize| bytes[at] == first && bytes[at..].starts_with(secret);
            *found |= (0..bytes.len()).any(at);
        }
    }
    found
}

/// Reads from the standard input without a buffer that would keep it.
fn read(bytes: &mut [u8]) {
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    input.read_exact(bytes).unwrap();
}

fn tell(stage: &str) {
    println!("{stage} {}", std::process::id());
    read(&mut [0]);
}

fn pin() -> AuthPin {
    let mut bytes = vec![0; PIN.len()];
    read(&mut bytes);
    // Wiped when dropped.
    AuthPin::new(String::from_utf8(bytes).unwrap().into())
}

/// What the process does that is searched.
fn searched() {
    let module = common::load();
    let session = module.open_rw_session(common::slot(&module, "mine")).unwrap();
    session.login(UserType::User, Some(&pin())).unwrap();
    let (public, private) = ([common::p256()], [Attribute::Token(true)]);
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap();
    session.sign(&Mechanism::EcdsaSha256, object(&session, ObjectClass::PRIVATE_KEY, "mine"), b"x").unwrap();
    tell("used");
    // SAFETY: the child initialises the module, says so, and ends without unwinding.
    let child = unsafe { fork() };
    if child == 0 {
        let own = Pkcs11::new(common::module()).unwrap();
        own.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        tell("forked");
        // SAFETY: ends the child at once.
        unsafe { _exit(0) };
    }
    // SAFETY: the child's id; its status is not asked for.
    assert_eq!(unsafe { waitpid(child, std::ptr::null_mut(), 0) }, child);
    // Still open: C_Finalize ends the login, too.
    std::mem::forget(session);
    module.finalize().unwrap();
    tell("ended");
}
