//! A small CA: certificates for keys, and for devices.
//!
//! Source: RFC 5280. The CA's own key is on P-256 and lies in the clear in a file; it is for emulated issuers, tests
//! and small deployments, not for an issuer whose key belongs in a module. It keeps no list of what it issued.
//!
//! * [`Ca`]: made, or loaded from PEM; issues certificates for any P-256 or RSA public key;
//! * [`LocalCa`]: the CA of `sks enroll`, a directory made at first use;
//! * [`Subject`] and [`Leaf`]: what a certificate says; [`Draft`]: a certificate but for its key;
//! * [`device_identity`]: a device's key and its two-certificate path.

use std::path::PathBuf;

use der::{Decode, DecodePem, Encode, EncodePem};
use p256::ecdsa::SigningKey;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use sks_wire::Secret;
use sks_wire::types::KeyUsage;
use x509_cert::Certificate;
use x509_cert::builder;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage as X509KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::time::Validity;
use zeroize::Zeroizing;

use crate::crypto::{CryptoError, p256_key, public_der, secret_key};

mod build;
mod leaf;
mod local;
mod subject;

use build::{CaKey, Profile, extension, sign, validity};
pub use leaf::{Leaf, Purpose};
pub use local::LocalCa;
pub use subject::Subject;

/// Why there is no CA, or no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// No random numbers, or no key.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The CA's key is no private key on P-256 in PEM.
    #[error("the CA's key is not a private key on P-256 in PEM")]
    Key,
    /// The CA's certificate cannot be read.
    #[error("the CA's certificate cannot be read")]
    Certificate(#[source] der::Error),
    /// The CA's key is not the one that its certificate certifies.
    #[error("the CA's key and certificate do not belong together")]
    Mismatch,
    /// The certificate is not that of a CA that may sign certificates.
    #[error("the certificate is not that of a CA")]
    NotCa,
    /// The key to be certified is neither on P-256 nor RSA.
    #[error("the public key is neither on P-256 nor RSA")]
    PublicKey,
    /// A text cannot be a certificate's subject.
    #[error("not a subject: {0}")]
    Subject(&'static str),
    /// A text cannot be an alternative name.
    #[error("not an e-mail address or DNS name")]
    AlternativeName,
    /// A certificate cannot be put together.
    #[error("the certificate cannot be made")]
    Build(#[source] builder::Error),
    /// A file cannot be read or written.
    #[error("{} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others than its owner may use the CA's key.
    #[error("{} is open to others than its owner", .0.display())]
    Exposed(PathBuf),
}

impl From<der::Error> for CaError {
    fn from(error: der::Error) -> Self {
        Self::Build(error.into())
    }
}

impl From<builder::Error> for CaError {
    fn from(error: builder::Error) -> Self {
        Self::Build(error)
    }
}

/// A CA: its certificate, and the key that signs.
pub struct Ca {
    key: CaKey,
    certificate: Certificate,
    der: Vec<u8>,
}

impl Ca {
    /// Makes a self-signed CA for end-entity certificates.
    ///
    /// # Errors
    /// [`CaError::Crypto`] and [`CaError::Build`].
    pub fn create(subject: &Subject, years: u16) -> Result<Self, CaError> {
        let secret = secret_key()?;
        let key = CaKey::new(SigningKey::from(&secret))?;
        let spki = public_der(&secret.public_key());
        let profile = Profile {
            issuer: subject.name().clone(),
            subject: subject.name().clone(),
            issuer_key_id: None,
            extensions: vec![
                extension(&BasicConstraints { ca: true, path_len_constraint: Some(0) }, subject.name())?,
                extension(&X509KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign), subject.name())?,
            ],
        };
        let der = sign(&key, profile, &spki, validity(years, None)?)?;
        Self::assemble(key, der)
    }

    /// Takes a CA from its PEM files' content: a key (PKCS#8 or SEC1) on P-256, and its certificate.
    ///
    /// # Errors
    /// [`CaError::Key`], [`CaError::Certificate`], [`CaError::Mismatch`] and [`CaError::NotCa`].
    pub fn from_pem(key: &str, certificate: &str) -> Result<Self, CaError> {
        let secret = p256::SecretKey::from_pkcs8_pem(key)
            .or_else(|_| p256::SecretKey::from_sec1_pem(key))
            .map_err(|_| CaError::Key)?;
        let certificate = Certificate::from_pem(certificate).map_err(CaError::Certificate)?;
        let der = certificate.to_der().map_err(CaError::Certificate)?;
        Self::assemble(CaKey::new(SigningKey::from(&secret))?, der)
    }

    fn assemble(key: CaKey, der: Vec<u8>) -> Result<Self, CaError> {
        let certificate = Certificate::from_der(&der).map_err(CaError::Certificate)?;
        let tbs = certificate.tbs_certificate();
        let certified = tbs.subject_public_key_info().to_der()?;
        if p256_key(&certified).is_ok_and(|certified| certified == key.key().verifying_key().into()) {
            let constraints = tbs.get_extension::<BasicConstraints>().map_err(CaError::Certificate)?;
            let usage = tbs.get_extension::<X509KeyUsage>().map_err(CaError::Certificate)?;
            let is_ca = constraints.is_some_and(|(_, found)| found.ca);
            if !is_ca || usage.is_some_and(|(_, found)| !found.key_cert_sign()) {
                return Err(CaError::NotCa);
            }
            return Ok(Self { key, certificate, der });
        }
        Err(CaError::Mismatch)
    }

    /// The CA's certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.der
    }

    /// The CA's certificate, PEM.
    ///
    /// # Errors
    /// [`CaError::Build`].
    pub fn certificate_pem(&self) -> Result<String, CaError> {
        Ok(self.certificate.to_pem(LineEnding::LF)?)
    }

    /// The CA's key, PKCS#8 in PEM, in clear.
    ///
    /// # Errors
    /// [`CaError::Key`].
    pub fn key_pem(&self) -> Result<Zeroizing<String>, CaError> {
        self.key.key().to_pkcs8_pem(LineEnding::LF).map_err(|_| CaError::Key)
    }

    /// Certifies a public key (SubjectPublicKeyInfo, DER), and returns the certificate, DER. It ends with the CA's own
    /// at the latest.
    ///
    /// # Errors
    /// [`CaError::PublicKey`], [`CaError::AlternativeName`], [`CaError::Crypto`] and [`CaError::Build`].
    pub fn issue(&self, spki: &[u8], leaf: &Leaf) -> Result<Vec<u8>, CaError> {
        self.draft(leaf)?.issue(spki)
    }

    /// A certificate that lacks its public key: what can be made before there is one.
    ///
    /// # Errors
    /// [`CaError::AlternativeName`] and [`CaError::Build`].
    pub fn draft(&self, leaf: &Leaf) -> Result<Draft<'_>, CaError> {
        let subject = leaf.subject.name();
        let mut extensions = vec![extension(&BasicConstraints { ca: false, path_len_constraint: None }, subject)?];
        if !leaf.purposes.is_empty() {
            let purposes = leaf.purposes.iter().map(|purpose| purpose.oid()).collect();
            extensions.push(extension(&ExtendedKeyUsage(purposes), subject)?);
        }
        let names = leaf.alternative_names()?;
        if !names.is_empty() {
            extensions.push(extension(&SubjectAltName(names), subject)?);
        }
        let validity = validity(leaf.years, Some(self.certificate.tbs_certificate().validity().not_after))?;
        Ok(Draft { ca: self, usage: leaf.usage, profile: self.profile(subject, extensions), validity })
    }

    /// As [`Ca::issue`], and the CA's certificate behind it: a path for setCertificatePath.
    ///
    /// # Errors
    /// As there.
    pub fn issue_path(&self, spki: &[u8], leaf: &Leaf) -> Result<Vec<Vec<u8>>, CaError> {
        self.draft(leaf)?.issue_path(spki)
    }

    /// Certifies a device's attestation key: it may make signatures and nothing else. No policy is named, so the DIAS
    /// policy is not.
    ///
    /// # Errors
    /// [`CaError::PublicKey`], [`CaError::Crypto`] and [`CaError::Build`].
    pub fn issue_device(&self, spki: &[u8], subject: &Subject, years: u16) -> Result<Vec<u8>, CaError> {
        KeyKind::of(spki)?;
        let subject = subject.name();
        let extensions = vec![
            extension(&BasicConstraints { ca: false, path_len_constraint: None }, subject)?,
            extension(&X509KeyUsage(KeyUsages::DigitalSignature.into()), subject)?,
        ];
        let validity = validity(years, Some(self.certificate.tbs_certificate().validity().not_after))?;
        sign(&self.key, self.profile(subject, extensions), spki, validity)
    }

    fn profile(&self, subject: &Name, extensions: Vec<Extension>) -> Profile {
        let own = self.certificate.tbs_certificate();
        // A given CA may have an identifier that is not the key's SHA-1: what it says of itself is what is repeated.
        let key_id = own.get_extension::<SubjectKeyIdentifier>().ok().flatten().map(|(_, id)| id.0);
        Profile { issuer: own.subject().clone(), subject: subject.clone(), issuer_key_id: key_id, extensions }
    }
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ca({})", self.certificate.tbs_certificate().subject())
    }
}

