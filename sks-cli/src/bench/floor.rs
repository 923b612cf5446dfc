//! What the machine can do without a token: an echo over a socket, the bare engine, an append with fdatasync.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sks_core::crypto::session::{self, Parties};
use sks_core::crypto::{Preferred, certificate, engine};
use sks_core::ports::{Crypto, KeySpec, PrivateKey, Rng, RngError};
use sks_issuer::crypto::EphemeralKey;
use sks_wire::algorithm::Algorithm;
use sks_wire::types::Id;
use sks_wire::{MethodId, label};

use super::load::{Call, timed};
use crate::exit::Failure;

/// Bytes of an echoed frame: those of a P-256 signature's call, by and large.
const FRAME: usize = 128;
/// How long the echo may take to start, and how long to wait before looking again.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);
/// Bytes of an append: those of a small transaction.
const APPEND: usize = 1024;

/// The operating system's random numbers, as the daemon uses them.
pub(super) struct System;

impl Rng for System {
    fn fill(&self, out: &mut [u8]) -> Result<(), RngError> {
        getrandom::fill(out).map_err(|_| RngError)
    }
}

fn engine_failed(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::doing("measuring the bare engine")(error)
}

/// A process that sends back what it gets, and does nothing else. Dropped, it ends.
pub(super) struct Echo {
    child: Child,
    socket: PathBuf,
}

impl Echo {
    /// Starts it: this executable again, as the token is a process of its own too. `folder` is for its socket.
    pub(super) fn start(folder: &Path) -> Result<Self, Failure> {
        let socket = folder.join("echo.sock");
        let starting = |error| Failure::doing("starting the echo")(error);
        let program = std::env::current_exe().map_err(starting)?;
        let child = Command::new(program).args(["bench", "--echo"]).arg(&socket).stdin(Stdio::null()).spawn();
        let echo = Self { child: child.map_err(starting)?, socket };
        let began = Instant::now();
        while UnixStream::connect(&echo.socket).is_err() {
            if began.elapsed() > PATIENCE {
                return Err(Failure::text("the echo does not start"));
            }
            thread::sleep(PAUSE);
        }
        Ok(echo)
    }

    /// A frame there and back.
    pub(super) fn call(&self) -> Result<Call<'_>, Failure> {
        let mut stream = UnixStream::connect(&self.socket).map_err(Failure::other)?;
        let mut buffer = [7u8; FRAME];
        Ok(timed(move || {
            stream.write_all(&buffer).and_then(|()| stream.read_exact(&mut buffer)).map_err(Failure::other)
        }))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Fails when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.socket);
    }
}

/// The echo's own side: a thread for each connection, until the process is killed.
pub(crate) fn serve_echo(socket: &Path) -> Result<(), Failure> {
    let listener = UnixListener::bind(socket).map_err(Failure::doing("listening for the echo"))?;
    for stream in listener.incoming() {
        let mut stream = stream.map_err(Failure::other)?;
        thread::spawn(move || {
            let mut buffer = [0u8; FRAME];
            while stream.read_exact(&mut buffer).is_ok() && stream.write_all(&buffer).is_ok() {}
        });
    }
    Ok(())
}

/// An append and fdatasync, on the file system of the token's store.
pub(super) fn append(folder: &Path) -> Result<Call<'static>, Failure> {
    let mut file: File = tempfile::tempfile_in(folder).map_err(Failure::doing("making a file to append to"))?;
    let bytes = [0x5Au8; APPEND];
    Ok(timed(move || file.write_all(&bytes).and_then(|()| file.sync_data()).map_err(Failure::other)))
}

fn key(spec: KeySpec) -> Result<Box<dyn PrivateKey>, Failure> {
    let made = engine().generate(spec, &[0; 32], &System).map_err(engine_failed)?;
    let pkcs8 = made.pkcs8().map_err(engine_failed)?;
    engine().load(pkcs8.expose()).map_err(engine_failed)
}

/// P-256, or RSA of 2048 bits.
pub(super) const P256: KeySpec = KeySpec::P256;
/// RSA of 2048 bits.
pub(super) const RSA_2048: KeySpec = KeySpec::Rsa { bits: 2048, exponent: 65537 };

/// The algorithm that the benchmark signs with.
pub(super) fn signature_algorithm(spec: KeySpec) -> Algorithm {
    match spec {
        KeySpec::P256 => Algorithm::EcdsaSha256,
        KeySpec::Rsa { .. } => Algorithm::RsaSha256,
    }
}

/// A bare signature.
pub(super) fn sign(spec: KeySpec) -> Result<Call<'static>, Failure> {
    let key = key(spec)?;
    let algorithm = signature_algorithm(spec);
    Ok(timed(move || key.sign(algorithm, &[7; 32], &System).map(|_| ()).map_err(engine_failed)))
}

/// A bare key generation.
pub(super) fn generate(spec: KeySpec) -> Call<'static> {
    timed(move || engine().generate(spec, &[0; 32], &System).map(|_| ()).map_err(engine_failed))
}

/// All the cryptography that the token does in a sample session, without anything else: the session key and its
/// attestation, the PUK, the key pair and its attestation, two MACs, the attestation of the close.
pub(super) fn session() -> Result<Call<'static>, Failure> {
    let attester = key(P256)?;
    let server = EphemeralKey::generate().map_err(engine_failed)?;
    let vendor = sks_issuer::ca::Subject::common_name("Bench").map_err(engine_failed)?;
    let identity = sks_issuer::ca::device_identity(&vendor, &vendor, 1).map_err(engine_failed)?;
    let device_certificate = identity.path.first().cloned().unwrap_or_default();
    let (client_id, server_id) = (id("C-bench")?, id("S-bench")?);
    let engine: Preferred = engine();
    Ok(timed(move || {
        let parties = Parties {
            issuer_uri: "https://bench.example",
            device_certificate: &device_certificate,
            client_session_id: &client_id,
            server_session_id: &server_id,
        };
        let agreed =
            session::create_session_key(server.public_der(), &parties, &engine, &System).map_err(engine_failed)?;
        let hmac = agreed.session_key.session_hmac(&[7; 300]);
        session::attest_session(&*attester, &hmac, &System).map_err(engine_failed)?;
        // The issuer's encryption stands in for the token's decryption: one derivation and one block either way.
        agreed.session_key.encrypt(b"17644", &System).map_err(engine_failed)?;
        let made = engine.generate(P256, &[0; 32], &System).map_err(engine_failed)?;
        made.pkcs8().map_err(engine_failed)?;
        black_box(agreed.session_key.attest(&[&[7; 250]]));
        black_box(agreed.session_key.mac(MethodId::SetCertificatePath, 0, &[&[7; 900]]));
        certificate::public_key_of(&device_certificate).map_err(engine_failed)?;
        black_box(agreed.session_key.mac(MethodId::CloseProvisioningSession, 1, &[&[7; 100]]));
        black_box(agreed.session_key.attest(&[label::SUCCESS, &[0, 2]]));
        Ok(())
    }))
}

fn id(text: &str) -> Result<Id, Failure> {
    Id::new(text).map_err(Failure::other)
}
