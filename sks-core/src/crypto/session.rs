//! The session layer: how a session key comes to be, and everything that it does.
//!
//! Source: SKS API V0.35, "Session Security Mechanisms", createProvisioningSession; SP 800-56A (ECDH, concatenation
//! KDF), with the project's rulings 16 to 23 and 32 to 41. MACs and attestations are over bare contents, without
//! lengths.

use p256::elliptic_curve::Generate;
use sha2::{Digest, Sha256};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::create_provisioning_session::other_info;
use sks_wire::types::Id;
use sks_wire::{MethodId, Secret, label};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::mac::{LEN, equal, hmac_sha256};
use super::peer::{PeerKey, PeerKeyError, peer_key};
use super::random::Port;
use super::symmetric::{self, BLOCK};
use crate::ports::{Crypto, CryptoError, Exchange, KeySpec, PrivateKey, Rng};

/// Why no session key was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgreementError {
    /// ServerEphemeralKey is refused.
    #[error(transparent)]
    ServerKey(#[from] PeerKeyError),
    /// The token's own failure.
    #[error(transparent)]
    Engine(#[from] CryptoError),
}

/// Who agrees on a session key: what the key derivation's OtherInfo is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'a> {
    /// IssuerURI.
    pub issuer_uri: &'a str,
    /// The Device Certificate, DER.
    pub device_certificate: &'a [u8],
    /// ClientSessionID.
    pub client_session_id: &'a Id,
    /// ServerSessionID.
    pub server_session_id: &'a Id,
}

/// A new session's key, and the token's part of the exchange that led to it.
#[derive(Debug)]
pub struct Agreed {
    /// ClientEphemeralKey: SubjectPublicKeyInfo, DER.
    pub client_ephemeral_key: Vec<u8>,
    /// SessionKey.
    pub session_key: SessionKey,
}

/// Makes an ephemeral key and agrees on a session key.
///
/// # Errors
/// [`AgreementError`].
pub fn create_session_key(
    server_ephemeral_key: &[u8],
    parties: &Parties<'_>,
    crypto: &dyn Crypto,
    rng: &dyn Rng,
) -> Result<Agreed, AgreementError> {
    let server = peer_key(server_ephemeral_key)?;
    Ok(EphemeralKey::generate(rng)?.agree(&server, parties, crypto)?)
}

/// The token's private number of one exchange. It wipes itself.
pub struct EphemeralKey(Zeroizing<[u8; LEN]>);

impl EphemeralKey {
    /// A new one.
    ///
    /// # Errors
    /// [`CryptoError::Failed`] without random numbers.
    pub fn generate(rng: &dyn Rng) -> Result<Self, CryptoError> {
        let key = p256::SecretKey::try_generate_from_rng(&mut Port(rng))?;
        Ok(Self(Zeroizing::new(key.to_bytes().into())))
    }

    /// A known one: for test vectors.
    #[must_use]
    pub fn from_scalar(scalar: [u8; LEN]) -> Self {
        Self(Zeroizing::new(scalar))
    }

    /// Agrees with a server: `SessionKey = SHA-256(00000001 || Z || OtherInfo)`, the concatenation KDF for one hash's
    /// length of key.
    ///
    /// # Errors
    /// Those of [`Crypto::exchange`].
    pub fn agree(&self, server: &PeerKey, parties: &Parties<'_>, crypto: &dyn Crypto) -> Result<Agreed, CryptoError> {
        let Exchange { public_key, shared } = crypto.exchange(&self.0, server)?;
        let Parties { issuer_uri, device_certificate, client_session_id, server_session_id } = *parties;
        let info = other_info(issuer_uri, device_certificate, client_session_id, server_session_id);
        let hash =
            Sha256::new().chain_update(1_u32.to_be_bytes()).chain_update(shared.expose()).chain_update(info).finalize();
        Ok(Agreed { client_ephemeral_key: public_key, session_key: SessionKey(hash.into()) })
    }
}

/// Signs the session HMAC with the Attestation Private Key. The HMAC is the message, so that it is hashed once more.
///
/// # Errors
/// [`CryptoError`].
pub fn attest_session(identity: &dyn PrivateKey, hmac: &[u8; 32], rng: &dyn Rng) -> Result<Vec<u8>, CryptoError> {
    let algorithm = match identity.spec() {
        KeySpec::P256 => Algorithm::EcdsaSha256,
        KeySpec::Rsa { .. } => Algorithm::RsaSha256,
    };
    identity.sign(algorithm, &Sha256::digest(hmac), rng)
}

