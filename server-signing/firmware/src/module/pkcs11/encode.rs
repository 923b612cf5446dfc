//! What PKCS#11 has in other shapes than X.509.

use der::asn1::{Any, BitString, Null, ObjectIdentifier, OctetString, OctetStringRef, UintRef};
use der::{Decode, Encode, Sequence};
use tw4s_formats::{AlgorithmIdentifierOwned, Digest, SubjectPublicKeyInfoOwned};

use crate::algorithm::KeySpec;
use crate::module::ModuleError;

/// CKA_EC_PARAMS: the curve's identifier in DER.
pub(super) fn curve(spec: KeySpec) -> Result<Vec<u8>, ModuleError> {
    curve_oid(spec)?.to_der().map_err(failed)
}

/// SEQUENCE { r INTEGER, s INTEGER } of `r | s`.
pub(super) fn ecdsa(signature: &[u8], half: usize) -> Result<Vec<u8>, ModuleError> {
    let (r, s) = signature.split_at_checked(half).filter(|(_, s)| s.len() == half).ok_or(ModuleError::Failed)?;
    let value = EcdsaSigValue { r: UintRef::new(r).map_err(failed)?, s: UintRef::new(s).map_err(failed)? };
    value.to_der().map_err(failed)
}

/// RFC 8017 9.2, DigestInfo: here the parameters are NULL.
pub(super) fn digest_info(digest: Digest, hash: &[u8]) -> Result<Vec<u8>, ModuleError> {
    let algorithm = AlgorithmIdentifierOwned { oid: digest.oid(), parameters: Some(Any::null()) };
    DigestInfo { algorithm, hash: OctetStringRef::new(hash).map_err(failed)? }.to_der().map_err(failed)
}

pub(super) fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Result<SubjectPublicKeyInfoOwned, ModuleError> {
    let modulus = UintRef::new(modulus).map_err(failed)?;
    let exponent = UintRef::new(exponent).map_err(failed)?;
    let key = RsaPublicKey { modulus, exponent }.to_der().map_err(failed)?;
    let parameters = Any::encode_from(&Null).map_err(failed)?;
    spki(RSA_ENCRYPTION, parameters, &key)
}

/// `point` is CKA_EC_POINT: an OCTET STRING in DER around the uncompressed point.
pub(super) fn ec_key(spec: KeySpec, point: &[u8]) -> Result<SubjectPublicKeyInfoOwned, ModuleError> {
    let point = OctetString::from_der(point).map_err(failed)?;
    spki(EC_PUBLIC_KEY, Any::encode_from(&curve_oid(spec)?).map_err(failed)?, point.as_bytes())
}

fn spki(oid: ObjectIdentifier, parameters: Any, key: &[u8]) -> Result<SubjectPublicKeyInfoOwned, ModuleError> {
    let algorithm = AlgorithmIdentifierOwned { oid, parameters: Some(parameters) };
    let subject_public_key = BitString::from_bytes(key).map_err(failed)?;
    Ok(SubjectPublicKeyInfoOwned { algorithm, subject_public_key })
}

fn curve_oid(spec: KeySpec) -> Result<ObjectIdentifier, ModuleError> {
    match spec {
        KeySpec::P256 => Ok(SECP256R1),
        KeySpec::P384 => Ok(SECP384R1),
        KeySpec::P521 => Ok(SECP521R1),
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => Err(ModuleError::Failed),
    }
}

fn failed(_: der::Error) -> ModuleError {
    ModuleError::Failed
}

/// RFC 3279 2.2.3.
#[derive(Sequence)]
struct EcdsaSigValue<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// RFC 8017 9.2.
#[derive(Sequence)]
struct DigestInfo<'a> {
    algorithm: AlgorithmIdentifierOwned,
    hash: &'a OctetStringRef,
}

/// RFC 8017 A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const SECP521R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
