//! The module in the programs people already use. Each test drives a real client against a daemon of its own; where the
//! client's package is missing it says so and passes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says on stderr what it skips"
)]

#[path = "../common/mod.rs"]
mod common;

mod agent;
mod chromium;
mod curl;
mod firefox;
mod gnutls;
mod java;
mod marionette;
mod nss;
mod openssl;
mod p11kit;
mod pkcs11_tool;
mod server;
mod settings;
mod ssh;

use std::process::{Child, Output};
use std::time::{Duration, Instant};

use common::Daemon;
use rustix::process::{Pid, Signal, kill_process};
use sks_client::{Client, Error};
use sks_wire::method::get_key_protection_info::{Request, Response};
use sks_wire::types::{KeyHandle, protection};

pub(crate) const PIN: &str = "1563";
pub(crate) const WRONG_PIN: &str = "0000";
pub(crate) const PUK: &str = "87654321";
/// How many wrong PINs lock a key.
const TRIES: u8 = 3;
/// The label of the token of the keys with a PIN, once there are two.
pub(crate) const TOKEN: &str = "local-issuer user-pin";

/// Whether all programs are there; says which are not.
pub(crate) fn have(programs: &[(&str, &str)]) -> bool {
    let there = |program: &str| {
        std::env::split_paths(&format!("{}:/usr/sbin", std::env::var("PATH").unwrap()))
            .any(|folder| folder.join(program).is_file())
    };
    let missing: Vec<_> = programs.iter().filter(|(program, _)| !there(program)).collect();
    for (program, package) in &missing {
        eprintln!("SKIPPED: {program} is not installed (Debian package {package})");
    }
    missing.is_empty()
}

/// A token with a key of each kind without a PIN, and one of each with.
pub(crate) fn token() -> Daemon {
    token_with(&[])
}

/// The same, with options of `sks serve`.
pub(crate) fn token_with(options: &'static [&'static str]) -> Daemon {
    let daemon = Daemon::start_with(options);
    daemon.enroll("free ec", None, None, &[]);
    daemon.enroll("free rsa", None, None, &["--type", "rsa2048"]);
    daemon.enroll("my ec", Some(PIN), Some(PUK), &[]);
    daemon.enroll("my rsa", Some(PIN), Some(PUK), &["--type", "rsa2048"]);
    daemon.file("message", "a message\n");
    daemon
}

/// The module's path, as clients take it.
pub(crate) fn module() -> String {
    common::module().display().to_string()
}

/// What a program said, on both of its outputs.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Refuses a program's failure; gives what it said.
#[track_caller]
pub(crate) fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}\n{}", output.status, said(output));
    said(output)
}

/// Refuses a program's success.
#[track_caller]
pub(crate) fn bad(output: &Output) -> String {
    assert!(!output.status.success(), "{}", said(output));
    said(output)
}

/// The PKCS#11 URI of an object among the keys with a PIN.
pub(crate) fn uri(label: &str, kind: &str) -> String {
    let encoded = |text: &str| text.replace(' ', "%20");
    format!("pkcs11:token={};object={};type={kind}", encoded(TOKEN), encoded(label))
}

/// The tries that wrong PINs have cost: the same for all keys with a PIN, which three lock.
#[track_caller]
pub(crate) fn tries_lost(daemon: &Daemon) -> u8 {
    let mut client = Client::connect(&daemon.path("sks.sock")).unwrap();
    let mut of_key = |handle| match client.call(&Request { key_handle: KeyHandle(handle) }) {
        Err(Error::Refused(_)) => None,
        answer => Some(answer.unwrap()),
    };
    let states: Vec<Response> = (1..10).filter_map(&mut of_key).collect();
    let states: Vec<_> = states.iter().filter(|state| state.protection_status & protection::PIN != 0).collect();
    let lost = states[0].pin_error_count;
    for state in states {
        let locked = state.protection_status & protection::PIN_LOCKED != 0;
        assert_eq!((state.pin_error_count, locked), (lost, lost == TRIES));
    }
    lost
}

/// Gives the keys with a PIN back to their user.
pub(crate) fn unlock(daemon: &Daemon, keys: &[&str]) {
    let puk = daemon.secret("puk", PUK).display().to_string();
    for key in keys {
        good(&daemon.run(common::sks(), ["unlock", key, "--puk-file", &puk]));
    }
}

/// What each client has to do with PINs. A wrong one costs one try and no more, and the right one gives it back; the third
/// wrong one locks, and then the right one is refused too, until the PUK unlocks. `attempt` uses a key with a PIN, given
/// the PIN; `wrong` and `locked` are in what the client says then.
#[track_caller]
pub(crate) fn meets_pins(daemon: &Daemon, attempt: impl Fn(&str) -> Output, wrong: &str, locked: &str) {
    let refused = |pin: &str, why: &str, lost: u8| {
        let told = bad(&attempt(pin));
        assert!(told.contains(why), "no {why:?}: {told}");
        assert_eq!(tries_lost(daemon), lost, "{told}");
    };
    refused(WRONG_PIN, wrong, 1);
    good(&attempt(PIN));
    assert_eq!(tries_lost(daemon), 0);
    refused(WRONG_PIN, wrong, 1);
    refused(WRONG_PIN, wrong, 2);
    refused(WRONG_PIN, locked, TRIES);
    refused(PIN, locked, TRIES);
    unlock(daemon, &["3", "4"]);
    good(&attempt(PIN));
    assert_eq!(tries_lost(daemon), 0);
}

/// Waits for something that a program does in its own time.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(done) = done() {
            return done;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{what} does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A program that goes with the test: it is asked to end, for then it ends its own children too.
pub(crate) struct Program(pub(crate) Child);

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(id) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

/// Splits a command line at blanks.
pub(crate) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// Has OpenSSL verify a file's signature with the public key of a certificate in DER.
#[track_caller]
pub(crate) fn openssl_verifies(daemon: &Daemon, certificate: &str, signature: &str, more: &str) {
    let line = format!("x509 -inform der -in {certificate} -noout -pubkey -out public.pem");
    good(&daemon.run("openssl", words(&line)));
    let line = format!("dgst -sha256 {more} -verify public.pem -signature {signature} message");
    assert!(good(&daemon.run("openssl", words(&line))).contains("Verified OK"));
}

/// Has OpenSSL verify a CMS message (RFC 5652) with `message` in it, whose signer the local CA certified.
#[track_caller]
pub(crate) fn openssl_verifies_cms(daemon: &Daemon, file: &str, form: &str) {
    let line = format!("cms -verify -inform {form} -in {file} -CAfile {CA} -purpose any");
    let told = good(&daemon.run("openssl", words(&line)));
    assert!(told.contains("a message") && told.contains("CMS Verification successful"), "{told}");
}

/// The local CA's certificate, in the token's directory.
pub(crate) const CA: &str = "data/sks/local-ca/ca.pem";

/// Writes a key's certificate to a file in PEM.
pub(crate) fn certificate(daemon: &Daemon, key: &str, file: &str) {
    let told = good(&daemon.run(common::sks(), ["key", key, "--json"]));
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let base64 = told["x509_certificate"][0].as_str().unwrap();
    daemon.file(file, format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n"));
    good(&daemon.run("openssl", ["x509", "-in", file, "-out", file]));
}
