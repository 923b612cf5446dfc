//! The imported certificates of identity providers, whose keys may sign tokens (`setidpkeys`).

use der::{Decode, Encode};
use tw4s_formats::IssuerSerial;
use tw4s_formats::limit::MAX_CERTIFICATE_LEN;
use x509_cert::Certificate;

use crate::error::FirmwareError;
use crate::verify::PublicKey;

/// They, read.
#[derive(Debug, Default)]
pub(crate) struct Idps(Vec<Idp>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Idp {
    certificate: Certificate,
    der: Vec<u8>,
    key: PublicKey,
}

impl Idps {
    /// Reads certificates.
    ///
    /// # Errors
    /// [`FirmwareError::Certificate`] for one that is not DER, has a key that is not on the list, or has another's
    /// issuer and serial number; also for too many, or none.
    pub(crate) fn new(certificates: &[Vec<u8>]) -> Result<Self, FirmwareError> {
        if certificates.is_empty() || certificates.len() > MAX_IDPS {
            return Err(FirmwareError::Certificate);
        }
        let mut idps = Self::default();
        for der in certificates {
            let idp = Idp::new(der)?;
            let tbs = idp.certificate.tbs_certificate();
            if idps
                .0
                .iter()
                .any(|other| other.has(|o| o.issuer() == tbs.issuer() && o.serial_number() == tbs.serial_number()))
            {
                return Err(FirmwareError::Certificate);
            }
            idps.0.push(idp);
        }
        Ok(idps)
    }

    /// The one that a token names as its signer.
    pub(crate) fn find(&self, signer: &IssuerSerial) -> Option<&Idp> {
        self.0.iter().find(|idp| idp.has(|tbs| signer.names(tbs.issuer(), tbs.serial_number())))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Idp {
    fn new(der: &[u8]) -> Result<Self, FirmwareError> {
        let (certificate, key) = read(der).ok_or(FirmwareError::Certificate)?;
        Ok(Self { certificate, der: der.to_vec(), key })
    }

    fn has(&self, what: impl FnOnce(&x509_cert::TbsCertificate) -> bool) -> bool {
        what(self.certificate.tbs_certificate())
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// Reads a certificate and its key. Its own signature is not looked at: it is trusted because it was imported or
/// registered, byte for byte.
pub(crate) fn read(der: &[u8]) -> Option<(Certificate, PublicKey)> {
    if der.len() > MAX_CERTIFICATE_LEN {
        return None;
    }
    let certificate = Certificate::from_der(der).ok()?;
    let key = PublicKey::of(certificate.tbs_certificate().subject_public_key_info()).ok()?;
    Some((certificate, key))
}

/// The certificates in a file for `setidpkeys`: one in DER, or any number in PEM.
///
/// # Errors
/// [`FirmwareError::Certificate`].
pub fn read_certificates(file: &[u8]) -> Result<Vec<Vec<u8>>, FirmwareError> {
    let refused = |_| FirmwareError::Certificate;
    if file.first() == Some(&SEQUENCE) {
        Certificate::from_der(file).map_err(refused)?;
        return Ok(vec![file.to_vec()]);
    }
    let chain = Certificate::load_pem_chain(file).map_err(refused)?;
    chain.iter().map(|certificate| certificate.to_der().map_err(refused)).collect()
}

/// The first byte of a certificate in DER.
const SEQUENCE: u8 = 0x30;
/// One in use and one to roll over to, for a good number of identity providers.
pub(crate) const MAX_IDPS: usize = 64;
