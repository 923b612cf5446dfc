//! The signed public key: what Generate_Signer_Key_Pair answers (row 19).

use der::Sequence;
use spki::SubjectPublicKeyInfoOwned;

use crate::field::Text;
use crate::format::Format;
use crate::limit::MAX_WRAPPED_KEY_LEN;
use crate::signed::Signed;
use crate::time::Time;

/// ```text
/// SignedPublicKey ::= SEQUENCE { tbs PublicKeyTbs, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING }
/// ```
///
/// Signed "with a private key used exclusively by the SAM" (Table 20).
pub type SignedPublicKey = Signed<PublicKeyTbs>;

impl Format for SignedPublicKey {
    const MAX_LEN: usize = MAX_WRAPPED_KEY_LEN;
}

/// ```text
/// PublicKeyTbs ::= SEQUENCE {
///   keyId  UTF8String,
///   userId UTF8String,
///   spki   SubjectPublicKeyInfo,
///   time   GeneralizedTime
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct PublicKeyTbs {
    /// The key.
    pub key_id: Text,
    /// Its owner.
    pub user_id: Text,
    /// The public key.
    pub spki: SubjectPublicKeyInfoOwned,
    /// When this was said.
    pub time: Time,
}
