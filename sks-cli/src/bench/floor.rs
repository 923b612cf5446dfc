//! What the machine can do without a token: an echo over a socket, the bare engine, an append with fdatasync.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

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

/// A frame there and back, to a thread that does nothing else.
pub(super) fn echo() -> Result<Call<'static>, Failure> {
    let (mut here, mut there) = UnixStream::pair().map_err(Failure::other)?;
    std::thread::spawn(move || {
        let mut buffer = [0u8; FRAME];
        while there.read_exact(&mut buffer).is_ok() && there.write_all(&buffer).is_ok() {}
    });
    let mut buffer = [7u8; FRAME];
    Ok(timed(move || here.write_all(&buffer).and_then(|()| here.read_exact(&mut buffer)).map_err(Failure::other)))
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
        let agreed = session::create_session_key(server.public_der(), &parties, &System).map_err(engine_failed)?;
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
