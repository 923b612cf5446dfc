//! SignedIdentityToken: who the user is, by word of the identity provider (guide 8.2, rows 1 to 12, 15 and 16).

mod claims;
mod extension;
mod group;

pub use claims::{Claims, SCOPE_REMOTE_SIGNATURE};
pub use extension::{CompactExtension, CompactExtensions};
pub use group::{
    APP_REMOTE_SIGNATURE, CompactGroupAssociation, CompactLongRoleAssociation, CompactRoleAssociation,
    CompactShortRoleAssociation, ROLE_PRIVILEGED_USER, ROLE_SIGNER,
};

use der::Sequence;
use der::asn1::ObjectIdentifier;
use spki::AlgorithmIdentifierOwned;

use crate::directory_string::DirectoryString;
use crate::error::Error;
use crate::field::{Octets, SetOf};
use crate::format::Format;
use crate::issuer_serial::IssuerSerial;
use crate::limit::{MAX_ASSOCIATIONS, MAX_SIGNATURE_LEN, MAX_TOKEN_LEN};
use crate::oid_arc::OidArc;
use crate::signed::Exact;
use crate::time::Time;

/// ```text
/// SignedIdentityToken ::= SEQUENCE {
///   data               CompactIdentityToken,
///   signer             IssuerSerial,
///   signatureAlgorithm AlgorithmIdentifier,
///   signature          OCTET STRING,
///   type               OBJECT IDENTIFIER OPTIONAL
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct SignedIdentityToken {
    /// What is said; the signature runs over [`data.der()`](Exact::der).
    pub data: Exact<CompactIdentityToken>,
    /// The certificate of the identity provider that says it.
    pub signer: IssuerSerial,
    /// Outside the signature, so it must fit the certificate's key (row 10).
    pub signature_algorithm: AlgorithmIdentifierOwned,
    /// The signature.
    pub signature: Octets<1, MAX_SIGNATURE_LEN>,
    /// A marker outside the signature: no decision may hang on it (row 15).
    pub token_type: Option<ObjectIdentifier>,
}

impl Format for SignedIdentityToken {
    const MAX_LEN: usize = MAX_TOKEN_LEN;
}

/// ```text
/// CompactIdentityToken ::= SEQUENCE {
///   userId            DirectoryString,
///   notBefore         GeneralizedTime,
///   notAfter          GeneralizedTime,
///   groupAssociations SET OF CompactGroupAssociation,
///   extensions        [0] IMPLICIT CompactExtensions
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CompactIdentityToken {
    /// The user.
    pub user_id: DirectoryString,
    /// Valid from.
    pub not_before: Time,
    /// Valid to.
    pub not_after: Time,
    /// Groups with their roles; may be empty, never missing (row 5).
    pub group_associations: SetOf<CompactGroupAssociation, MAX_ASSOCIATIONS>,
    /// Extensions; may be empty, never missing (row 5).
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    pub extensions: CompactExtensions,
}

impl CompactIdentityToken {
    /// The extensions that `arc` names, read.
    ///
    /// # Errors
    /// What [`Claims::from_extensions`] refuses.
    pub fn claims(&self, arc: &OidArc) -> Result<Claims, Error> {
        Claims::from_extensions(&self.extensions, arc)
    }

    /// The roles for an application, as text: the long associations of all groups (row 4).
    pub fn roles<'a>(&'a self, app: &'a str) -> impl Iterator<Item = &'a str> {
        self.group_associations
            .iter()
            .flat_map(|group| group.role_associations.iter())
            .filter_map(CompactRoleAssociation::long)
            .filter(move |long| long.app.text() == app)
            .map(|long| long.role.text())
    }
}

impl Format for CompactIdentityToken {
    const MAX_LEN: usize = MAX_TOKEN_LEN;
}
