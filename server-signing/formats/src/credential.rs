//! Credentials: what a request is authenticated by (1.10).

use der::Sequence;
use der::asn1::ObjectIdentifier;
use spki::AlgorithmIdentifierOwned;

use crate::error::Error;
use crate::field::Octets;
use crate::format::Format;
use crate::issuer_serial::IssuerSerial;
use crate::limit::{MAX_SIGNATURE_LEN, MAX_TOKEN_LEN};
use crate::oid_arc::OidArc;
use crate::open::Open;
use crate::token::SignedIdentityToken;

/// ```text
/// Credential ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct Credential {
    /// Which kind.
    pub credential_type: ObjectIdentifier,
    /// Its value, unread.
    pub value: Open,
}

impl Credential {
    /// Presents a token.
    ///
    /// # Errors
    /// What [`Format::to_bytes`] refuses.
    pub fn identity_token(token: &SignedIdentityToken, arc: &OidArc) -> Result<Self, Error> {
        Ok(Self { credential_type: arc.cred_identity_token(), value: Open::from_value(token)? })
    }

    /// Presents a signature over the message.
    ///
    /// # Errors
    /// What [`Format::to_bytes`] refuses.
    pub fn message_signature(signature: &MessageSignature, arc: &OidArc) -> Result<Self, Error> {
        Ok(Self { credential_type: arc.cred_message_signature(), value: Open::from_value(signature)? })
    }

    /// Reads the value by its type.
    ///
    /// # Errors
    /// What [`Format::parse`] refuses in a value of a known type; positions count from the value's first byte.
    pub fn open(&self, arc: &OidArc) -> Result<CredentialValue, Error> {
        if self.credential_type == arc.cred_identity_token() {
            return self.value.parse_as().map(Box::new).map(CredentialValue::IdentityToken);
        }
        if self.credential_type == arc.cred_message_signature() {
            return self.value.parse_as().map(Box::new).map(CredentialValue::MessageSignature);
        }
        Ok(CredentialValue::Unknown)
    }
}

/// A credential, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialValue {
    /// `id-cred-identityToken`.
    IdentityToken(Box<SignedIdentityToken>),
    /// `id-cred-messageSignature`.
    MessageSignature(Box<MessageSignature>),
    /// Any other type, which is answered with UnknownCredentialType.
    Unknown,
}

/// ```text
/// MessageSignature ::= SEQUENCE { cert IssuerSerial, sigAlg AlgorithmIdentifier, signature OCTET STRING }
/// ```
///
/// Over what [`PeerMessage::signed_bytes`](crate::PeerMessage::signed_bytes) gives.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct MessageSignature {
    /// The certificate, which the SAM has stored.
    pub cert: IssuerSerial,
    /// RSA or ECDSA with SHA-256.
    pub signature_algorithm: AlgorithmIdentifierOwned,
    /// The signature.
    pub signature: Octets<1, MAX_SIGNATURE_LEN>,
}

impl Format for MessageSignature {
    const MAX_LEN: usize = MAX_TOKEN_LEN;
}