/// A certificate that lacks its public key; see [`Ca::draft`].
pub struct Draft<'a> {
    ca: &'a Ca,
    usage: KeyUsage,
    /// Without the key usage, which follows from the kind of the key.
    profile: Profile,
    validity: Validity,
}

impl Draft<'_> {
    /// As [`Ca::issue`].
    ///
    /// # Errors
    /// [`CaError::PublicKey`], [`CaError::Crypto`] and [`CaError::Build`].
    pub fn issue(self, spki: &[u8]) -> Result<Vec<u8>, CaError> {
        let Self { ca, usage, mut profile, validity } = self;
        let usage = X509KeyUsage(key_usage(usage, &KeyKind::of(spki)?));
        // Where it has always been.
        profile.extensions.insert(1, extension(&usage, &profile.subject)?);
        sign(&ca.key, profile, spki, validity)
    }

    /// As [`Ca::issue_path`].
    ///
    /// # Errors
    /// As [`Draft::issue`].
    pub fn issue_path(self, spki: &[u8]) -> Result<Vec<Vec<u8>>, CaError> {
        let authority = self.ca.der.clone();
        Ok(vec![self.issue(spki)?, authority])
    }
}

impl std::fmt::Debug for Draft<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Draft({})", self.profile.subject)
    }
}

