//! The software module: aws-lc-rs, keys wrapped by AES-256-KWP (RFC 5649) of their PKCS#8. Not a QSCD: an active key is
//! in the process's memory.
//!
//! PSS takes any salt: since aws-lc-rs 1.19 an encoding can be made for a salt length, but only as a `'static` one, so
//! there is a table of them. The other ways (the `rsa` crate, four times slower; an encoding by hand over the raw
//! operation) are not needed.

use std::sync::LazyLock;

use aes_kw::{KeyInit, KwpAes256};
use aws_lc_rs::digest::{self, Digest as ReadyDigest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaPssSaltLength, RsaSignatureEncoding,
};
use tw4s_formats::limit::MAX_SALT_LEN;
use tw4s_formats::{Digest, Format, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use zeroize::Zeroizing;

use super::{CryptoModule, ModuleError, RawSigningKey, WrappedPair};
use crate::algorithm::{Digested, KeySpec};
use crate::error::StateError;
use crate::master::MasterKey;

/// Keys in software.
pub struct SoftwareModule {
    /// Wiped when dropped.
    wrapping: KwpAes256,
    key_id: String,
}

impl SoftwareModule {
    /// The module whose wrapping key comes from `master`: the same for the same master backup key, so that a module
    /// made anew opens what was wrapped before.
    ///
    /// # Errors
    /// [`StateError::Failed`].
    pub fn new(master: &MasterKey) -> Result<Self, StateError> {
        let key = master.derive::<32>("module wrapping key AES-256-KWP")?;
        let name = master.derive::<16>("module key id")?;
        let key_id = name.iter().fold("software-".to_owned(), |id, byte| format!("{id}{byte:02x}"));
        Ok(Self { wrapping: KwpAes256::new((&*key).into()), key_id })
    }

    fn wrap(&self, pkcs8: &[u8]) -> Result<Vec<u8>, ModuleError> {
        let mut wrapped = vec![0; pkcs8.len().div_ceil(SEMIBLOCK) * SEMIBLOCK + SEMIBLOCK];
        self.wrapping.wrap_key(pkcs8, &mut wrapped).map_err(|_| ModuleError::Failed)?;
        Ok(wrapped)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, ModuleError> {
        if wrapped.len() < 3 * SEMIBLOCK {
            return Err(ModuleError::BadWrapping);
        }
        let mut clear = Zeroizing::new(vec![0; wrapped.len() - SEMIBLOCK]);
        let len = self.wrapping.unwrap_key(wrapped, &mut clear).map_err(|_| ModuleError::BadWrapping)?.len();
        clear.truncate(len);
        Ok(clear)
    }
}

impl CryptoModule for SoftwareModule {
    fn key_id(&self) -> &str {
        &self.key_id
    }

    fn generate(&self, spec: KeySpec) -> Result<WrappedPair, ModuleError> {
        let (wrapped, public_key) = match spec {
            KeySpec::Rsa2048 => self.generate_rsa(KeySize::Rsa2048)?,
            KeySpec::Rsa3072 => self.generate_rsa(KeySize::Rsa3072)?,
            KeySpec::Rsa4096 => self.generate_rsa(KeySize::Rsa4096)?,
            KeySpec::P256 => self.generate_ec(&ECDSA_P256_SHA256_ASN1_SIGNING)?,
            KeySpec::P384 => self.generate_ec(&ECDSA_P384_SHA384_ASN1_SIGNING)?,
            KeySpec::P521 => self.generate_ec(&ECDSA_P521_SHA512_ASN1_SIGNING)?,
        };
        let public_key = SubjectPublicKeyInfoOwned::parse(&public_key).map_err(|_| ModuleError::Failed)?;
        Ok(WrappedPair { wrapped, public_key })
    }

    fn activate(&self, wrapped: &[u8], spec: KeySpec) -> Result<Box<dyn RawSigningKey + '_>, ModuleError> {
        let pkcs8 = self.unwrap(wrapped)?;
        // Both constructors check that the numbers make a key; AWS-LC wipes what it frees.
        let ec = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8).map_err(|_| ModuleError::BadWrapping);
        let pair = match spec {
            KeySpec::P256 => Pair::P256(ec(&ECDSA_P256_SHA256_ASN1_SIGNING)?),
            KeySpec::P384 => Pair::P384(ec(&ECDSA_P384_SHA384_ASN1_SIGNING)?),
            KeySpec::P521 => Pair::P521(ec(&ECDSA_P521_SHA512_ASN1_SIGNING)?),
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
                let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| ModuleError::BadWrapping)?;
                if Some(pair.public_modulus_len()) != spec.modulus_len() {
                    return Err(ModuleError::BadWrapping);
                }
                Pair::Rsa(pair)
            }
        };
        Ok(Box::new(Active { spec, pair }))
    }
}

/// A wrapped private key and its SubjectPublicKeyInfo.
type Made = (Vec<u8>, Vec<u8>);

