//! SAD: the Signature Activation Data (guide 8.1, rows 8, 9, 13 and 14).

use der::{Decode, Header, Reader, Sequence, SliceReader};
use spki::AlgorithmIdentifierOwned;

use crate::algorithm::HashAlgorithm;
use crate::directory_string::DirectoryString;
use crate::error::Error;
use crate::field::{List, Octets};
use crate::format::Format;
use crate::limit::{MAX_HASH_LEN, MAX_HASHES, MAX_SAD_LEN, MAX_SIGNATURE_LEN};
use crate::signed::Exact;
use crate::token::SignedIdentityToken;

/// ```text
/// SAD ::= SEQUENCE { tbs SADTBS, signature OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct Sad {
    /// What is signed; the signature runs over [`tbs.der()`](Exact::der), and sad_id is the SHA-256 of it (row 17).
    pub tbs: Exact<SadTbs>,
    /// By the key in the token's extension, in the algorithm that
    /// [`KeyKind::sad_algorithm`](crate::KeyKind::sad_algorithm) gives it.
    pub signature: Octets<1, MAX_SIGNATURE_LEN>,
}

impl Sad {
    /// Whether this is the DER of the token in it.
    #[must_use]
    pub fn has_token(&self, der: &[u8]) -> bool {
        let first_field = || {
            let mut reader = SliceReader::new(self.tbs.der())?;
            Header::decode(&mut reader)?;
            reader.tlv_bytes()
        };
        first_field().is_ok_and(|token| token == der)
    }
}

impl Format for Sad {
    const MAX_LEN: usize = MAX_SAD_LEN;
}

/// ```text
/// SADTBS ::= SEQUENCE {
///   identityToken  SignedIdentityToken,
///   keyId          DirectoryString,
///   hashAlgorithm  AlgorithmIdentifier,
///   tbsHashValues  SEQUENCE OF OCTET STRING
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct SadTbs {
    /// The user, and the key that signs the SAD.
    pub identity_token: SignedIdentityToken,
    /// The key to sign with.
    pub key_id: DirectoryString,
    /// Digest or signature algorithm; [`algorithm`](Self::algorithm) reads it.
    pub hash_algorithm: AlgorithmIdentifierOwned,
    /// What to sign: one at least, signed in this order (row 14).
    pub tbs_hash_values: List<HashValue, 1, MAX_HASHES>,
}

impl SadTbs {
    /// Reads `hashAlgorithm`.
    ///
    /// # Errors
    /// [`Kind::Algorithm`](crate::Kind::Algorithm) for what is not on the list.
    pub fn algorithm(&self) -> Result<HashAlgorithm, Error> {
        HashAlgorithm::from_identifier(&self.hash_algorithm)
    }
}

impl Format for SadTbs {
    const MAX_LEN: usize = MAX_SAD_LEN;
}

/// One hash to sign. That its size is the digest's is for the reader to check.
pub type HashValue = Octets<0, MAX_HASH_LEN>;
