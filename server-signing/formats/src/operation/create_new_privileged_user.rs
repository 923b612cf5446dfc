//! `Create_New_Privileged_User`: registers a privileged user (Table 17).

use der::Sequence;

use super::Certificates;
use crate::field::Text;

/// ```text
/// SEQUENCE { userid UTF8String, certificates SEQUENCE OF OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CreateNewPrivilegedUser {
    /// Of the new user.
    pub userid: Text,
    /// The user's own, or those of identity providers that may speak for the user: the table lost the row, the rule for InvalidInput needs it.
    pub certificates: Certificates,
}
