//! PKCS#8 and SubjectPublicKeyInfo, read and written the same for both engines.
//!
//! Source: RFC 5208 and RFC 5958 (PKCS#8), RFC 8017 (RSA), RFC 5915 and RFC 5480 (elliptic curves). Input may be of
//! either version, with attributes and with or without an EC public key; output is always version 1 without
//! attributes, an EC key with its public key: what OpenSSL writes.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_EC_PUBLIC_KEY, SECP_256_R_1};
use der::asn1::{BitStringRef, OctetStringRef};
use der::{AnyRef, Decode, Encode, Sequence};
use pkcs8::PrivateKeyInfoRef;
use rsa::pkcs1::{self, RsaPrivateKey, RsaPublicKeyRef, UintRef};
use sks_wire::Secret;
use spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use super::peer::POINT;
use crate::ports::{CryptoError, KeySpec};

/// Sizes of RSA keys that the token takes and makes.
pub(super) const RSA_BITS: [u16; 4] = [1024, 2048, 3072, 4096];
/// Public exponents have at most this many bits: longer ones make public operations a denial of service.
pub(super) const EXPONENT_BITS: u32 = 33;

/// Bytes of a P-256 private key.
pub(super) type Scalar = Zeroizing<[u8; 32]>;

/// A key pair in its two encodings.
pub(super) struct Encoded {
    pub(super) spec: KeySpec,
    /// SubjectPublicKeyInfo.
    pub(super) public_key: Vec<u8>,
    /// PrivateKeyInfo.
    pub(super) pkcs8: Secret,
}

/// A private key that was read. That its numbers belong together is for an engine to find.
pub(super) enum Read<'a> {
    /// RSA: size, exponent and the primes' sizes are sound.
    Rsa(Encoded),
    /// P-256.
    P256(EcKey<'a>),
}

/// A P-256 private key, and what the file says its public key is.
pub(super) struct EcKey<'a> {
    pub(super) scalar: Scalar,
    claimed: [Option<&'a [u8]>; 2],
}

/// `ECPrivateKey ::= SEQUENCE { version INTEGER { ecPrivkeyVer1(1) }, privateKey OCTET STRING,
/// parameters [0] ECParameters OPTIONAL, publicKey [1] BIT STRING OPTIONAL }`
#[derive(Sequence)]
struct EcPrivateKey<'a> {
    version: u8,
    private_key: &'a OctetStringRef,
    /// Of the three kinds of ECParameters only namedCurve.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    parameters: Option<ObjectIdentifier>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    public_key: Option<BitStringRef<'a>>,
}

/// Reads a PKCS#8 private key.
pub(super) fn read(pkcs8: &[u8]) -> Result<Read<'_>, CryptoError> {
    let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| CryptoError::BadKey)?;
    match info.algorithm.oid {
        pkcs1::ALGORITHM_OID => read_rsa(&info).map(Read::Rsa),
        ID_EC_PUBLIC_KEY => read_p256(&info).map(Read::P256),
        _ => Err(CryptoError::Unsupported),
    }
}

fn read_rsa(info: &PrivateKeyInfoRef<'_>) -> Result<Encoded, CryptoError> {
    if info.algorithm.parameters != Some(AnyRef::NULL) {
        return Err(CryptoError::BadKey);
    }
    let key = RsaPrivateKey::<UintRef<'_>>::from_der(info.private_key.as_bytes()).map_err(|_| CryptoError::BadKey)?;
    if key.version() != pkcs1::Version::TwoPrime {
        return Err(CryptoError::Unsupported);
    }
    let spec = rsa_spec(key.modulus.as_bytes(), key.public_exponent.as_bytes())?;
    let KeySpec::Rsa { bits, .. } = spec else { return Err(CryptoError::BadKey) };
    // Both engines' arithmetic wants primes of half the modulus.
    if [key.prime1, key.prime2].iter().any(|prime| bit_length(prime.as_bytes()) != u32::from(bits / 2)) {
        return Err(CryptoError::BadKey);
    }
    let public =
        RsaPublicKeyRef { modulus: key.modulus, public_exponent: key.public_exponent }.to_der().map_err(failed)?;
    if info.public_key.is_some_and(|claimed| claimed.as_bytes() != Some(&*public)) {
        return Err(CryptoError::BadKey);
    }
    let subject_public_key = BitStringRef::from_bytes(&public).map_err(failed)?;
    let public_key = SubjectPublicKeyInfoRef { algorithm: pkcs1::ALGORITHM_ID, subject_public_key };
    let pkcs8 = PrivateKeyInfoRef::new(pkcs1::ALGORITHM_ID, info.private_key);
    Ok(Encoded {
        spec,
        public_key: public_key.to_der().map_err(failed)?,
        pkcs8: Secret::new(pkcs8.to_der().map_err(failed)?),
    })
}