/// A private key that lies in memory.
#[derive(Debug)]
pub struct SoftKey {
    /// PKCS#8, DER.
    pub private_key: Secret,
    /// SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
}

/// Makes a key pair on P-256: for devices, and for keys that restorePrivateKey brings to a token.
///
/// # Errors
/// [`CaError::Crypto`].
pub fn generate_key() -> Result<SoftKey, CaError> {
    let secret = secret_key()?;
    let private_key = secret.to_pkcs8_der().map_err(|_| CryptoError::PrivateKey)?;
    Ok(SoftKey { private_key: Secret::from(private_key.to_bytes()), public_key: public_der(&secret.public_key()) })
}

/// What makes a device: its attestation key, and the path that says whose device it is.
#[derive(Debug)]
pub struct DeviceIdentity {
    /// The Attestation Private Key, PKCS#8, DER.
    pub private_key: Secret,
    /// The device's certificate and the vendor CA's, DER.
    pub path: Vec<Vec<u8>>,
}

/// Makes a device and, for it alone, a vendor CA, whose key is forgotten.
///
/// # Errors
/// [`CaError::Crypto`] and [`CaError::Build`].
pub fn device_identity(vendor: &Subject, device: &Subject, years: u16) -> Result<DeviceIdentity, CaError> {
    let ca = Ca::create(vendor, years)?;
    let SoftKey { private_key, public_key } = generate_key()?;
    let certificate = ca.issue_device(&public_key, device, years)?;
    Ok(DeviceIdentity { private_key, path: vec![certificate, ca.der] })
}

/// What decides between agreeing on a key and encrypting one.
enum KeyKind {
    P256,
    Rsa,
}

impl KeyKind {
    fn of(spki: &[u8]) -> Result<Self, CaError> {
        use rsa::pkcs8::DecodePublicKey;
        if p256_key(spki).is_ok() {
            return Ok(Self::P256);
        }
        rsa::RsaPublicKey::from_public_key_der(spki).map(|_| Self::Rsa).map_err(|_| CaError::PublicKey)
    }
}

/// X.509's key usage for the text's: "signature" and "authentication" as it suggests (nonRepudiation,
/// digitalSignature), the others by what the key can do.
fn key_usage(usage: KeyUsage, kind: &KeyKind) -> der::flagset::FlagSet<KeyUsages> {
    let encryption = match kind {
        KeyKind::P256 => KeyUsages::KeyAgreement,
        KeyKind::Rsa => KeyUsages::KeyEncipherment,
    };
    match usage {
        KeyUsage::Signature => KeyUsages::DigitalSignature | KeyUsages::NonRepudiation,
        KeyUsage::Authentication => KeyUsages::DigitalSignature.into(),
        KeyUsage::Universal => KeyUsages::DigitalSignature | encryption,
        KeyUsage::Encryption | KeyUsage::Transport | KeyUsage::SymmetricKey => encryption.into(),
    }
}
