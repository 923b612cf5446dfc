//! `Delete_Signer_Key_Pair`: deletes a key pair (Table 21).

use der::Sequence;

use crate::field::Text;

/// ```text
/// SEQUENCE { keyid UTF8String }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct DeleteSignerKeyPair {
    /// The key.
    pub keyid: Text,
}
