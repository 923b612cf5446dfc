//! A certification request, signed by its own key, as OpenSSL sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::process::Command;
use std::str::FromStr;

use der::Decode;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use tw4s_formats::{
    CertificationRequest, Digest, Format, KeyUsage, KeyUsages, Name, SignatureAlgorithm, Signed,
    SubjectPublicKeyInfoOwned, request_info,
};

fn request() -> CertificationRequest {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let public = key.verifying_key().to_public_key_der().unwrap();
    let public = SubjectPublicKeyInfoOwned::from_der(public.as_bytes()).unwrap();
    let subject = Name::from_str("CN=Jana Muster,O=Example,C=DE").unwrap();
    let info = request_info(subject, public, KeyUsage(KeyUsages::NonRepudiation.into())).unwrap();
    let signature: Signature = key.sign(info.der());
    let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256).to_identifier().unwrap();
    Signed::new(info, algorithm, signature.to_der().as_bytes()).unwrap()
}

#[test]
fn a_request_is_read_again_with_its_key_usage() {
    let request = CertificationRequest::parse(&request().to_bytes().unwrap()).unwrap();
    let usage = request.check_structure().unwrap().expect("a key usage");
    assert!(usage.non_repudiation() && !usage.digital_signature());
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
fn openssl_verifies_a_request_and_sees_its_key_usage() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.der");
    std::fs::write(&file, request().to_bytes().unwrap()).unwrap();
    let command = ["req", "-verify", "-inform", "DER", "-noout", "-text", "-in"];
    let Ok(output) = Command::new("openssl").args(command).arg(&file).output() else {
        eprintln!("SKIPPED: openssl is not there");
        return;
    };
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    for expected in ["verify OK", "Jana Muster", "X509v3 Key Usage: critical", "Non Repudiation"] {
        assert!(text.contains(expected), "{expected} not in {text}");
    }
    assert!(!text.contains("Digital Signature"), "{text}");
}