impl SoftwareModule {
    fn generate_rsa(&self, size: KeySize) -> Result<Made, ModuleError> {
        let failed = |_| ModuleError::Failed;
        let pair = RsaKeyPair::generate(size).map_err(failed)?;
        let public_key = pair.public_key().as_der().map_err(failed)?;
        Ok((self.wrap(pair.as_der().map_err(failed)?.as_ref())?, public_key.as_ref().to_vec()))
    }

    fn generate_ec(&self, algorithm: &'static EcdsaSigningAlgorithm) -> Result<Made, ModuleError> {
        let failed = |_| ModuleError::Failed;
        let pair = EcdsaKeyPair::generate(algorithm).map_err(failed)?;
        let public_key = pair.public_key().as_der().map_err(failed)?;
        Ok((self.wrap(pair.to_pkcs8v1().map_err(failed)?.as_ref())?, public_key.as_ref().to_vec()))
    }
}

struct Active {
    spec: KeySpec,
    pair: Pair,
}

#[allow(clippy::large_enum_variant, reason = "one at a time, boxed by who holds it")]
enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    P521(EcdsaKeyPair),
}

impl RawSigningKey for Active {
    fn spec(&self) -> KeySpec {
        self.spec
    }

    fn sign(&self, input: &Digested<'_>) -> Result<Vec<u8>, ModuleError> {
        match &self.pair {
            Pair::P256(pair) => sign_ec(pair, &input.scalar::<32>(), &digest::SHA256),
            Pair::P384(pair) => sign_ec(pair, &input.scalar::<48>(), &digest::SHA384),
            Pair::P521(pair) => sign_ec(pair, &input.scalar::<64>(), &digest::SHA512),
            Pair::Rsa(pair) => {
                let hash = ready(input.hash(), algorithm(input.digest()))?;
                let mut signature = vec![0; pair.public_modulus_len()];
                let encoding = encoding(input.algorithm()).ok_or(ModuleError::Failed)?;
                pair.sign_digest(encoding, &hash, &mut signature).map_err(|_| ModuleError::Failed)?;
                Ok(signature)
            }
        }
    }
}

fn sign_ec(pair: &EcdsaKeyPair, scalar: &[u8], named: &'static digest::Algorithm) -> Result<Vec<u8>, ModuleError> {
    let signature = pair.sign_digest(&ready(scalar, named)?).map_err(|_| ModuleError::Failed)?;
    Ok(signature.as_ref().to_vec())
}

fn ready(hash: &[u8], algorithm: &'static digest::Algorithm) -> Result<ReadyDigest, ModuleError> {
    ReadyDigest::import_less_safe(hash, algorithm).map_err(|_| ModuleError::Failed)
}

fn algorithm(digest: Digest) -> &'static digest::Algorithm {
    match digest {
        Digest::Sha256 => &digest::SHA256,
        Digest::Sha384 => &digest::SHA384,
        Digest::Sha512 => &digest::SHA512,
    }
}

fn encoding(algorithm: SignatureAlgorithm) -> Option<&'static RsaSignatureEncoding> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(Digest::Sha256) => Some(&RSA_PKCS1_SHA256),
        SignatureAlgorithm::RsaPkcs1(Digest::Sha384) => Some(&RSA_PKCS1_SHA384),
        SignatureAlgorithm::RsaPkcs1(Digest::Sha512) => Some(&RSA_PKCS1_SHA512),
        SignatureAlgorithm::RsaPss { digest, salt_len } => {
            let table: &'static [RsaSignatureEncoding] = match digest {
                Digest::Sha256 => &PSS_SHA256,
                Digest::Sha384 => &PSS_SHA384,
                Digest::Sha512 => &PSS_SHA512,
            };
            table.get(usize::from(salt_len))
        }
        SignatureAlgorithm::Ecdsa(_) | SignatureAlgorithm::Ed25519 => None,
    }
}

/// A `const` of that crate is a new value at each mention, so the table is made from mentions.
static PSS_SHA256: LazyLock<Vec<RsaSignatureEncoding>> = LazyLock::new(|| salts(|| RSA_PSS_SHA256));
static PSS_SHA384: LazyLock<Vec<RsaSignatureEncoding>> = LazyLock::new(|| salts(|| RSA_PSS_SHA384));
static PSS_SHA512: LazyLock<Vec<RsaSignatureEncoding>> = LazyLock::new(|| salts(|| RSA_PSS_SHA512));

/// The encodings for each salt length, in their order.
fn salts(encoding: impl Fn() -> RsaSignatureEncoding) -> Vec<RsaSignatureEncoding> {
    (0..=MAX_SALT_LEN).map(|len| encoding().with_pss_salt_length(RsaPssSaltLength::Custom(len))).collect()
}

/// Bytes of half an AES block, which RFC 5649 counts in.
const SEMIBLOCK: usize = 8;
