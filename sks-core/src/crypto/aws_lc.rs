//! The fast engine: aws-lc-rs 1.19.
//!
//! It makes, loads and uses P-256 keys, and RSA keys of 2048, 3072 and 4096 bits. It signs ready hashes, but not with
//! SHA-1; it makes RSA keys with the exponent 65537 only. Its PKCS#1 v1.5 decryption tells wrong padding by an error,
//! which is Bleichenbacher's oracle, so that is not used: [`CryptoError::Unsupported`]. RSA keys are made from its own
//! random numbers, without IssuerSeed; for P-256 the private key is drawn from ours, with the seed.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeyPair as RsaKeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaSignatureEncoding,
};
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use zeroize::Zeroizing;

use super::encoded::{Encoded, Read, Scalar, encode_p256, p256_public_key, read};
use super::peer::{POINT, PeerKey, point_of};
use super::random::Drbg;
use super::scheme::{Hash, Scheme};
use crate::ports::{Crypto, CryptoError, Exchange, KeySpec, PrivateKey, Rng};

/// P-256 and RSA of 2048 bits and more, where speed counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl Crypto for AwsLc {
    fn generate(
        &self,
        spec: KeySpec,
        issuer_seed: &[u8; 32],
        rng: &dyn Rng,
    ) -> Result<Box<dyn PrivateKey>, CryptoError> {
        Ok(Box::new(Key::generate(spec, issuer_seed, rng)?))
    }

    fn load(&self, pkcs8: &[u8]) -> Result<Box<dyn PrivateKey>, CryptoError> {
        Ok(Box::new(Key::load(pkcs8)?))
    }

    fn exchange(&self, scalar: &Scalar, peer: &PeerKey) -> Result<Exchange, CryptoError> {
        let (key, point) = p256_key(scalar)?;
        let peer = UnparsedPublicKey::new(&ECDH_P256, peer.0.to_sec1_point(false));
        let shared = agree(&key, peer, CryptoError::Failed, |shared| Ok(Secret::from(shared)))?;
        Ok(Exchange { public_key: p256_public_key(&point), shared })
    }
}

/// A key of this engine. AWS-LC wipes what it frees.
pub(super) struct Key {
    encoded: Arc<Encoded>,
    parsed: Parsed,
}

/// aws-lc-rs has a type for each use. The first one that is made checks the key; the other is made when it is needed.
enum Parsed {
    Rsa { sign: RsaKeyPair, decrypt: OnceLock<Option<OaepPrivateDecryptingKey>> },
    P256 { agree: agreement::PrivateKey, sign: OnceLock<Option<EcdsaKeyPair>> },
}

impl Key {
    /// As [`Crypto::generate`].
    pub(super) fn generate(spec: KeySpec, issuer_seed: &[u8; 32], rng: &dyn Rng) -> Result<Self, CryptoError> {
        match spec {
            KeySpec::P256 => Self::generate_p256(&mut Drbg::for_key_pair(rng, issuer_seed)?),
            KeySpec::Rsa { bits: 2048, exponent: 65537 } => Self::generate_rsa(KeySize::Rsa2048),
            KeySpec::Rsa { bits: 3072, exponent: 65537 } => Self::generate_rsa(KeySize::Rsa3072),
            KeySpec::Rsa { bits: 4096, exponent: 65537 } => Self::generate_rsa(KeySize::Rsa4096),
            KeySpec::Rsa { .. } => Err(CryptoError::Unsupported),
        }
    }

    fn generate_p256(drbg: &mut Drbg) -> Result<Self, CryptoError> {
        let scalar: Scalar = Zeroizing::new(p256::SecretKey::generate_from_rng(drbg).to_bytes().into());
        let (agree, point) = p256_key(&scalar).map_err(|_| CryptoError::Failed)?;
        Ok(Self::p256(encode_p256(&scalar, &point), agree))
    }

