//! `Create_New_Signer`: registers a signer (Table 18).

use der::Sequence;

use super::Certificates;
use crate::field::Text;

/// ```text
/// SEQUENCE { userid UTF8String, certificates SEQUENCE OF OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CreateNewSigner {
    /// Of the new user.
    pub userid: Text,
    /// Of the identity providers that may sign tokens for the user; several, so that they can be rolled over.
    pub certificates: Certificates,
}
