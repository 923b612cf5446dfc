//! What an end-entity certificate says.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_CODE_SIGNING, ID_KP_EMAIL_PROTECTION, ID_KP_SERVER_AUTH};
use der::asn1::Ia5String;
use sks_wire::types::KeyUsage;
use x509_cert::ext::pkix::name::GeneralName;

use super::{CaError, Subject};

/// What a key's certificate is for: an extended key usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// clientAuth: TLS clients.
    ClientAuth,
    /// serverAuth: TLS servers.
    ServerAuth,
    /// emailProtection: S/MIME.
    EmailProtection,
    /// codeSigning.
    CodeSigning,
}

impl Purpose {
    pub(super) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::ClientAuth => ID_KP_CLIENT_AUTH,
            Self::ServerAuth => ID_KP_SERVER_AUTH,
            Self::EmailProtection => ID_KP_EMAIL_PROTECTION,
            Self::CodeSigning => ID_KP_CODE_SIGNING,
        }
    }
}

/// What an end-entity certificate says.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Whose it is.
    pub subject: Subject,
    /// What the key is for, as createKeyPair says it; the certificate's key usage follows from it.
    pub usage: KeyUsage,
    /// Extended key usages; none means any purpose.
    pub purposes: Vec<Purpose>,
    /// An e-mail address as an alternative name.
    pub email: Option<String>,
    /// DNS names as alternative names.
    pub dns_names: Vec<String>,
    /// For how long it is valid.
    pub years: u16,
}

impl Leaf {
    /// A certificate for any purpose, valid for two years.
    #[must_use]
    pub fn new(subject: Subject, usage: KeyUsage) -> Self {
        Self { subject, usage, purposes: Vec::new(), email: None, dns_names: Vec::new(), years: 2 }
    }

    /// The alternative names, checked.
    pub(super) fn alternative_names(&self) -> Result<Vec<GeneralName>, CaError> {
        let mut names = Vec::new();
        if let Some(email) = &self.email {
            let parts = email.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
            parts.ok_or(CaError::AlternativeName)?;
            names.push(GeneralName::Rfc822Name(ia5(email)?));
        }
        for name in &self.dns_names {
            names.push(GeneralName::DnsName(ia5(name)?));
        }
        Ok(names)
    }
}

/// An alternative name's characters: visible ASCII.
fn ia5(text: &str) -> Result<Ia5String, CaError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(CaError::AlternativeName);
    }
    Ia5String::new(text).map_err(|_| CaError::AlternativeName)
}