    fn generate_rsa(size: KeySize) -> Result<Self, CryptoError> {
        let sign = RsaKeyPair::generate(size).map_err(|_| CryptoError::Failed)?;
        let document = sign.as_der().map_err(|_| CryptoError::Failed)?;
        match read(document.as_ref()) {
            Ok(Read::Rsa(encoded)) => Ok(Self::rsa(encoded, sign)),
            _ => Err(CryptoError::Failed),
        }
    }

    /// As [`Crypto::load`].
    pub(super) fn load(pkcs8: &[u8]) -> Result<Self, CryptoError> {
        match read(pkcs8)? {
            Read::Rsa(Encoded { spec: KeySpec::Rsa { bits: ..2048, .. }, .. }) => Err(CryptoError::Unsupported),
            Read::Rsa(encoded) => {
                // AWS-LC checks all eight numbers against each other here.
                let sign = RsaKeyPair::from_pkcs8(encoded.pkcs8.expose()).map_err(|_| CryptoError::BadKey)?;
                Ok(Self::rsa(encoded, sign))
            }
            Read::P256(key) => {
                let (agree, point) = p256_key(&key.scalar)?;
                Ok(Self::p256(key.encode(&point)?, agree))
            }
        }
    }

    fn rsa(encoded: Encoded, sign: RsaKeyPair) -> Self {
        Self { encoded: Arc::new(encoded), parsed: Parsed::Rsa { sign, decrypt: OnceLock::new() } }
    }

    fn p256(encoded: Encoded, agree: agreement::PrivateKey) -> Self {
        Self { encoded: Arc::new(encoded), parsed: Parsed::P256 { agree, sign: OnceLock::new() } }
    }

    /// What another engine can open the key with.
    pub(super) fn encoded(&self) -> Arc<Encoded> {
        Arc::clone(&self.encoded)
    }
}

/// The key of a scalar that must lie between 1 and the curve's order, and its public key.
fn p256_key(scalar: &Scalar) -> Result<(agreement::PrivateKey, [u8; POINT]), CryptoError> {
    let key = agreement::PrivateKey::from_private_key(&ECDH_P256, scalar.as_slice());
    let key = key.map_err(|_| CryptoError::BadKey)?;
    let public = key.compute_public_key().map_err(|_| CryptoError::Failed)?;
    let point = public.as_ref().try_into().map_err(|_| CryptoError::Failed)?;
    Ok((key, point))
}

impl PrivateKey for Key {
    fn spec(&self) -> KeySpec {
        self.encoded.spec
    }

    fn public_key(&self) -> &[u8] {
        &self.encoded.public_key
    }

    fn pkcs8(&self) -> Result<Secret, CryptoError> {
        Ok(self.encoded.pkcs8.clone())
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        Scheme::of(algorithm).is_some_and(|scheme| scheme.hash() != Hash::Sha1 && scheme.fits(self.encoded.spec))
    }

    fn sign(&self, algorithm: Algorithm, hash: &[u8], _rng: &dyn Rng) -> Result<Vec<u8>, CryptoError> {
        let scheme = Scheme::checked(algorithm, self.encoded.spec, hash)?;
        match &self.parsed {
            Parsed::Rsa { sign, .. } => sign_rsa(sign, scheme, hash),
            Parsed::P256 { sign, .. } => sign_p256(self.ecdsa(sign)?, hash),
        }
    }

    fn decrypt(&self, algorithm: Algorithm, data: &[u8], _rng: &dyn Rng) -> Result<Secret, CryptoError> {
        let Parsed::Rsa { decrypt, sign } = &self.parsed else { return Err(CryptoError::Unfit) };
        let oaep = match algorithm {
            Algorithm::RsaOaepSha1 => &OAEP_SHA1_MGF1SHA1,
            Algorithm::RsaOaepSha256 => &OAEP_SHA256_MGF1SHA256,
            Algorithm::Rsa15 => return Err(CryptoError::Unsupported),
            _ => return Err(CryptoError::Unfit),
        };
        let mut clear = Zeroizing::new(vec![0; sign.public_modulus_len()]);
        if data.len() != clear.len() {
            return Err(CryptoError::BadData);
        }
        let clear = self.oaep(decrypt)?.decrypt(oaep, data, &mut clear, None).map_err(|_| CryptoError::BadData)?;
        Ok(Secret::from(&*clear))
    }

