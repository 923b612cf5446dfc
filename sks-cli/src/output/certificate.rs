//! What a certificate says, in short.
//!
//! Source: RFC 5280; names as in RFC 4514. A certificate that cannot be read is no failure: a token keeps what its
//! issuer gave it.

use der::asn1::UintRef;
use der::oid::ObjectIdentifier;
use der::{Decode, Reader, SliceReader};
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::safe;

/// rsaEncryption (RFC 8017).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-ecPublicKey (RFC 5480).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// The curve P-256 (RFC 5480).
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// What is shown of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Subject, as it came: not fit for a terminal.
    pub(crate) subject: String,
    /// Issuer, as it came.
    pub(crate) issuer: String,
    /// In hexadecimal.
    pub(crate) serial_number: String,
    /// RFC 3339.
    pub(crate) not_before: String,
    /// RFC 3339.
    pub(crate) not_after: String,
    /// `p256`, `rsa2048` and so on, or the algorithm's identifier.
    pub(crate) key_algorithm: String,
}

impl Summary {
    /// Reads the End-Entity Certificate of a path.
    pub(crate) fn of_path(path: &[Vec<u8>]) -> Option<Self> {
        let certificate = Certificate::from_der(path.first()?).ok()?;
        let tbs = certificate.tbs_certificate();
        let serial: String = tbs.serial_number().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self {
            subject: tbs.subject().to_string(),
            issuer: tbs.issuer().to_string(),
            serial_number: serial,
            not_before: tbs.validity().not_before.to_date_time().to_string(),
            not_after: tbs.validity().not_after.to_date_time().to_string(),
            key_algorithm: key_algorithm(tbs.subject_public_key_info()),
        })
    }

    /// The form in JSON.
    pub(crate) fn json(&self) -> Value {
        json!({
            "subject": self.subject,
            "issuer": self.issuer,
            "serial_number": self.serial_number,
            "not_before": self.not_before,
            "not_after": self.not_after,
            "key_algorithm": self.key_algorithm,
        })
    }

    /// The subject, fit for a terminal.
    pub(crate) fn safe_subject(&self) -> String {
        safe(&self.subject)
    }

    /// Whether the key is an RSA key.
    pub(crate) fn is_rsa(&self) -> bool {
        self.key_algorithm.starts_with("rsa")
    }
}

/// The key type and size in one word.
fn key_algorithm(spki: &SubjectPublicKeyInfoOwned) -> String {
    let algorithm = &spki.algorithm;
    match algorithm.oid {
        RSA => match spki.subject_public_key.as_bytes().and_then(modulus_bits) {
            Some(bits) => format!("rsa{bits}"),
            None => "rsa".to_owned(),
        },
        EC => match algorithm.parameters.as_ref().and_then(|curve| curve.decode_as().ok()) {
            Some(P256) => "p256".to_owned(),
            Some(curve) => format!("ec {curve}"),
            None => "ec".to_owned(),
        },
        other => other.to_string(),
    }
}

/// Bits of the modulus of an RSAPublicKey (RFC 8017).
fn modulus_bits(key: &[u8]) -> Option<usize> {
    let modulus = |reader: &mut SliceReader<'_>| {
        reader.sequence(|inner| {
            let modulus = UintRef::decode(inner)?;
            let bytes = modulus.as_bytes();
            let leading = bytes.first().map_or(0, |byte| byte.leading_zeros());
            inner.drain(inner.remaining_len())?;
            Ok::<_, der::Error>((bytes.len() * 8).saturating_sub(usize::try_from(leading).unwrap_or(0)))
        })
    };
    SliceReader::new(key).and_then(|mut reader| modulus(&mut reader)).ok()
}
