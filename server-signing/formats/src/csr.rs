//! PKCS#10: the certification request of a new key (row 19; 3.3).
//!
//! Source: RFC 2986, on x509-cert's types. The request is signed by the new key itself, which proves its possession.

use der::asn1::OctetString;
use der::oid::AssociatedOid;
use der::{Decode, Encode};
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::attr::Attribute;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::KeyUsage;
use x509_cert::name::Name;
use x509_cert::request::{CertReqInfo, ExtensionReq, Version};

use crate::error::{Error, Kind};
use crate::format::Format;
use crate::issuer_serial::check_name;
use crate::limit::MAX_CSR_LEN;
use crate::signed::{Exact, Signed};

/// ```text
/// CertificationRequest ::= SEQUENCE {
///   certificationRequestInfo CertificationRequestInfo,
///   signatureAlgorithm       AlgorithmIdentifier,
///   signature                BIT STRING
/// }
/// ```
pub type CertificationRequest = Signed<CertificationRequestInfo>;

/// ```text
/// CertificationRequestInfo ::= SEQUENCE {
///   version       INTEGER { v1(0) },
///   subject       Name,
///   subjectPKInfo SubjectPublicKeyInfo,
///   attributes    [0] IMPLICIT SET OF Attribute
/// }
/// ```
pub type CertificationRequestInfo = CertReqInfo;

impl Format for CertificationRequest {
    const MAX_LEN: usize = MAX_CSR_LEN;
}

impl CertificationRequest {
    /// Checks what the shape alone does not hold, and gives the key usage asked for, if any: each attribute once and
    /// with a value, and in the extensionRequest each extension once.
    ///
    /// The signature is for the caller to verify, with the request's own key.
    ///
    /// # Errors
    /// [`Kind::Attribute`]; [`Kind::Field`] for an empty subject.
    pub fn check_structure(&self) -> Result<Option<KeyUsage>, Error> {
        check_name(&self.tbs.subject).map_err(|kind| Error::value(Kind::Field(kind)))?;
        let attributes = &self.tbs.attributes;
        unique(attributes.iter().map(|attribute| attribute.oid))?;
        if attributes.iter().any(|attribute| attribute.values.is_empty()) {
            return Err(MALFORMED);
        }
        match attributes.iter().find(|attribute| attribute.oid == ExtensionReq::OID) {
            Some(request) => requested_key_usage(request),
            None => Ok(None),
        }
    }
}

/// What a new key signs: its subject, itself, and the key usage that it asks for, as a critical extension.
///
/// Sign [`Exact::der`], then put the parts together with [`Signed::new`].
///
/// # Errors
/// [`Kind::Field`] for an empty subject or a key that cannot be written.
pub fn request_info(
    subject: Name,
    public_key: SubjectPublicKeyInfoOwned,
    usage: KeyUsage,
) -> Result<Exact<CertificationRequestInfo>, Error> {
    check_name(&subject).map_err(|kind| Error::value(Kind::Field(kind)))?;
    let usage = Extension { extn_id: KeyUsage::OID, critical: true, extn_value: OctetString::new(usage.to_der()?)? };
    let attributes = vec![Attribute::try_from(ExtensionReq(vec![usage]))?].try_into()?;
    Exact::new(CertificationRequestInfo { version: Version::V1, subject, public_key, attributes })
}

fn requested_key_usage(request: &Attribute) -> Result<Option<KeyUsage>, Error> {
    let [value] = request.values.as_slice() else { return Err(MALFORMED) };
    let der = value.to_der()?;
    let extensions = ExtensionReq::from_der(&der).map_err(|_| MALFORMED)?;
    if extensions.0.is_empty() || extensions.to_der()? != der {
        return Err(MALFORMED);
    }
    unique(extensions.0.iter().map(|extension| extension.extn_id))?;
    let Some(usage) = extensions.0.iter().find(|extension| extension.extn_id == KeyUsage::OID) else {
        return Ok(None);
    };
    let usage_der = usage.extn_value.as_bytes();
    let usage = KeyUsage::from_der(usage_der).map_err(|_| MALFORMED)?;
    if usage.to_der()? == usage_der { Ok(Some(usage)) } else { Err(MALFORMED) }
}

/// Requests are short (8 KiB), so comparing each with each is bounded work.
fn unique<T: PartialEq>(items: impl Iterator<Item = T>) -> Result<(), Error> {
    let mut seen = Vec::new();
    for item in items {
        if seen.contains(&item) {
            return Err(MALFORMED);
        }
        seen.push(item);
    }
    Ok(())
}

const MALFORMED: Error = Error::value(Kind::Attribute);
