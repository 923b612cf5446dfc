//! Key pairs, and identity providers with a certificate.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, RsaKeyPair, RsaPssSaltLength, UnparsedPublicKey, VerificationAlgorithm,
};
use der::asn1::{Any, BitString, GeneralizedTime, Uint};
use der::{DateTime, Decode, Encode, Sequence};
use tw4s_formats::{
    AlgorithmIdentifierOwned, Claims, Digest, Exact, Format, IssuerSerial, Name, Octets, SerialNumber,
    SignatureAlgorithm, SignedIdentityToken, SubjectPublicKeyInfoOwned,
};

use super::compact;

/// A key pair that signs in one algorithm.
pub(crate) enum Pair {
    Ec(EcdsaKeyPair, Digest),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Pair {
    pub(crate) fn p256() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(), Digest::Sha256)
    }

    pub(crate) fn p384() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap(), Digest::Sha384)
    }

    pub(crate) fn p521() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P521_SHA512_ASN1_SIGNING).unwrap(), Digest::Sha512)
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn algorithm(&self) -> SignatureAlgorithm {
        match self {
            Self::Ec(_, digest) => SignatureAlgorithm::Ecdsa(*digest),
            Self::Rsa(_) => SignatureAlgorithm::RsaPkcs1(Digest::Sha256),
            Self::Ed25519(_) => SignatureAlgorithm::Ed25519,
        }
    }

    pub(crate) fn spki(&self) -> SubjectPublicKeyInfoOwned {
        let der = match self {
            Self::Ec(pair, _) => pair.public_key().as_der().unwrap(),
            Self::Rsa(pair) => pair.public_key().as_der().unwrap(),
            Self::Ed25519(pair) => pair.public_key().as_der().unwrap(),
        };
        SubjectPublicKeyInfoOwned::parse(der.as_ref()).unwrap()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ec(pair, _) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => self.sign_rsa(pair, &signature::RSA_PKCS1_SHA256, message),
        }
    }

    /// RSASSA-PSS with SHA-256 and a salt of 222 bytes.
    pub(crate) fn sign_pss(&self, message: &[u8]) -> Vec<u8> {
        const PSS: signature::RsaSignatureEncoding =
            signature::RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(222));
        let Self::Rsa(pair) = self else { panic!("not an RSA key") };
        self.sign_rsa(pair, &const { PSS }, message)
    }

    fn sign_rsa(&self, pair: &RsaKeyPair, encoding: &'static dyn signature::RsaEncoding, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }
}

/// An identity provider.
pub(crate) struct Idp {
    pub(crate) pair: Pair,
    pub(crate) certificate: Vec<u8>,
    name: Name,
    serial: SerialNumber,
}

impl Idp {
    pub(crate) fn new(name: &str, pair: Pair) -> Self {
        let certificate = certificate(name, pair.spki(), 4711);
        let read = x509_cert::Certificate::from_der(&certificate).unwrap();
        let tbs = read.tbs_certificate();
        Self { pair, name: tbs.issuer().clone(), serial: tbs.serial_number().clone(), certificate }
    }

    pub(crate) fn issuer_serial(&self) -> IssuerSerial {
        IssuerSerial::new(self.name.clone(), self.serial.clone()).unwrap()
    }

    pub(crate) fn token(&self, user: &str, claims: &Claims) -> SignedIdentityToken {
        let data = Exact::new(compact(user, claims)).unwrap();
        let signature = self.pair.sign(data.der());
        let signature_algorithm = self.pair.algorithm().to_identifier().unwrap();
        let signature = Octets::new(signature).unwrap();
        SignedIdentityToken { data, signer: self.issuer_serial(), signature_algorithm, signature, token_type: None }
    }
}

/// A certificate of this key; nobody looks at its signature.
pub(crate) fn certificate(name: &str, spki: SubjectPublicKeyInfoOwned, serial: u16) -> Vec<u8> {
    let name: Name = format!("CN={name}").parse().unwrap();
    let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256).to_identifier().unwrap();
    let time = |year| GeneralizedTime::from_date_time(DateTime::new(year, 1, 1, 0, 0, 0).unwrap());
    let tbs = Tbs {
        version: 2,
        serial: Uint::new(&serial.to_be_bytes()).unwrap(),
        algorithm: algorithm.clone(),
        issuer: Any::encode_from(&name).unwrap(),
        validity: Validity { from: time(2050), to: time(2060) },
        subject: Any::encode_from(&name).unwrap(),
        spki,
    };
    Certificate { tbs, algorithm, signature: BitString::from_bytes(&[0]).unwrap() }.to_der().unwrap()
}

/// RFC 5280 4.1, by hand: x509-cert makes certificates only with the signers that it knows.
#[derive(Sequence)]
struct Certificate {
    tbs: Tbs,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

#[derive(Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: Uint,
    algorithm: AlgorithmIdentifierOwned,
    issuer: Any,
    validity: Validity,
    subject: Any,
    spki: SubjectPublicKeyInfoOwned,
}

#[derive(Sequence)]
struct Validity {
    from: GeneralizedTime,
    to: GeneralizedTime,
}

/// Whether a signature over a message is valid, by another path than the firmware's.
pub(crate) fn verifies(
    spki: &SubjectPublicKeyInfoOwned,
    algorithm: &'static dyn VerificationAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, spki.to_der().unwrap()).verify(message, signature).is_ok()
}
