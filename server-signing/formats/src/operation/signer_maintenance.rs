//! `Signer_Maintenance`: changes a user's certificates (Table 19).

use der::Sequence;

use super::Certificates;
use crate::field::Text;

/// ```text
/// SEQUENCE { userid UTF8String, certificates SEQUENCE OF OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct SignerMaintenance {
    /// Of the user to change.
    pub userid: Text,
    /// Of the identity providers that may sign tokens for the user; several, so that they can be rolled over.
    pub certificates: Certificates,
}
