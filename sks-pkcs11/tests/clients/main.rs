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

mod chromium;
mod git;
mod gnutls;
mod java;
mod nss;
mod openssl;
mod p11kit;
mod pkcs11_tool;
mod ssh;
mod tls;

use std::process::Output;

use common::Daemon;

pub(crate) const PIN: &str = "1563";
pub(crate) const PUK: &str = "87654321";
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
    let daemon = Daemon::start();
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

/// Splits a command line at blanks.
pub(crate) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// Has OpenSSL verify a file's signature with the public key of a certificate in DER.
pub(crate) fn openssl_verifies(daemon: &Daemon, certificate: &str, signature: &str, more: &str) {
    let line = format!("x509 -inform der -in {certificate} -noout -pubkey -out public.pem");
    good(&daemon.run("openssl", words(&line)));
    let line = format!("dgst -sha256 {more} -verify public.pem -signature {signature} message");
    assert!(good(&daemon.run("openssl", words(&line))).contains("Verified OK"));
}
