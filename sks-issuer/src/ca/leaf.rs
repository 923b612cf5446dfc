//! What an end-entity certificate says.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_CODE_SIGNING, ID_KP_EMAIL_PROTECTION, ID_KP_SERVER_AUTH};
use sks_wire::types::KeyUsage;

use super::Subject;

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
}
