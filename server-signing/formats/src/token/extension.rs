//! Extensions as they stand in the token.

use der::Sequence;
use der::asn1::ObjectIdentifier;

use crate::field::SetOf;
use crate::limit::MAX_EXTENSIONS;
use crate::open::Open;

/// ```text
/// CompactExtensions ::= SET OF CompactExtension
/// ```
pub type CompactExtensions = SetOf<CompactExtension, MAX_EXTENSIONS>;

/// ```text
/// CompactExtension ::= SEQUENCE { oid OBJECT IDENTIFIER, data ANY }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CompactExtension {
    /// What it is.
    pub oid: ObjectIdentifier,
    /// Its content, as it came.
    pub data: Open,
}
