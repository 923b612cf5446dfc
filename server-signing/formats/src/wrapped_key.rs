//! WrappedKey: a signer's key as it is kept outside the module (row 18).

use der::{Decode, Header, Reader, Sequence, SliceReader};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::error::Error;
use crate::field::{Octets, Text, V1};
use crate::format::Format;
use crate::limit::{MAX_CM_WRAPPED_KEY_LEN, MAX_WRAPPED_KEY_LEN};
use crate::signed::Signed;
use crate::time::Time;

/// ```text
/// WrappedKey ::= SEQUENCE { tbs WrappedKeyTbs, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING }
/// ```
///
/// Signed by the SAM's key that is derived at `init`.
pub type WrappedKey = Signed<WrappedKeyTbs>;

impl WrappedKey {
    /// The public half in the DER of a wrapped key, whose other fields are passed over: for a caller who has reason to
    /// know that it is one.
    ///
    /// # Errors
    /// [`Kind::NotDer`](crate::Kind::NotDer) or [`Kind::Field`](crate::Kind::Field) if there is none where it should be.
    pub fn spki_in(der: &[u8]) -> Result<SubjectPublicKeyInfoOwned, Error> {
        let spki = || {
            let mut reader = SliceReader::new(der)?;
            // The whole, and tbs.
            Header::decode(&mut reader)?;
            Header::decode(&mut reader)?;
            for _version_key_id_and_wrapped_key in 0..3 {
                reader.tlv_bytes()?;
            }
            // metadata, whose first field is userId.
            Header::decode(&mut reader)?;
            reader.tlv_bytes()?;
            SubjectPublicKeyInfoOwned::decode(&mut reader)
        };
        Ok(spki()?)
    }
}

impl Format for WrappedKey {
    const MAX_LEN: usize = MAX_WRAPPED_KEY_LEN;
}

/// ```text
/// WrappedKeyTbs ::= SEQUENCE {
///   version      INTEGER (1),
///   keyId        UTF8String,
///   cmWrappedKey OCTET STRING,
///   metadata     WrappedKeyMetadata
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct WrappedKeyTbs {
    /// 1.
    pub version: V1,
    /// The key.
    pub key_id: Text,
    /// The private key under the module's key: AES-256-KWP (RFC 5649) of its PKCS#8, or C_WrapKey's result.
    pub cm_wrapped_key: Octets<1, MAX_CM_WRAPPED_KEY_LEN>,
    /// Whose and what it is.
    pub metadata: WrappedKeyMetadata,
}

/// ```text
/// WrappedKeyMetadata ::= SEQUENCE {
///   userId      UTF8String,
///   spki        SubjectPublicKeyInfo,
///   algorithm   AlgorithmIdentifier,
///   createdAt   GeneralizedTime,
///   samId       UTF8String,
///   moduleKeyId UTF8String
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct WrappedKeyMetadata {
    /// The owner.
    pub user_id: Text,
    /// The public half.
    pub spki: SubjectPublicKeyInfoOwned,
    /// The signature algorithm that the key is for by default, as row 13 needs it for RSA.
    pub algorithm: AlgorithmIdentifierOwned,
    /// When it was generated.
    pub created_at: Time,
    /// The SAM that it belongs to.
    pub sam_id: Text,
    /// The module's key that it is wrapped under.
    pub module_key_id: Text,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn finds_the_public_key_alone_as_in_the_whole() {
        let der = include_bytes!("../samples/wrapped-key/ok-p256.der");
        let spki = WrappedKey::parse(der).unwrap().tbs.metadata.spki.clone();
        assert_eq!(WrappedKey::spki_in(der).unwrap(), spki);
        let end = der.windows(der.len().min(27)).position(|at| at.starts_with(&[0x30, 0x59, 0x30, 0x13])).unwrap() + 91;
        for cut in 0..end {
            assert!(WrappedKey::spki_in(&der[..cut]).is_err(), "{cut}");
        }
        assert!(WrappedKey::spki_in(b"no wrapped key").is_err());
    }
}
