//! Public keys of others, and signatures verified with them (rows 8 to 10).

use std::sync::LazyLock;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, RsaPssSaltLength, UnparsedPublicKey, VerificationAlgorithm,
};
use tw4s_formats::limit::MAX_SALT_LEN;
use tw4s_formats::{Digest, KeyKind, SignatureAlgorithm, SubjectPublicKeyInfoOwned};

/// A public key of a kind that is on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    kind: KeyKind,
    /// RSAPublicKey, an uncompressed point, or the 32 bytes of Ed25519.
    bytes: Vec<u8>,
}

/// The key is of another kind, or too weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weak;

impl PublicKey {
    pub(crate) fn of(spki: &SubjectPublicKeyInfoOwned) -> Result<Self, Weak> {
        let kind = KeyKind::of(spki).map_err(|_| Weak)?;
        if let KeyKind::Rsa { bits } = kind
            && !RSA_BITS.contains(&bits)
        {
            return Err(Weak);
        }
        let bytes = spki.subject_public_key.as_bytes().ok_or(Weak)?.to_vec();
        Ok(Self { kind, bytes })
    }

    /// The key of an uncompressed point on P-256.
    pub(crate) fn p256(point: &[u8]) -> Self {
        Self { kind: KeyKind::P256, bytes: point.to_vec() }
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the signature is valid, and the algorithm one that this key can have.
    pub(crate) fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let Some(algorithm) = verification(self.kind, algorithm) else { return false };
        UnparsedPublicKey::new(algorithm, &self.bytes).verify(message, signature).is_ok()
    }
}

/// What the key's kind and the algorithm make together, if they fit.
fn verification(kind: KeyKind, algorithm: SignatureAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match (kind, algorithm) {
        (KeyKind::Rsa { .. }, SignatureAlgorithm::RsaPkcs1(digest)) => Some(match digest {
            Digest::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
            Digest::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
            Digest::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        }),
        (KeyKind::Rsa { .. }, SignatureAlgorithm::RsaPss { digest, salt_len }) => {
            let table: &'static [RsaParameters] = match digest {
                Digest::Sha256 => &PSS_SHA256,
                Digest::Sha384 => &PSS_SHA384,
                Digest::Sha512 => &PSS_SHA512,
            };
            table.get(usize::from(salt_len)).map(|parameters| parameters as _)
        }
        (KeyKind::Ed25519, SignatureAlgorithm::Ed25519) => Some(&ED25519),
        (_, SignatureAlgorithm::Ecdsa(digest)) => ecdsa(kind, digest),
        _ => None,
    }
}

fn ecdsa(kind: KeyKind, digest: Digest) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (kind, digest) {
        (KeyKind::P256, Digest::Sha256) => &ECDSA_P256_SHA256_ASN1,
        (KeyKind::P256, Digest::Sha384) => &ECDSA_P256_SHA384_ASN1,
        (KeyKind::P256, Digest::Sha512) => &ECDSA_P256_SHA512_ASN1,
        (KeyKind::P384, Digest::Sha256) => &ECDSA_P384_SHA256_ASN1,
        (KeyKind::P384, Digest::Sha384) => &ECDSA_P384_SHA384_ASN1,
        (KeyKind::P384, Digest::Sha512) => &ECDSA_P384_SHA512_ASN1,
        (KeyKind::P521, Digest::Sha256) => &ECDSA_P521_SHA256_ASN1,
        (KeyKind::P521, Digest::Sha384) => &ECDSA_P521_SHA384_ASN1,
        (KeyKind::P521, Digest::Sha512) => &ECDSA_P521_SHA512_ASN1,
        (KeyKind::Rsa { .. } | KeyKind::Ed25519, _) => return None,
    })
}

/// As in the software module: parameters for a salt length have to be `'static`.
static PSS_SHA256: LazyLock<Vec<RsaParameters>> = LazyLock::new(|| salts(|| RSA_PSS_2048_8192_SHA256));
static PSS_SHA384: LazyLock<Vec<RsaParameters>> = LazyLock::new(|| salts(|| RSA_PSS_2048_8192_SHA384));
static PSS_SHA512: LazyLock<Vec<RsaParameters>> = LazyLock::new(|| salts(|| RSA_PSS_2048_8192_SHA512));

fn salts(parameters: impl Fn() -> RsaParameters) -> Vec<RsaParameters> {
    (0..=MAX_SALT_LEN).map(|len| parameters().with_pss_salt_length(RsaPssSaltLength::Custom(len))).collect()
}

/// Row 10: no RSA under 2048 bits. AWS-LC takes none over 8192.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use aws_lc_rs::digest;

    use super::*;
    use crate::algorithm::{Digested, KeySpec};
    use crate::{CryptoModule, MasterKey, SoftwareModule};

    const MESSAGE: &[u8] = b"a message";

    fn hash(of: Digest) -> digest::Digest {
        let algorithm = match of {
            Digest::Sha256 => &digest::SHA256,
            Digest::Sha384 => &digest::SHA384,
            Digest::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, MESSAGE)
    }

    fn all() -> Vec<SignatureAlgorithm> {
        let of = |digest| {
            let pss = |salt_len| SignatureAlgorithm::RsaPss { digest, salt_len };
            [SignatureAlgorithm::RsaPkcs1(digest), pss(0), pss(32), SignatureAlgorithm::Ecdsa(digest)]
        };
        Digest::ALL.into_iter().flat_map(of).chain([SignatureAlgorithm::Ed25519]).collect()
    }

    /// The module's signatures are held to AWS-LC's own verifications elsewhere.
    #[test]
    fn each_signature_is_valid_under_its_own_algorithm_alone() {
        let module = SoftwareModule::new(&MasterKey::new(&[7; 32]).unwrap()).unwrap();
        for spec in [KeySpec::P256, KeySpec::P384, KeySpec::P521, KeySpec::Rsa2048] {
            let pair = module.generate(spec).unwrap();
            let (own, key) = (module.activate(&pair.wrapped, spec).unwrap(), PublicKey::of(&pair.public_key).unwrap());
            let mut signed = 0;
            for algorithm in all() {
                let Some(of) = algorithm.digest() else { continue };
                let hash = hash(of);
                let Ok(input) = Digested::new(spec, algorithm, hash.as_ref()) else { continue };
                let signature = own.sign(&input).unwrap();
                signed += 1;
                for other in all() {
                    let valid = key.verify(other, MESSAGE, &signature);
                    assert_eq!(valid, other == algorithm, "{spec:?}: {algorithm:?} as {other:?}");
                }
            }
            assert_eq!(signed, if spec == KeySpec::Rsa2048 { 9 } else { 3 }, "{spec:?}");
        }
    }
}
