//! The session's cryptography, as an issuer does it.
//!
//! Source: SKS API V0.35, "createProvisioningSession", "Encrypted Data", "MAC Operations", "Attestations" and "Post
//! Provisioning MAC Operations". A data argument is a list of parts: the text concatenates them without lengths.

use std::fmt;

use aes::Aes256;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use p256::elliptic_curve::sec1::ToSec1Point;
use sha2::{Digest, Sha256};
use sks_wire::{MethodId, Secret, label};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::curve::AgreementKey;
use crate::random;

/// Why a primitive gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The operating system has no random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
    /// The bytes are no public key of a kind that is known here, in the one encoding that is allowed.
    #[error("not a public key on P-256, in DER with an uncompressed point")]
    PublicKey,
    /// The bytes are no private key on P-256.
    #[error("not a private key on P-256")]
    PrivateKey,
    /// Encrypted Data of a wrong length, or with wrong padding.
    #[error("the encrypted data does not decrypt")]
    Decrypt,
}

/// The issuer's ephemeral key pair: one for each session, wiped when dropped.
pub struct EphemeralKey {
    secret: AgreementKey,
    public: Vec<u8>,
}

impl EphemeralKey {
    /// Makes a fresh pair.
    ///
    /// # Errors
    /// [`CryptoError::Random`].
    pub fn generate() -> Result<Self, CryptoError> {
        loop {
            let scalar = Zeroizing::new(random::array::<32>()?);
            // One scalar in 2^32 is not under the group's order.
            if let Ok(key) = AgreementKey::new(&scalar) {
                return Self::new(key);
            }
        }
    }

    /// The pair of a known scalar, big-endian: for tests.
    ///
    /// # Errors
    /// [`CryptoError::PrivateKey`] for zero, or for a number that is not under the order of the group.
    pub fn from_scalar(scalar: &[u8; 32]) -> Result<Self, CryptoError> {
        Self::new(AgreementKey::new(scalar)?)
    }

    fn new(secret: AgreementKey) -> Result<Self, CryptoError> {
        let public = public_der(&secret.public_key()?);
        Ok(Self { secret, public })
    }

    /// ServerEphemeralKey: SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn public_der(&self) -> &[u8] {
        &self.public
    }

    /// Z, the x coordinate of the shared point: 32 bytes, leading zeros kept.
    ///
    /// # Errors
    /// [`CryptoError::PublicKey`] when ClientEphemeralKey is not a key on P-256.
    pub fn agree(&self, client_ephemeral_key: &[u8]) -> Result<Secret, CryptoError> {
        self.secret.agree(&p256_key(client_ephemeral_key)?)
    }
}

impl fmt::Debug for EphemeralKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EphemeralKey").finish_non_exhaustive()
    }
}

/// A fresh private key on P-256.
pub(crate) fn secret_key() -> Result<p256::SecretKey, CryptoError> {
    loop {
        let mut scalar = random::array::<32>()?;
        let key = p256::SecretKey::from_slice(&scalar);
        scalar.zeroize();
        // One scalar in 2^32 is not under the group's order.
        if let Ok(key) = key {
            return Ok(key);
        }
    }
}

/// What every SubjectPublicKeyInfo with id-ecPublicKey, the named curve P-256 and an uncompressed point begins with, up
/// to the point: `SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING`. All is of one length.
const SPKI_HEAD: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Bytes of an uncompressed point: 04, x, y.
const POINT: usize = 65;
/// Its first byte.
const UNCOMPRESSED: u8 = 4;

/// SubjectPublicKeyInfo with id-ecPublicKey, the named curve and the uncompressed point.
pub(crate) fn public_der(key: &p256::PublicKey) -> Vec<u8> {
    [SPKI_HEAD, key.to_sec1_point(false).as_bytes()].concat()
}

/// Reads a SubjectPublicKeyInfo on P-256 in its one allowed encoding. That the point is on the curve is found by p256.
pub(crate) fn p256_key(spki: &[u8]) -> Result<p256::PublicKey, CryptoError> {
    let point = spki.strip_prefix(SPKI_HEAD).filter(|point| point.len() == POINT);
    let point = point.filter(|point| point.first() == Some(&UNCOMPRESSED)).ok_or(CryptoError::PublicKey)?;
    p256::PublicKey::from_sec1_bytes(point).map_err(|_| CryptoError::PublicKey)
}

/// Length of a SessionKey, and of all that is made with it, in bytes.
pub const KEY_LENGTH: usize = 32;

/// Block length of SHA-256 in bytes. HMAC takes a key of up to this length as it is, filled up with zeros.
const BLOCK: usize = 64;

/// No key is ever longer than a block: the longest label is a method's name, and the key and a counter follow it.
const _: () = {
    let mut methods = MethodId::ALL;
    while let [method, rest @ ..] = methods {
        assert!(method.name().len() + KEY_LENGTH + 2 <= BLOCK);
        methods = rest;
    }
};

/// `SessionKey`: what the issuer and the token share. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey(Secret);

impl SessionKey {
    /// `SHA-256(00000001 || Z || OtherInfo)`: the concatenation KDF of SP800-56A, one round, as the hash is as long as
    /// the key.
    #[must_use]
    pub fn derive(z: &Secret, other_info: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(1u32.to_be_bytes());
        hash.update(z.expose());
        hash.update(other_info);
        let mut key: [u8; KEY_LENGTH] = hash.finalize().into();
        let derived = Self::from_bytes(&key);
        key.zeroize();
        derived
    }

