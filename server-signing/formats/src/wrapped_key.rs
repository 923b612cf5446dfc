//! WrappedKey: a signer's key as it is kept outside the module (row 18).

use der::Sequence;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

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
