//! P-256 keys and certificates from seeds.

use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{DerSignature, Signature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePublicKey, EncodePublicKey};
use sha2::{Digest, Sha256};
use tw4s_formats::{Format, Name, SerialNumber, SubjectPublicKeyInfoOwned};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::Validity;

/// The key of a seed.
pub(super) fn key(seed: &str) -> SigningKey {
    SigningKey::from_slice(&Sha256::digest(seed)).unwrap()
}

pub(super) fn spki(key: &SigningKey) -> SubjectPublicKeyInfoOwned {
    let der = key.verifying_key().to_public_key_der().unwrap();
    SubjectPublicKeyInfoOwned::parse(der.as_bytes()).unwrap()
}

/// ECDSA with SHA-256, DER.
pub(super) fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(message);
    signature.to_der().as_bytes().to_vec()
}

pub(super) fn verify(spki: &SubjectPublicKeyInfoOwned, message: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::from_public_key_der(&spki.to_bytes().unwrap());
    let signature = DerSignature::from_bytes(signature);
    key.is_ok_and(|key| signature.is_ok_and(|signature| key.verify(message, &signature).is_ok()))
}

struct SelfSigned(Name);

impl BuilderProfile for SelfSigned {
    fn get_issuer(&self, _: &Name) -> Name {
        self.0.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        Ok(Vec::new())
    }
}

/// A self-signed certificate, and its names.
pub(super) fn certificate(name: &str, key: &SigningKey) -> (Vec<u8>, Name, SerialNumber) {
    let subject: Name = format!("CN={name}").parse().unwrap();
    let serial = SerialNumber::new(&[1, 2, 3]).unwrap();
    let spki = spki(key).to_der().unwrap();
    let spki = SubjectPublicKeyInfo::from_der(&spki).unwrap();
    let validity = Validity::from_now(std::time::Duration::from_secs(3600)).unwrap();
    let builder = CertificateBuilder::new(SelfSigned(subject.clone()), serial.clone(), validity, spki).unwrap();
    (builder.build::<_, DerSignature>(key).unwrap().to_der().unwrap(), subject, serial)
}
