//! RSA (RFC 8017).

use const_oid::AssociatedOid;
use pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rsa::traits::{PaddingScheme, PublicKeyParts, SignatureScheme};
use rsa::{BoxedUint, Error, Oaep, Pkcs1v15Encrypt, Pkcs1v15Sign, Pss, RsaPrivateKey};
use sha1::Sha1;
use sha2::digest::{Digest, FixedOutputReset};
use sha2::{Sha256, Sha384, Sha512};
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;

use super::Parsed;
use crate::crypto::encoded::{EXPONENT_BITS, Encoded, RSA_BITS, Read, read};
use crate::crypto::mac::equal;
use crate::crypto::random::{Drbg, Port};
use crate::crypto::scheme::{Hash, Scheme};
use crate::ports::{CryptoError, Rng};

/// A new key pair.
pub(super) fn generate(bits: u16, exponent: u64, drbg: &mut Drbg) -> Result<(Encoded, Parsed), CryptoError> {
    // With an even exponent the crate would look for primes for ever.
    let sound = exponent > 1 && exponent % 2 == 1 && exponent >> EXPONENT_BITS == 0;
    if !RSA_BITS.contains(&bits) || !sound {
        return Err(CryptoError::Unsupported);
    }
    let key = RsaPrivateKey::new_with_exp(drbg, bits.into(), BoxedUint::from(exponent));
    let key = key.map_err(|_| CryptoError::Failed)?;
    let document = key.to_pkcs8_der().map_err(|_| CryptoError::Failed)?;
    match read(document.as_bytes())? {
        Read::Rsa(encoded) => Ok((encoded, Parsed::Rsa(Box::new(key)))),
        Read::P256(_) => Err(CryptoError::Failed),
    }
}

/// Reads a key and proves that all of its eight numbers belong together.
pub(super) fn load(encoded: &Encoded) -> Result<RsaPrivateKey, CryptoError> {
    let key = parse(encoded)?;
    // The crate checks n, e, d and the primes but ignores the other three numbers and computes its own: the key is
    // sound if those come out as they went in. With equal primes there is no coefficient, so nothing comes out.
    let document = key.to_pkcs8_der().map_err(|_| CryptoError::BadKey)?;
    if equal(document.as_bytes(), encoded.pkcs8.expose()) { Ok(key) } else { Err(CryptoError::BadKey) }
}

/// Reads a key.
pub(super) fn parse(encoded: &Encoded) -> Result<RsaPrivateKey, CryptoError> {
    RsaPrivateKey::from_pkcs8_der(encoded.pkcs8.expose()).map_err(|_| CryptoError::BadKey)
}

/// The signature block.
pub(super) fn sign(key: &RsaPrivateKey, scheme: Scheme, hash: &[u8], rng: &dyn Rng) -> Result<Vec<u8>, CryptoError> {
    let signature = match scheme.hash() {
        Hash::Sha1 => sign_with::<Sha1>(key, scheme, hash, rng),
        Hash::Sha256 => sign_with::<Sha256>(key, scheme, hash, rng),
        Hash::Sha384 => sign_with::<Sha384>(key, scheme, hash, rng),
        Hash::Sha512 => sign_with::<Sha512>(key, scheme, hash, rng),
    };
    signature.map_err(|_| CryptoError::Failed)
}

fn sign_with<D: Digest + AssociatedOid + FixedOutputReset>(
    key: &RsaPrivateKey,
    scheme: Scheme,
    hash: &[u8],
    rng: &dyn Rng,
) -> rsa::Result<Vec<u8>> {
    match scheme {
        Scheme::Pkcs1(_) => Pkcs1v15Sign::new::<D>().sign(Some(&mut Port(rng)), key, hash),
        Scheme::Pss(_) => Pss::<D>::new().sign(Some(&mut Port(rng)), key, hash),
        Scheme::Ecdsa(_) => Err(Error::InvalidPaddingScheme),
    }
}

/// Decrypts a block.
pub(super) fn decrypt(
    key: &RsaPrivateKey,
    algorithm: Algorithm,
    data: &[u8],
    rng: &dyn Rng,
) -> Result<Secret, CryptoError> {
    if data.len() != key.size() {
        return Err(CryptoError::BadData);
    }
    let rng = Some(&mut Port(rng));
    let clear = match algorithm {
        Algorithm::Rsa15 if data >= &*key.n_bytes() => Pkcs1v15Encrypt.decrypt(rng, key, &stand_in(data)),
        Algorithm::Rsa15 => Pkcs1v15Encrypt.decrypt(rng, key, data),
        Algorithm::RsaOaepSha1 => Oaep::<Sha1>::new().decrypt(rng, key, data),
        Algorithm::RsaOaepSha256 => Oaep::<Sha256>::new().decrypt(rng, key, data),
        _ => return Err(CryptoError::Unfit),
    };
    clear.map(Secret::new).map_err(|error| match error {
        Error::Decryption => CryptoError::BadData,
        _ => CryptoError::Failed,
    })
}

/// What PKCS#1 v1.5 decryption takes in place of a number that is not below the modulus.
///
/// The crate answers such data with an error. It would tell nothing that the public key does not tell, but ruling 111
/// knows no error for data of the right length; so the data's hash, stretched and made small enough, is decrypted
/// instead. What comes out depends on key and data only, as with any wrong padding, and takes as long.
fn stand_in(data: &[u8]) -> Vec<u8> {
    let mut small: Vec<u8> = (0_u16..)
        .flat_map(|block| Sha256::new().chain_update(block.to_be_bytes()).chain_update(data).finalize())
        .take(data.len())
        .collect();
    if let Some(first) = small.first_mut() {
        *first = 0;
    }
    small
}
