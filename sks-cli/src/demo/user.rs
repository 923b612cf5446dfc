//! The user's part: signing, and what becomes of a PIN that is guessed at.

use sha2::{Digest, Sha256};
use sks_client::Client;
use sks_issuer::CertifiedKey;
use sks_issuer::device::VerifyingKey;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{export_key, get_key_protection_info, sign_hashed_data, unlock_key};
use sks_wire::types::{KeyHandle, protection};
use sks_wire::{MethodId, Secret, Status};

use super::issuer::{PIN, PUK};
use super::story::{Story, TokenStory};
use super::tap::Tap;
use crate::exit::Failure;
use crate::output::short_hex;

/// What is signed.
pub(super) const MESSAGE: &str = "Pay Bob 100 euro";
/// A PIN that is none.
pub(super) const WRONG_PIN: &[u8] = b"9988";

/// Tells it.
pub(super) fn tell(story: &mut Story, tap: &mut Tap, key: &CertifiedKey) -> Result<(), Failure> {
    let token = &mut tap.client;
    story.call(MethodId::SignHashedData, "what the key is for")?;
    let pin = String::from_utf8_lossy(PIN);
    story.goes(&format!("key {}, ecdsa-sha256, the SHA-256 of \"{MESSAGE}\", PIN {pin}", key.handle))?;
    let signature = sign(token, key.handle, PIN)?;
    story.comes(&format!("signature {} ({} bytes)", short_hex(&signature), signature.len()))?;
    story.check(verifies(key, &signature), "it verifies with the public key that the certificate names")?;

    story.step("The same with a wrong PIN, three times")?;
    let mut answer = String::new();
    for _ in 0..3 {
        let result = sign(token, key.handle, WRONG_PIN);
        answer = story.refusal(result, Status::Authorization)?;
    }
    story.comes(&answer)?;
    let info = info(token, key.handle)?;
    let locked = info.protection_status & protection::PIN_LOCKED != 0;
    let text = format!(
        "getKeyProtectionInfo: {} of {} tries are used, the key is locked; each wrong try was on disk \
         before its answer left",
        info.pin_error_count, info.retry_limit
    );
    story.check(locked && info.pin_error_count == 3, &text)?;

    story.step("The same with the right PIN")?;
    let answer = story.refusal(sign(token, key.handle, PIN), Status::Authorization)?;
    story.comes(&answer)?;
    story.checked("a locked key does not even compare: guessing on is of no use")?;

    story.call(MethodId::UnlockKey, "the PUK brings it back")?;
    story.goes(&format!("key {}, PUK {}", key.handle, String::from_utf8_lossy(PUK)))?;
    token.unlock_key(&unlock_key::Request { key_handle: key.handle, authorization: Secret::from(PUK) })?;
    let signature = sign(token, key.handle, PIN)?;
    story.check(verifies(key, &signature), "the counter is 0 again, and the key signs with its PIN")?;

    story.call(MethodId::ExportKey, "can the key be taken away?")?;
    let request = export_key::Request { key_handle: key.handle, optional_authorization: Secret::from(PIN) };
    let answer = story.refusal(token.export_key(&request), Status::NotAllowed)?;
    story.comes(&answer)?;
    Ok(story.checked("not even with the PIN: this issuer said so, and its attestation proves it")?)
}

/// A signature over [`MESSAGE`].
pub(super) fn sign(token: &mut Client, key_handle: KeyHandle, pin: &[u8]) -> Result<Vec<u8>, sks_client::Error> {
    let request = sign_hashed_data::Request {
        key_handle,
        signature_algorithm: Algorithm::EcdsaSha256.uri().into(),
        pin: Secret::from(pin),
        hashed_data: Sha256::digest(MESSAGE).to_vec(),
    };
    Ok(token.sign_hashed_data(&request)?.result)
}

/// Whether the key's public half says that it made this signature.
pub(super) fn verifies(key: &CertifiedKey, signature: &[u8]) -> bool {
    VerifyingKey::from_spki(&key.public_key).is_some_and(|key| key.verifies(MESSAGE.as_bytes(), signature))
}

/// The state of the key's protection.
pub(super) fn info(token: &mut Client, key_handle: KeyHandle) -> Result<get_key_protection_info::Response, Failure> {
    Ok(token.get_key_protection_info(&get_key_protection_info::Request { key_handle })?)
}