    fn agree(&self, peer: &[u8]) -> Result<Secret, CryptoError> {
        let Parsed::P256 { agree: key, .. } = &self.parsed else { return Err(CryptoError::Unfit) };
        let point = point_of(peer).map_err(|_| CryptoError::BadKey)?;
        // AWS-LC finds out whether the point is on the curve.
        let peer = UnparsedPublicKey::new(&ECDH_P256, point);
        agree(key, peer, CryptoError::BadKey, |shared| Ok(Secret::from(shared)))
    }
}

impl Key {
    fn ecdsa<'a>(&self, cell: &'a OnceLock<Option<EcdsaKeyPair>>) -> Result<&'a EcdsaKeyPair, CryptoError> {
        let make = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, self.encoded.pkcs8.expose()).ok();
        cell.get_or_init(make).as_ref().ok_or(CryptoError::Failed)
    }

    fn oaep<'a>(
        &self,
        cell: &'a OnceLock<Option<OaepPrivateDecryptingKey>>,
    ) -> Result<&'a OaepPrivateDecryptingKey, CryptoError> {
        let make = || {
            let key = PrivateDecryptingKey::from_pkcs8(self.encoded.pkcs8.expose()).ok()?;
            OaepPrivateDecryptingKey::new(key).ok()
        };
        cell.get_or_init(make).as_ref().ok_or(CryptoError::Failed)
    }
}

fn sign_rsa(key: &RsaKeyPair, scheme: Scheme, hash: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let (encoding, algorithm): (&'static RsaSignatureEncoding, _) = match scheme {
        Scheme::Pkcs1(Hash::Sha256) => (&RSA_PKCS1_SHA256, &digest::SHA256),
        Scheme::Pkcs1(Hash::Sha384) => (&RSA_PKCS1_SHA384, &digest::SHA384),
        Scheme::Pkcs1(Hash::Sha512) => (&RSA_PKCS1_SHA512, &digest::SHA512),
        Scheme::Pss(Hash::Sha256) => (&RSA_PSS_SHA256, &digest::SHA256),
        Scheme::Pss(Hash::Sha384) => (&RSA_PSS_SHA384, &digest::SHA384),
        Scheme::Pss(Hash::Sha512) => (&RSA_PSS_SHA512, &digest::SHA512),
        // AWS-LC verifies with SHA-1 but does not sign.
        Scheme::Pkcs1(Hash::Sha1) | Scheme::Pss(Hash::Sha1) | Scheme::Ecdsa(_) => return Err(CryptoError::Unsupported),
    };
    let ready = Digest::import_less_safe(hash, algorithm).map_err(|_| CryptoError::Unfit)?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign_digest(encoding, &ready, &mut signature).map_err(|_| CryptoError::Failed)?;
    Ok(signature)
}

/// ECDSA takes the leftmost 256 bits of a longer hash (FIPS 186-5, 6.4.1): those bits handed in as a SHA-256 hash give
/// a signature of the longer one. aws-lc-rs has no P-256 signing with SHA-384 or SHA-512 under its own name.
fn sign_p256(key: &EcdsaKeyPair, hash: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let leftmost = hash.get(..Hash::Sha256.len()).ok_or(CryptoError::Unfit)?;
    let ready = Digest::import_less_safe(leftmost, &digest::SHA256).map_err(|_| CryptoError::Unfit)?;
    let signature = key.sign_digest(&ready).map_err(|_| CryptoError::Failed)?;
    Ok(signature.as_ref().to_vec())
}
