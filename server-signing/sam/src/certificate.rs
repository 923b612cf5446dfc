//! Registered certificates: what the module reads of them. They are pins: a user's row says which are trusted for the
//! user, so neither a chain nor the certificate's own dates are looked at; rollover goes by Signer_Maintenance.

use sha2::{Digest, Sha256};
use tw4s_formats::IssuerSerial;
use tw4s_formats::limit::MAX_CERTIFICATE_LEN;
use x509_cert::Certificate as X509;
use x509_cert::der::{Decode, Encode};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;

/// An X.509 certificate's issuer and serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    issuer: Name,
    serial: SerialNumber,
}

/// Not an X.509 certificate in DER, of at most 8 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate in DER")]
pub(crate) struct NotACertificate;

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// [`NotACertificate`].
    pub(crate) fn parse(der: &[u8]) -> Result<Self, NotACertificate> {
        if der.len() > MAX_CERTIFICATE_LEN {
            return Err(NotACertificate);
        }
        let certificate = X509::from_der(der).map_err(|_| NotACertificate)?;
        let tbs = certificate.tbs_certificate();
        Ok(Self { issuer: tbs.issuer().clone(), serial: tbs.serial_number().clone() })
    }

    /// Whether a token or a message names it as its signer.
    #[must_use]
    pub(crate) fn is_named_by(&self, signer: &IssuerSerial) -> bool {
        signer.names(&self.issuer, &self.serial)
    }

    /// Its name among the holders, see [`Txn::put_holder`](crate::ports::Txn::put_holder).
    ///
    /// # Errors
    /// [`NotACertificate`] if its issuer cannot be written, which one that was read can.
    pub(crate) fn id(&self) -> Result<[u8; 32], NotACertificate> {
        id(&self.issuer, &self.serial)
    }
}

/// The name of the certificate that a message names as its signer.
///
/// # Errors
/// [`NotACertificate`] if the issuer cannot be written.
pub(crate) fn id_of(signer: &IssuerSerial) -> Result<[u8; 32], NotACertificate> {
    id(signer.issuer(), signer.serial())
}

fn id(issuer: &Name, serial: &SerialNumber) -> Result<[u8; 32], NotACertificate> {
    // DER says its own length, so the two do not run into each other.
    let issuer = issuer.to_der().map_err(|_| NotACertificate)?;
    Ok(Sha256::new().chain_update(issuer).chain_update(serial.as_bytes()).finalize().into())
}
