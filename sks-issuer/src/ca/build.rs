//! Putting a certificate together.

use std::time::{Duration, SystemTime};

use der::asn1::OctetString;
use der::{DateTime, Decode, Encode};
use p256::ecdsa::signature::{self, Keypair, Signer};
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    self, AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, SubjectPublicKeyInfo, SubjectPublicKeyInfoRef,
};
use x509_cert::time::{Time, Validity};

use super::CaError;
use crate::curve;
use crate::random;

/// The extensions that were chosen, and the two key identifiers.
pub(super) struct Profile {
    pub(super) issuer: Name,
    pub(super) subject: Name,
    pub(super) issuer_key_id: Option<OctetString>,
    pub(super) extensions: Vec<Extension>,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        spki: SubjectPublicKeyInfoRef<'_>,
        issuer_spki: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let mut extensions = self.extensions.clone();
        extensions.push((&SubjectKeyIdentifier::try_from(spki)?).to_extension(tbs.subject(), &extensions)?);
        let issuer_key = match &self.issuer_key_id {
            Some(id) => AuthorityKeyIdentifier { key_identifier: Some(id.clone()), ..Default::default() },
            None => AuthorityKeyIdentifier::try_from(issuer_spki)?,
        };
        extensions.push((&issuer_key).to_extension(tbs.subject(), &extensions)?);
        Ok(extensions)
    }
}

/// A value as an extension, critical as RFC 5280 says.
pub(super) fn extension<'a, E>(value: &'a E, subject: &Name) -> Result<Extension, CaError>
where
    &'a E: ToExtension<Error = der::Error>,
{
    Ok(value.to_extension(subject, &[])?)
}

/// A CA's key as the builder wants it: in one form to tell of, in the other to sign with.
pub(super) struct CaKey {
    key: SigningKey,
    signs: curve::SigningKey,
}

impl CaKey {
    pub(super) fn new(key: SigningKey) -> Result<Self, CaError> {
        Ok(Self { signs: curve::SigningKey::new(&key)?, key })
    }

    pub(super) fn key(&self) -> &SigningKey {
        &self.key
    }
}

impl Keypair for CaKey {
    type VerifyingKey = VerifyingKey;

    fn verifying_key(&self) -> VerifyingKey {
        *self.key.verifying_key()
    }
}

impl DynSignatureAlgorithmIdentifier for CaKey {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        self.key.signature_algorithm_identifier()
    }
}

impl Signer<DerSignature> for CaKey {
    fn try_sign(&self, message: &[u8]) -> signature::Result<DerSignature> {
        self.signs.sign(message).map_err(signature::Error::from_source)
    }
}

/// Builds and signs a certificate, DER, with a serial number of 128 random bits.
pub(super) fn sign(key: &CaKey, profile: Profile, spki: &[u8], validity: Validity) -> Result<Vec<u8>, CaError> {
    // A byte of 1 in front keeps it positive and of one length, whatever the bits are.
    let serial = [[1].as_slice(), &random::array::<16>()?].concat();
    let spki = SubjectPublicKeyInfo::from_der(spki).map_err(|_| CaError::PublicKey)?;
    let builder = CertificateBuilder::new(profile, SerialNumber::new(&serial)?, validity, spki)?;
    Ok(builder.build::<_, DerSignature>(key)?.to_der()?)
}

/// From a little before now to the same day `years` later, but not beyond `limit`.
pub(super) fn validity(years: u16, limit: Option<Time>) -> Result<Validity, CaError> {
    let now = DateTime::from_system_time(SystemTime::now())?;
    let start = DateTime::from_system_time(SystemTime::now() - BACKDATED)?;
    // 29 February comes back in leap years only.
    let day = if now.month() == 2 { now.day().min(28) } else { now.day() };
    let year = now.year().saturating_add(years).min(DateTime::INFINITY.year());
    let end = DateTime::new(year, now.month(), day, now.hour(), now.minutes(), now.seconds())?;
    let end = match limit {
        Some(limit) if limit.to_date_time() < end => limit,
        _ => Time::from(end),
    };
    Ok(Validity::new(Time::from(start), end))
}

/// How far before the present a certificate becomes valid, for clocks that differ.
const BACKDATED: Duration = Duration::from_secs(10 * 60);
