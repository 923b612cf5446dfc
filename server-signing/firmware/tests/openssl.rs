//! What leaves the firmware, read by OpenSSL's command line. Skipped, with a line, where it is not installed.

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
use std::path::Path;
use std::process::Command;

use der::Encode;
use support::{SPECS, USER, World, hash, master, spki};
use tw4s_firmware::{KeySpec, SoftwareModule};
use tw4s_formats::{Digest, Format, HashAlgorithm, SignatureAlgorithm, SignedPublicKey, WrappedKey};

/// The arguments of one run, in a directory; what it says, if it is content.
fn openssl(dir: &Path, args: &str) -> Result<String, String> {
    let output = Command::new("openssl").args(args.split(' ')).current_dir(dir).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(said) } else { Err(said) }
}

fn is_absent(test: &str) -> bool {
    let absent = Command::new("openssl").arg("version").output().is_err();
    if absent {
        eprintln!("SKIPPED: {test}: openssl is not installed");
    }
    absent
}

fn world() -> World {
    World::new(&master(), || Box::new(SoftwareModule::new(&master()).unwrap()))
}

#[test]
fn openssl_verifies_the_certificate_requests() {
    if is_absent("openssl_verifies_the_certificate_requests") {
        return;
    }
    let world = world();
    let dir = world.dir.path();
    for spec in SPECS {
        let (_, key) = world.key(spec);
        fs::write(dir.join("csr"), &key.csr).unwrap();
        let said = openssl(dir, "req -inform DER -in csr -verify -noout -text").unwrap();
        assert!(said.contains("verify OK"), "{spec:?}: {said}");
        assert!(said.contains(USER), "{said}");
        assert!(said.contains("Non Repudiation") && !said.contains("Digital Signature"), "{said}");
        let mut bad = key.csr.clone();
        *bad.last_mut().unwrap() ^= 1;
        fs::write(dir.join("csr"), &bad).unwrap();
        assert!(!openssl(dir, "req -inform DER -in csr -verify -noout").is_ok_and(|said| said.contains("verify OK")));
    }
}

#[test]
fn openssl_verifies_the_signatures() {
    if is_absent("openssl_verifies_the_signatures") {
        return;
    }
    let world = world();
    let dir = world.dir.path();
    fs::write(dir.join("document"), "document").unwrap();
    let pss = |digest, salt_len| HashAlgorithm::Signature(SignatureAlgorithm::RsaPss { digest, salt_len });
    let padding = |salt_len| format!("-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:{salt_len} ");
    let mut cases = vec![
        (KeySpec::Rsa2048, pss(Digest::Sha256, 222), padding(222)),
        (KeySpec::Rsa2048, pss(Digest::Sha256, 32), padding(32)),
        (KeySpec::Rsa2048, pss(Digest::Sha512, 0), padding(0)),
    ];
    for spec in SPECS {
        cases.extend(Digest::ALL.map(|digest| (spec, HashAlgorithm::Digest(digest), String::new())));
    }
    for (spec, algorithm, options) in cases {
        let digest = algorithm.digest().unwrap();
        let mut signing = world.signing(spec);
        signing.algorithm = algorithm;
        signing.hashes = vec![hash(digest, b"document")];
        let signatures = world.firmware.sign(world.admit(&signing).unwrap()).unwrap();
        fs::write(dir.join("signature"), &signatures[0]).unwrap();
        fs::write(dir.join("key"), spki(world.key(spec).1).to_der().unwrap()).unwrap();
        let name = format!("{digest:?}").to_lowercase();
        let args = format!("dgst -{name} {options}-keyform DER -verify key -signature signature document");
        let said = openssl(dir, &args).unwrap_or_else(|said| panic!("{spec:?} {algorithm:?}: {said}"));
        assert!(said.contains("Verified OK"), "{said}");
    }
}

#[test]
fn openssl_verifies_wrapped_and_signed_public_keys() {
    if is_absent("openssl_verifies_wrapped_and_signed_public_keys") {
        return;
    }
    let world = world();
    let dir = world.dir.path();
    let (_, key) = world.key(KeySpec::Rsa2048);
    fs::write(dir.join("key"), world.firmware.status().signing_key).unwrap();
    let wrapped = WrappedKey::parse(&key.wrapped_key).unwrap();
    let public = SignedPublicKey::parse(&key.public_key).unwrap();
    for (tbs, signature) in
        [(wrapped.tbs.der(), wrapped.signature.as_bytes()), (public.tbs.der(), public.signature.as_bytes())]
    {
        fs::write(dir.join("tbs"), tbs).unwrap();
        fs::write(dir.join("signature"), signature).unwrap();
        openssl(dir, "dgst -sha256 -keyform DER -verify key -signature signature tbs").unwrap();
    }
}
