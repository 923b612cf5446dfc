//! Which keys there are, and which algorithms fit them (row 13).

use tw4s_formats::{Digest, HashAlgorithm, KeyKind, SignatureAlgorithm};

/// A kind of signer's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// RSA with a modulus of 2048 bits.
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    Rsa3072,
    /// RSA with a modulus of 4096 bits.
    Rsa4096,
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

/// The algorithm does not fit the key, or the hash does not have the algorithm's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm does not fit the key or the hash")]
pub struct Unfit;

impl KeySpec {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::P256, Self::P384, Self::P521];

    /// The one with this kind of public key.
    #[must_use]
    pub fn of(kind: KeyKind) -> Option<Self> {
        Self::ALL.into_iter().find(|spec| spec.kind() == kind)
    }

    /// The kind of its public key.
    #[must_use]
    pub fn kind(self) -> KeyKind {
        match self {
            Self::Rsa2048 => KeyKind::Rsa { bits: 2048 },
            Self::Rsa3072 => KeyKind::Rsa { bits: 3072 },
            Self::Rsa4096 => KeyKind::Rsa { bits: 4096 },
            Self::P256 => KeyKind::P256,
            Self::P384 => KeyKind::P384,
            Self::P521 => KeyKind::P521,
        }
    }

    /// Bytes of an RSA modulus.
    #[must_use]
    pub fn modulus_len(self) -> Option<usize> {
        match self {
            Self::Rsa2048 => Some(256),
            Self::Rsa3072 => Some(384),
            Self::Rsa4096 => Some(512),
            Self::P256 | Self::P384 | Self::P521 => None,
        }
    }

    /// What a new key is for when a SAD names a digest only: it stands in the wrapped key, and signs the request.
    #[must_use]
    pub fn default_algorithm(self) -> SignatureAlgorithm {
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => SignatureAlgorithm::RsaPkcs1(Digest::Sha256),
            Self::P256 => SignatureAlgorithm::Ecdsa(Digest::Sha256),
            Self::P384 => SignatureAlgorithm::Ecdsa(Digest::Sha384),
            Self::P521 => SignatureAlgorithm::Ecdsa(Digest::Sha512),
        }
    }

    /// Whether such a key can sign so.
    #[must_use]
    pub fn fits(self, algorithm: SignatureAlgorithm) -> bool {
        match (self.modulus_len(), algorithm) {
            (Some(_), SignatureAlgorithm::RsaPkcs1(_)) | (None, SignatureAlgorithm::Ecdsa(_)) => true,
            // RFC 8017 9.1.1, step 3: emLen >= hLen + sLen + 2. All our moduli have whole bytes.
            (Some(len), SignatureAlgorithm::RsaPss { digest, salt_len }) => {
                usize::from(salt_len) + digest.size() + 2 <= len
            }
            _ => false,
        }
    }

    /// What the SAD's `hashAlgorithm` means for a key whose wrapped key names `default` (row 13).
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn resolve(self, named: HashAlgorithm, default: SignatureAlgorithm) -> Result<SignatureAlgorithm, Unfit> {
        let algorithm = match (named, default) {
            (HashAlgorithm::Signature(algorithm), _) => algorithm,
            (HashAlgorithm::Digest(digest), SignatureAlgorithm::RsaPkcs1(_)) => SignatureAlgorithm::RsaPkcs1(digest),
            (HashAlgorithm::Digest(digest), SignatureAlgorithm::RsaPss { salt_len, .. }) => {
                SignatureAlgorithm::RsaPss { digest, salt_len }
            }
            (HashAlgorithm::Digest(digest), SignatureAlgorithm::Ecdsa(_)) => SignatureAlgorithm::Ecdsa(digest),
            (HashAlgorithm::Digest(_), SignatureAlgorithm::Ed25519) => return Err(Unfit),
        };
        if self.fits(algorithm) { Ok(algorithm) } else { Err(Unfit) }
    }
}

/// A hash with an algorithm that fits it and the key: a crypto module is asked for nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Digested<'a> {
    algorithm: SignatureAlgorithm,
    digest: Digest,
    hash: &'a [u8],
}

impl<'a> Digested<'a> {
    /// Puts them together.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn new(spec: KeySpec, algorithm: SignatureAlgorithm, hash: &'a [u8]) -> Result<Self, Unfit> {
        let digest = algorithm.digest().ok_or(Unfit)?;
        if !spec.fits(algorithm) || hash.len() != digest.size() {
            return Err(Unfit);
        }
        Ok(Self { algorithm, digest, hash })
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The algorithm's digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The hash.
    #[must_use]
    pub fn hash(&self) -> &'a [u8] {
        self.hash
    }

    /// The hash as ECDSA takes it for an order of `N` bytes (or, where no hash is longer than the order, as `N` bytes): FIPS 186-5 6.4.1 takes the leftmost bits of a longer hash,
    /// and a shorter one as the number that it is, which zeros before it do not change. A module that knows its curve
    /// with one digest only signs any of them so.
    #[must_use]
    pub fn scalar<const N: usize>(&self) -> [u8; N] {
        let mut scalar = [0; N];
        let taken = self.hash.len().min(N);
        scalar.iter_mut().skip(N - taken).zip(self.hash).for_each(|(to, from)| *to = *from);
        scalar
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_salt_has_room_or_does_not_fit() {
        let pss = |salt_len| SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len };
        assert!(KeySpec::Rsa2048.fits(pss(222)));
        assert!(!KeySpec::Rsa2048.fits(pss(223)));
        assert!(KeySpec::Rsa4096.fits(pss(478)));
        assert!(!KeySpec::P256.fits(pss(32)));
    }

    #[test]
    fn a_hash_of_another_length_does_not_fit() {
        for (spec, algorithm) in KeySpec::ALL.map(|spec| (spec, spec.default_algorithm())) {
            let size = algorithm.digest().unwrap().size();
            for len in [0, size - 1, size + 1] {
                assert!(Digested::new(spec, algorithm, &vec![0; len]).is_err());
            }
            assert!(Digested::new(spec, algorithm, &vec![0; size]).is_ok());
        }
    }

    #[test]
    fn a_digest_takes_the_padding_of_the_key() {
        let named = HashAlgorithm::Digest(Digest::Sha512);
        let pss = SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len: 32 };
        let resolved = KeySpec::Rsa2048.resolve(named, pss).unwrap();
        assert_eq!(resolved, SignatureAlgorithm::RsaPss { digest: Digest::Sha512, salt_len: 32 });
        let pkcs1 = SignatureAlgorithm::RsaPkcs1(Digest::Sha256);
        assert_eq!(KeySpec::Rsa2048.resolve(named, pkcs1), Ok(SignatureAlgorithm::RsaPkcs1(Digest::Sha512)));
        let whole = HashAlgorithm::Signature(SignatureAlgorithm::Ed25519);
        assert_eq!(KeySpec::P256.resolve(whole, SignatureAlgorithm::Ecdsa(Digest::Sha256)), Err(Unfit));
    }

    #[test]
    fn ecdsa_takes_the_leftmost_bytes_and_leads_with_zeros() {
        let ecdsa = SignatureAlgorithm::Ecdsa;
        let long: Vec<u8> = (0..64).collect();
        let cut = Digested::new(KeySpec::P256, ecdsa(Digest::Sha512), &long).unwrap().scalar::<32>();
        assert_eq!(cut, long[..32]);
        let led = Digested::new(KeySpec::P384, ecdsa(Digest::Sha256), &long[..32]).unwrap().scalar::<48>();
        assert_eq!(led[..16], [0; 16]);
        assert_eq!(led[16..], long[..32]);
    }
}