    /// Takes a key that was kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; KEY_LENGTH]) -> Self {
        Self(Secret::from(bytes.as_slice()))
    }

    /// The bytes. Whoever copies them wipes the copy.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// `HMAC-SHA256(MethodName || SessionKey || MACSequenceCounter, Data)`.
    #[must_use]
    pub fn mac(&self, method: MethodId, counter: u16, data: &[&[u8]]) -> [u8; 32] {
        self.keyed(method.name().as_bytes(), &counter.to_be_bytes(), data)
    }

    /// `HMAC-SHA256("Device Attestation" || SessionKey, Data)`.
    #[must_use]
    pub fn attestation(&self, data: &[&[u8]]) -> [u8; 32] {
        self.keyed(label::DEVICE_ATTESTATION, &[], data)
    }

    /// `HMAC-SHA256("External Signature" || SessionKey, Data)`.
    #[must_use]
    pub fn external_signature(&self, data: &[u8]) -> [u8; 32] {
        self.keyed(label::EXTERNAL_SIGNATURE, &[], &[data])
    }

    /// `HMAC-SHA256("Proof Of Issuance" || OriginalSessionKey, End-Entity Certificate)`.
    #[must_use]
    pub fn proof_of_issuance(&self, end_entity_certificate: &[u8]) -> [u8; 32] {
        self.keyed(label::PROOF_OF_ISSUANCE, &[], &[end_entity_certificate])
    }

    /// `HMAC-SHA256(SessionKey, ...)`: what the device signs as SessionAttestation.
    #[must_use]
    pub fn session_hmac(&self, data: &[&[u8]]) -> [u8; 32] {
        self.keyed(&[], &[], data)
    }

    /// Encrypted Data: a random IV, then AES256-CBC with PKCS#7 padding.
    ///
    /// # Errors
    /// [`CryptoError::Random`].
    pub fn encrypt(&self, clear: &[u8]) -> Result<Vec<u8>, CryptoError> {
        Ok(self.encrypt_with_iv(clear, &random::array()?))
    }

    /// Encrypted Data with a known IV: for tests.
    #[must_use]
    pub fn encrypt_with_iv(&self, clear: &[u8], iv: &[u8; 16]) -> Vec<u8> {
        let key = self.encryption_key();
        let cipher = cbc::Encryptor::<Aes256>::new((&*key).into(), iv.into());
        [iv.as_slice(), &cipher.encrypt_padded_vec::<Pkcs7>(clear)].concat()
    }

    /// Decrypts Encrypted Data.
    ///
    /// # Errors
    /// [`CryptoError::Decrypt`].
    pub fn decrypt(&self, encrypted: &[u8]) -> Result<Secret, CryptoError> {
        let (iv, body) = encrypted.split_first_chunk::<16>().ok_or(CryptoError::Decrypt)?;
        let key = self.encryption_key();
        let cipher = cbc::Decryptor::<Aes256>::new((&*key).into(), iv.into());
        let mut clear = Zeroizing::new(body.to_vec());
        let clear = cipher.decrypt_padded::<Pkcs7>(&mut clear).map_err(|_| CryptoError::Decrypt)?;
        Ok(Secret::from(clear))
    }

    /// `HMAC-SHA256(SessionKey, "Encryption Key")`.
    #[must_use]
    pub fn encryption_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.session_hmac(&[label::ENCRYPTION_KEY]))
    }

    /// HMAC with the key `label || SessionKey || tail`.
    fn keyed(&self, label: &[u8], tail: &[u8], data: &[&[u8]]) -> [u8; 32] {
        let mut block = Zeroizing::new([0u8; BLOCK]);
        let key = label.iter().chain(self.expose()).chain(tail);
        block.iter_mut().zip(key).for_each(|(slot, byte)| *slot = *byte);
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        data.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey")
    }
}

/// Compares in constant time what a token sent with what it should have sent.
#[must_use]
pub fn matches(expected: &[u8; 32], received: &[u8]) -> bool {
    expected.as_slice().ct_eq(received).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use p256::pkcs8::{DecodePublicKey, EncodePublicKey};

    use super::*;

    #[test]
    fn debug_shows_no_byte() {
        assert_eq!(format!("{:?}", SessionKey::from_bytes(&[0xAB; 32])), "SessionKey");
    }

    #[test]
    fn a_public_key_is_written_as_p256_writes_it() {
        for _ in 0..20 {
            let key = secret_key().unwrap().public_key();
            let spki = public_der(&key);
            assert_eq!(spki, key.to_public_key_der().unwrap().as_bytes());
            assert_eq!(p256_key(&spki).unwrap(), key);
        }
    }

    #[test]
    fn no_other_public_key_is_read() {
        let key = secret_key().unwrap().public_key();
        let spki = public_der(&key);
        for length in 0..spki.len() {
            assert_eq!(p256_key(&spki[..length]), Err(CryptoError::PublicKey));
        }
        assert_eq!(p256_key(&[&spki[..], &[0]].concat()), Err(CryptoError::PublicKey));
        for bit in 0..8 * spki.len() {
            let mut changed = spki.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(p256_key(&changed), Err(CryptoError::PublicKey), "bit {bit}");
        }
        // As p256 itself reads it, and this may not: a compressed point.
        let compressed = [&[0x30, 0x39], &spki[2..23], &[0x03, 0x22, 0], key.to_sec1_point(true).as_bytes()].concat();
        assert_eq!(p256::PublicKey::from_public_key_der(&compressed).unwrap(), key);
        assert_eq!(p256_key(&compressed), Err(CryptoError::PublicKey));
    }
}
