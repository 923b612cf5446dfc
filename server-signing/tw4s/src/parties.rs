//! The parties around the module, for the demo, the benchmark and the tests: an identity provider, a CA, and a signer's
//! temporary key. Real ones are components of their own; what these make has the same bytes.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use der::asn1::OctetString;
use der::oid::AssociatedOid;
use der::{Decode, Encode, Sequence};
use tw4s_formats::operation::Operation;
use tw4s_formats::{
    AlgorithmIdentifierOwned, Claims, CompactIdentityToken, Credential, Digest, DirectoryString, ErrorResponse, Exact,
    Format, HashAlgorithm, IssuerSerial, KeyUsage, KeyUsages, LevelOfAssurance, List, Name, Octets, OidArc, PeerBody,
    PeerMessage, Request, Response, SCOPE_REMOTE_SIGNATURE, Sad, SadTbs, SerialNumber, SetOf, SignatureAlgorithm,
    Signed, SignedIdentityToken, SubjectPublicKeyInfoOwned, Text, Time,
};
use x509_cert::ext::Extension;
use x509_cert::time::Validity;

/// What cannot be made; none of it is expected.
pub(crate) type Made<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A P-256 key pair.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    spki: SubjectPublicKeyInfoOwned,
}

impl Key {
    /// Makes one.
    pub(crate) fn generate() -> Made<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        let spki = SubjectPublicKeyInfoOwned::from_der(pair.public_key().as_der()?.as_ref())?;
        Ok(Self { pair, spki })
    }

    /// Its public half.
    pub(crate) fn spki(&self) -> &SubjectPublicKeyInfoOwned {
        &self.spki
    }

    /// ECDSA with SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Made<Vec<u8>> {
        Ok(self.pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec())
    }
}

/// Whether a signature over a message is of a P-256 key.
pub(crate) fn verifies(key: &SubjectPublicKeyInfoOwned, message: &[u8], signature: &[u8]) -> bool {
    let point = key.subject_public_key.as_bytes().unwrap_or_default();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature).is_ok()
}

/// Who issues certificates: for itself, and as a CA for signers.
pub(crate) struct Authority {
    key: Key,
    name: Name,
    certificate: Vec<u8>,
    serial: SerialNumber,
}

impl Authority {
    /// Makes one with a self-signed certificate; `name` as in `CN=Demo`.
    pub(crate) fn new(name: &str) -> Made<Self> {
        let key = Key::generate()?;
        let name: Name = name.parse()?;
        let serial = SerialNumber::new(&random::<15>()?)?;
        let usage = KeyUsages::DigitalSignature | KeyUsages::KeyCertSign;
        let certificate = certificate(&key, &name, &name, key.spki(), &serial, KeyUsage(usage))?;
        Ok(Self { key, name, certificate, serial })
    }

    /// Its certificate, DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Certifies a signer's key.
    pub(crate) fn issue(&self, subject: &Name, key: &SubjectPublicKeyInfoOwned) -> Made<Vec<u8>> {
        let serial = SerialNumber::new(&random::<15>()?)?;
        certificate(&self.key, &self.name, subject, key, &serial, KeyUsage(KeyUsages::NonRepudiation.into()))
    }

    /// A token after a login at this identity provider.
    pub(crate) fn login(&self, user: &str, level: LevelOfAssurance, lifetime: Duration) -> Made<SignedIdentityToken> {
        self.token(user, lifetime, &Claims { level: Some(level), jti: Some(random()?), ..Claims::default() })
    }

    /// The token of a login, with the key that will sign the SAD and the scope for it (row 16).
    pub(crate) fn extend(
        &self,
        token: &SignedIdentityToken,
        sad_key: &Key,
        lifetime: Duration,
    ) -> Made<SignedIdentityToken> {
        let claims = token.data.claims(&OidArc::default())?;
        let extended = Claims {
            sad_key: Some(sad_key.spki.clone()),
            scope: Some(Text::new(SCOPE_REMOTE_SIGNATURE)?),
            jti: Some(random()?),
            ..claims
        };
        self.token(token.data.user_id.text(), lifetime, &extended)
    }

