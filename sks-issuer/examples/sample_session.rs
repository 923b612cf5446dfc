//! The text's "Sample Session" against a running token: a key with a PIN and a PUK, certified by a CA made for it.
//!
//! `cargo run -p sks-issuer --example sample_session [SOCKET]`. The key stays on the token; `sks keys` shows it.

use std::error::Error;
use std::path::Path;

use sks_client::{Client, paths};
use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::{KeyOptions, PinPolicyOptions, Protection, PukPolicyOptions, Session, SessionOptions, Trust, device};
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::sign_hashed_data;
use sks_wire::types::{Format, Id, KeyUsage};

fn main() -> Result<(), Box<dyn Error>> {
    let option = std::env::args_os().nth(1);
    let paths = paths::resolve(None, option.as_deref().map(Path::new));
    let mut client = Client::connect(&paths.socket)?;

    // The session: a key that only the issuer and the token know, and the device's word that it is the token.
    let options = SessionOptions::new("https://ca.example.com/enroll", Trust::Any);
    let mut session = Session::create(|call: &[u8]| client.call_raw(call), &options)?;
    println!("session {} is open", session.handle());

    let puk = session.create_puk_policy(PukPolicyOptions {
        id: Id::new("PUK.1")?,
        puk: Secret::from(b"17644".as_slice()),
        format: Format::Numeric,
        retry_limit: 5,
    })?;
    let policy = PinPolicyOptions { format: Format::Numeric, ..PinPolicyOptions::new(Id::new("PIN.1")?) };
    let policy = session.create_pin_policy(&policy, Some(&puk))?;

    let pin = Secret::from(b"1563".as_slice());
    let protection = Protection::Pin { policy: &policy, pin: &pin };
    let key = session.create_key_pair(&KeyOptions::p256(Id::new("Key.1")?), protection)?;
    println!("key {} is generated and attested", key.handle);

    // "External certification of the generated public key happens here..."
    let ca = Ca::create(&Subject::common_name("Sample CA")?, 1)?;
    let path = ca.issue_path(&key.public_key, &Leaf::new(Subject::common_name("Alice")?, KeyUsage::Universal))?;
    let key = session.set_certificate_path(key, &path)?;
    session.close()?;
    println!("the session is closed, and the token has proved it");

    // A user's side: the hash of some data is signed with the PIN.
    let hash = [0x5A; 32];
    let signature = client.sign_hashed_data(&sign_hashed_data::Request {
        key_handle: key.handle,
        signature_algorithm: Algorithm::EcdsaSha256.uri().into(),
        pin,
        hashed_data: hash.to_vec(),
    })?;
    let verified = device::VerifyingKey::from_spki(&key.public_key)
        .is_some_and(|public| public.verifies_hash(&hash, &signature.result));
    println!("the signature of {} bytes is {}", signature.result.len(), if verified { "good" } else { "WRONG" });
    Ok(())
}