/// SessionKey: 32 bytes that are wiped when dropped and never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SessionKey([u8; LEN]);

impl SessionKey {
    /// `HMAC(MethodName || SessionKey || MACSequenceCounter, data)`: what a method's MAC must be.
    #[must_use]
    pub fn mac(&self, method: MethodId, counter: u16, data: &[&[u8]]) -> [u8; LEN] {
        hmac_sha256(&[method.name().as_bytes(), &self.0, &counter.to_be_bytes()], data)
    }

    /// Whether a method's MAC is right, in constant time.
    #[must_use]
    pub fn verify(&self, method: MethodId, counter: u16, data: &[&[u8]], mac: &[u8]) -> bool {
        equal(&self.mac(method, counter, data), mac)
    }

    /// `HMAC("Device Attestation" || SessionKey, data)`.
    #[must_use]
    pub fn attest(&self, data: &[&[u8]]) -> [u8; LEN] {
        hmac_sha256(&[label::DEVICE_ATTESTATION, &self.0], data)
    }

    /// `HMAC(SessionKey, data)`, the key without a label: the HMAC that [`attest_session`] signs, over what
    /// [`attestation_data`](sks_wire::method::create_provisioning_session::attestation_data) gives.
    #[must_use]
    pub fn session_hmac(&self, attestation_data: &[u8]) -> [u8; LEN] {
        hmac_sha256(&[&self.0], &[attestation_data])
    }

    /// What closeProvisioningSession attests: `HMAC("Device Attestation" || SessionKey, "Success" || counter)`, the
    /// counter being the one after that of the call's own MAC.
    #[must_use]
    pub fn attest_success(&self, counter: u16) -> [u8; LEN] {
        self.attest(&[label::SUCCESS, &counter.to_be_bytes()])
    }

    /// `HMAC("External Signature" || SessionKey, data)`.
    #[must_use]
    pub fn external_signature(&self, data: &[u8]) -> [u8; LEN] {
        hmac_sha256(&[label::EXTERNAL_SIGNATURE, &self.0], &[data])
    }

    /// `HMAC("Proof Of Issuance" || SessionKey, End-Entity Certificate)`: the inner MAC of post provisioning, with the
    /// key of the session that owns the target.
    #[must_use]
    pub fn proof_of_issuance(&self, end_entity_certificate: &[u8]) -> [u8; LEN] {
        hmac_sha256(&[label::PROOF_OF_ISSUANCE, &self.0], &[end_entity_certificate])
    }

    /// `HMAC(SessionKey, "Encryption Key")`: the AES-256 key of Encrypted Data.
    fn encryption_key(&self) -> Zeroizing<[u8; LEN]> {
        Zeroizing::new(hmac_sha256(&[&self.0], &[label::ENCRYPTION_KEY]))
    }

    /// Decrypts Encrypted Data: an IV and AES-256-CBC with PKCS#7.
    ///
    /// # Errors
    /// [`CryptoError::BadData`] for wrong lengths or padding.
    pub fn decrypt(&self, encrypted: &[u8]) -> Result<Secret, CryptoError> {
        let (iv, data) = encrypted.split_at_checked(BLOCK).ok_or(CryptoError::BadData)?;
        symmetric::crypt(Algorithm::Aes256Cbc, false, &*self.encryption_key(), iv, data)
            .map_err(|_| CryptoError::BadData)
    }

    /// Encrypts, with a fresh IV.
    ///
    /// # Errors
    /// [`CryptoError::Failed`] without random numbers, [`CryptoError::BadData`] for more than
    /// [`symmetric::MAX_PADDED`] bytes.
    pub fn encrypt(&self, clear: &[u8], rng: &dyn Rng) -> Result<Vec<u8>, CryptoError> {
        let mut iv = [0; BLOCK];
        rng.fill(&mut iv)?;
        let data = symmetric::crypt(Algorithm::Aes256Cbc, true, &*self.encryption_key(), &iv, clear)
            .map_err(|_| CryptoError::BadData)?;
        Ok([&iv, data.expose()].concat())
    }

    /// The bytes, for the store.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        Secret::from(self.0.as_slice())
    }
}

/// From the store.
impl TryFrom<&Secret> for SessionKey {
    type Error = CryptoError;

    fn try_from(secret: &Secret) -> Result<Self, CryptoError> {
        secret.expose().try_into().map(Self).map_err(|_| CryptoError::BadKey)
    }
}

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionKey(32 bytes)")
    }
}

impl std::fmt::Debug for EphemeralKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EphemeralKey(P-256)")
    }
}