    /// A token that says what it is told to.
    pub(crate) fn token(&self, user: &str, lifetime: Duration, claims: &Claims) -> Made<SignedIdentityToken> {
        let now = now();
        let data = Exact::new(CompactIdentityToken {
            user_id: DirectoryString::new(user)?,
            not_before: Time::from_unix(now)?,
            not_after: Time::from_unix(now + lifetime.as_secs())?,
            group_associations: SetOf::default(),
            extensions: claims.to_extensions(&OidArc::default())?,
        })?;
        let signature = self.key.sign(data.der())?;
        Ok(SignedIdentityToken {
            data,
            signer: IssuerSerial::new(self.name.clone(), self.serial.clone())?,
            signature_algorithm: ecdsa()?,
            signature: Octets::new(signature)?,
            token_type: None,
        })
    }
}

/// The SAD: hashes to be signed with a key, by word of the token and of the temporary key in it.
pub(crate) fn sad(
    temporary: &Key,
    token: &SignedIdentityToken,
    key_id: &str,
    algorithm: HashAlgorithm,
    hashes: &[Vec<u8>],
) -> Made<Sad> {
    let hashes = hashes.iter().map(|hash| Octets::new(hash.as_slice())).collect::<Result<Vec<_>, _>>()?;
    let tbs = Exact::new(SadTbs {
        identity_token: token.clone(),
        key_id: DirectoryString::new(key_id)?,
        hash_algorithm: algorithm.to_identifier()?,
        tbs_hash_values: List::new(hashes)?,
    })?;
    let signature = temporary.sign(tbs.der())?;
    Ok(Sad { tbs, signature: Octets::new(signature)? })
}

/// A request with a token as its credential, as it goes over the peering channel.
pub(crate) fn request<O: Operation>(operation: &O, token: &SignedIdentityToken) -> Made<Vec<u8>> {
    let request = Request {
        message_type: Text::new(O::TYPE.name())?,
        message: Octets::new(operation.to_bytes()?)?,
        credential: Credential::identity_token(token, &OidArc::default())?,
    };
    Ok(PeerMessage::new(random()?, Time::from_unix(now())?, PeerBody::Request(Box::new(request)))?.to_bytes()?)
}

/// What came back over the peering channel: a result or a refusal.
pub(crate) fn answer<O: Operation>(bytes: &[u8]) -> Made<Result<O::Result, ErrorResponse>> {
    match PeerMessage::parse(bytes)?.body {
        PeerBody::Response(response) => match *response {
            Response::Result(result) => Ok(Ok(O::Result::parse(result.as_bytes())?)),
            Response::Error(error) => Ok(Err(error)),
        },
        _ => Err("the answer is no response".into()),
    }
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Made<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(bytes)
}

/// A random UUID, in lower case (RFC 9562 5.4).
pub(crate) fn uuid() -> Made<String> {
    let mut bytes = random::<16>()?;
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0F) | 0x40;
    *variant = (*variant & 0x3F) | 0x80;
    let digits = hex::encode(bytes);
    let mut out = String::with_capacity(36);
    for (at, digit) in digits.chars().enumerate() {
        if [8, 12, 16, 20].contains(&at) {
            out.push('-');
        }
        out.push(digit);
    }
    Ok(out)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// RFC 5280 4.1.2.
#[derive(Sequence)]
struct TbsCertificate {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial_number: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    subject_public_key_info: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

fn certificate(
    issuer_key: &Key,
    issuer: &Name,
    subject: &Name,
    key: &SubjectPublicKeyInfoOwned,
    serial: &SerialNumber,
    usage: KeyUsage,
) -> Made<Vec<u8>> {
    let tbs = Exact::new(TbsCertificate {
        version: V3,
        serial_number: serial.clone(),
        signature: ecdsa()?,
        issuer: issuer.clone(),
        validity: Validity::from_now(YEAR)?,
        subject: subject.clone(),
        subject_public_key_info: key.clone(),
        extensions: vec![Extension {
            extn_id: KeyUsage::OID,
            critical: true,
            extn_value: OctetString::new(usage.to_der()?)?,
        }],
    })?;
    let signature = issuer_key.sign(tbs.der())?;
    Ok(Signed::new(tbs, ecdsa()?, signature)?.to_der()?)
}

fn ecdsa() -> Made<AlgorithmIdentifierOwned> {
    Ok(SignatureAlgorithm::Ecdsa(Digest::Sha256).to_identifier()?)
}

/// The number of version 3.
const V3: u8 = 2;
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
