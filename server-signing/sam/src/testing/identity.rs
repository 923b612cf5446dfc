//! An identity provider and a person who signs.

use p256::ecdsa::{Signature, SigningKey};
use tw4s_formats::limit::MAX_SIGNATURE_LEN;
use tw4s_formats::{
    Claims, CompactGroupAssociation, CompactIdentityToken, CompactLongRoleAssociation, CompactRoleAssociation, Digest,
    DirectoryString, Exact, HashAlgorithm, IssuerSerial, LevelOfAssurance, List, MessageSignature, Octets, OidArc,
    PeerMessage, ROLE_PRIVILEGED_USER, Request, SCOPE_REMOTE_SIGNATURE, Sad, SadTbs, SetOf, SignatureAlgorithm,
    SignedIdentityToken, Text, Time,
};

use super::keys::{certificate, key, sign, spki};
use super::world::NOW;

/// What a token is to say. The default is good for signing, for four minutes from [`NOW`] on.
#[derive(Clone, Debug)]
pub struct TokenSpec {
    /// The user's id.
    pub user: String,
    /// Seconds since 1970.
    pub not_before: u64,
    /// Seconds since 1970.
    pub not_after: u64,
    /// The level of assurance.
    pub level: Option<LevelOfAssurance>,
    /// The scope.
    pub scope: Option<String>,
    /// The token's id.
    pub jti: Option<[u8; 16]>,
    /// Whether its signature is to be wrong.
    pub forged: bool,
}

impl TokenSpec {
    /// For a user.
    #[must_use]
    pub fn of(user: impl ToString) -> Self {
        Self {
            user: user.to_string(),
            not_before: NOW / 1000,
            not_after: NOW / 1000 + 240,
            level: Some(LevelOfAssurance::Substantial),
            scope: Some(SCOPE_REMOTE_SIGNATURE.into()),
            jti: Some([9; 16]),
            forged: false,
        }
    }
}

/// An identity provider, or whoever else has a key and a certificate.
#[derive(Clone)]
pub struct Idp {
    key: SigningKey,
    /// DER.
    pub certificate: Vec<u8>,
    signer: IssuerSerial,
}

impl Idp {
    /// Of a name; the same name is the same key.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let key = key(name);
        let (certificate, issuer, serial) = certificate(name, &key);
        Self { key, certificate, signer: IssuerSerial::new(issuer, serial).unwrap() }
    }

    /// A token; with a person, its public key is in it. Every token claims to be a privileged user's, which nobody at the
    /// module may believe.
    #[must_use]
    pub fn token(&self, spec: &TokenSpec, person: Option<&Person>) -> SignedIdentityToken {
        let claims = Claims {
            sad_key: person.map(|person| spki(&person.key)),
            scope: spec.scope.as_ref().map(|scope| Text::new(scope.as_str()).unwrap()),
            level: spec.level,
            jti: spec.jti,
        };
        let role = CompactRoleAssociation::Long(CompactLongRoleAssociation {
            app: DirectoryString::new("RemoteSignature").unwrap(),
            role: DirectoryString::new(ROLE_PRIVILEGED_USER).unwrap(),
            extensions: SetOf::default(),
        });
        let group = CompactGroupAssociation {
            id: Octets::new([1]).unwrap(),
            role_associations: SetOf::new(vec![role]).unwrap(),
            extensions: SetOf::default(),
        };
        let data = Exact::new(CompactIdentityToken {
            user_id: DirectoryString::new(&spec.user).unwrap(),
            not_before: Time::from_unix(spec.not_before).unwrap(),
            not_after: Time::from_unix(spec.not_after).unwrap(),
            group_associations: SetOf::new(vec![group]).unwrap(),
            extensions: claims.to_extensions(&OidArc::default()).unwrap(),
        })
        .unwrap();
        let signature = if spec.forged { sign(&self.key, b"something else") } else { sign(&self.key, data.der()) };
        SignedIdentityToken {
            data,
            signer: self.signer.clone(),
            signature_algorithm: SignatureAlgorithm::Ecdsa(Digest::Sha256).to_identifier().unwrap(),
            signature: Octets::new(signature).unwrap(),
            token_type: None,
        }
    }

    /// A token, changed and signed anew.
    #[must_use]
    pub fn resigned(
        &self,
        token: &SignedIdentityToken,
        change: impl FnOnce(&mut CompactIdentityToken),
    ) -> SignedIdentityToken {
        let mut data = token.data.clone().into_value();
        change(&mut data);
        let data = Exact::new(data).unwrap();
        let signature = Octets::new(sign(&self.key, data.der())).unwrap();
        SignedIdentityToken { data, signature, ..token.clone() }
    }

    /// A signature over a message, as a technical user makes it.
    #[must_use]
    pub fn message_signature(&self, message: &PeerMessage, request: &Request) -> MessageSignature {
        let signature = sign(&self.key, &message.signed_bytes(request).unwrap());
        MessageSignature {
            cert: self.signer.clone(),
            signature_algorithm: SignatureAlgorithm::Ecdsa(Digest::Sha256).to_identifier().unwrap(),
            signature: Octets::new(signature).unwrap(),
        }
    }
}

/// Whoever holds the temporary key of a SAD.
#[derive(Clone)]
pub struct Person {
    key: SigningKey,
}

impl Person {
    /// Of a name; the same name is the same key.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { key: key(&format!("person {name}")) }
    }

    /// Another signature over the same SADTBS: (r, n - s) instead of (r, s), which verifies as well.
    #[must_use]
    pub fn resigned(&self, sad: &Sad) -> Octets<1, MAX_SIGNATURE_LEN> {
        let signature = Signature::from_der(sad.signature.as_bytes()).unwrap();
        let (r, s) = signature.split_scalars();
        let other = Signature::from_scalars(r, -*s).unwrap();
        Octets::new(other.to_der().as_bytes()).unwrap()
    }

    /// A SAD over hashes.
    #[must_use]
    pub fn sad(&self, token: SignedIdentityToken, key_id: &str, algorithm: HashAlgorithm, hashes: &[Vec<u8>]) -> Sad {
        let hashes = hashes.iter().map(|hash| Octets::new(hash.as_slice()).unwrap()).collect();
        let tbs = SadTbs {
            identity_token: token,
            key_id: DirectoryString::new(key_id).unwrap(),
            hash_algorithm: algorithm.to_identifier().unwrap(),
            tbs_hash_values: List::new(hashes).unwrap(),
        };
        let tbs = Exact::new(tbs).unwrap();
        let signature = Octets::new(sign(&self.key, tbs.der())).unwrap();
        Sad { tbs, signature }
    }
}