/// The kind of an RSA key, if size and exponent are ones that the token takes.
pub(super) fn rsa_spec(modulus: &[u8], exponent: &[u8]) -> Result<KeySpec, CryptoError> {
    let bits = RSA_BITS.into_iter().find(|bits| bit_length(modulus) == u32::from(*bits));
    let bits = bits.ok_or(CryptoError::Unsupported)?;
    if bit_length(exponent) > EXPONENT_BITS {
        return Err(CryptoError::Unsupported);
    }
    let exponent = exponent.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    if exponent < 3 || exponent.is_multiple_of(2) {
        Err(CryptoError::BadKey)
    } else {
        Ok(KeySpec::Rsa { bits, exponent })
    }
}

/// Of a big-endian number.
fn bit_length(number: &[u8]) -> u32 {
    let mut digits = number.iter().skip_while(|byte| **byte == 0);
    let Some(first) = digits.next() else { return 0 };
    let below = u32::try_from(digits.count()).unwrap_or(u32::MAX / 16);
    (8 - first.leading_zeros()) + 8 * below
}

fn read_p256<'a>(info: &PrivateKeyInfoRef<'a>) -> Result<EcKey<'a>, CryptoError> {
    let curve = info.algorithm.parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    if curve != Some(SECP_256_R_1) {
        return Err(CryptoError::Unsupported);
    }
    let key = EcPrivateKey::from_der(info.private_key.as_bytes()).map_err(|_| CryptoError::BadKey)?;
    if key.version != 1 || key.parameters.is_some_and(|inner| inner != SECP_256_R_1) {
        return Err(CryptoError::BadKey);
    }
    let scalar = <&[u8; 32]>::try_from(key.private_key.as_bytes()).map_err(|_| CryptoError::BadKey)?;
    let claim = |bits: BitStringRef<'a>| bits.as_bytes().ok_or(CryptoError::BadKey);
    let claimed = [key.public_key.map(claim).transpose()?, info.public_key.map(claim).transpose()?];
    Ok(EcKey { scalar: Zeroizing::new(*scalar), claimed })
}

impl EcKey<'_> {
    /// The encodings, now that an engine has computed the public key, and found the private one in its range.
    pub(super) fn encode(&self, point: &[u8; POINT]) -> Result<Encoded, CryptoError> {
        let compressed = compress(point);
        let sound = |claimed: &&[u8]| *claimed == point || *claimed == compressed;
        if !self.claimed.iter().flatten().all(sound) {
            return Err(CryptoError::BadKey);
        }
        Ok(encode_p256(&self.scalar, point))
    }
}

/// The other form of a point in which a file may hold a public key.
fn compress(point: &[u8; POINT]) -> Vec<u8> {
    let odd = point.last().is_some_and(|byte| byte % 2 == 1);
    [if odd { 3 } else { 2 }].into_iter().chain(point.iter().skip(1).take(32).copied()).collect()
}

/// The encodings of a P-256 key pair.
pub(super) fn encode_p256(scalar: &Scalar, point: &[u8; POINT]) -> Encoded {
    Encoded {
        spec: KeySpec::P256,
        public_key: p256_public_key(point),
        pkcs8: Secret::new([PKCS8_HEAD, scalar.as_slice(), PKCS8_MIDDLE, point].concat()),
    }
}

/// SubjectPublicKeyInfo of a point of P-256.
pub(super) fn p256_public_key(point: &[u8; POINT]) -> Vec<u8> {
    [SPKI_HEAD, point].concat()
}

fn failed(_: der::Error) -> CryptoError {
    CryptoError::Failed
}

/// `SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING` up to the point: all is of fixed length.
const SPKI_HEAD: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// `SEQUENCE { 0, SEQUENCE { id-ecPublicKey, prime256v1 }, OCTET STRING { SEQUENCE { 1, OCTET STRING` up to the scalar.
const PKCS8_HEAD: &[u8] = &[
    0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
    0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
];

/// `[1] { BIT STRING` up to the point.
const PKCS8_MIDDLE: &[u8] = &[0xa1, 0x44, 0x03, 0x42, 0x00];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_bits() {
        assert_eq!([&[][..], &[0], &[1], &[0x80], &[0, 1, 0]].map(bit_length), [0, 0, 1, 8, 9]);
    }

    #[test]
    fn refuses_exponents_that_are_even_or_one_or_long() {
        let modulus = [0xff; 256];
        let spec = |exponent: &[u8]| rsa_spec(&modulus, exponent);
        assert_eq!(spec(&[3]), Ok(KeySpec::Rsa { bits: 2048, exponent: 3 }));
        assert_eq!(spec(&[1, 0xff, 0xff, 0xff, 0xff]), Ok(KeySpec::Rsa { bits: 2048, exponent: (1 << 33) - 1 }));
        assert_eq!(spec(&[1]), Err(CryptoError::BadKey));
        assert_eq!(spec(&[4]), Err(CryptoError::BadKey));
        assert_eq!(spec(&[2, 0, 0, 0, 1]), Err(CryptoError::Unsupported));
        assert_eq!(rsa_spec(&[0xff; 129], &[3]), Err(CryptoError::Unsupported));
    }
}
