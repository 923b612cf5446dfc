//! Groups and the roles that they give.

use der::{Decode, DecodeValue, Encode, EncodeValue, FixedTag, Header, Length, Reader, Sequence, Tag, Writer};

use super::CompactExtensions;
use crate::directory_string::DirectoryString;
use crate::field::{Explicit, Octets, SetOf, inside, tagged};
use crate::limit::{MAX_ASSOCIATIONS, MAX_ID_LEN};

/// The application that our roles are for (row 4).
pub const APP_REMOTE_SIGNATURE: &str = "RemoteSignature";
/// The role of a signer at the SSA; the SAM takes roles from its own database alone.
pub const ROLE_SIGNER: &str = "RemoteSignature-Signer";
/// The role of a privileged user at the SSA.
pub const ROLE_PRIVILEGED_USER: &str = "RemoteSignature-PrivilegedUser";

/// ```text
/// CompactGroupAssociation ::= SEQUENCE {
///   id               OCTET STRING,
///   roleAssociations SET OF CompactRoleAssociation,
///   extensions       [0] IMPLICIT CompactExtensions
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CompactGroupAssociation {
    /// Of the group.
    pub id: Octets<0, MAX_ID_LEN>,
    /// The roles that it gives.
    pub role_associations: SetOf<CompactRoleAssociation, MAX_ASSOCIATIONS>,
    /// Extensions.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    pub extensions: CompactExtensions,
}

/// ```text
/// CompactRoleAssociation ::= CHOICE {
///   shortRoleAssociation CompactShortRoleAssociation,
///   longRoleAssociation  CompactLongRoleAssociation
/// }
/// ```
///
/// Not legal ASN.1, both being a bare SEQUENCE: the first tag inside tells them apart (row 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompactRoleAssociation {
    /// First tag `04`.
    Short(CompactShortRoleAssociation),
    /// First tag `A0`.
    Long(CompactLongRoleAssociation),
}

impl CompactRoleAssociation {
    /// The long form, if it is one.
    #[must_use]
    pub fn long(&self) -> Option<&CompactLongRoleAssociation> {
        match self {
            Self::Short(_) => None,
            Self::Long(long) => Some(long),
        }
    }
}

impl FixedTag for CompactRoleAssociation {
    const TAG: Tag = Tag::Sequence;
}

impl<'a> DecodeValue<'a> for CompactRoleAssociation {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        match reader.peek_byte() {
            Some(0x04) => CompactShortRoleAssociation::decode_value(reader, header).map(Self::Short),
            _ => CompactLongRoleAssociation::decode_value(reader, header).map(Self::Long),
        }
    }
}

impl EncodeValue for CompactRoleAssociation {
    fn value_len(&self) -> der::Result<Length> {
        match self {
            Self::Short(short) => short.value_len(),
            Self::Long(long) => long.value_len(),
        }
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        match self {
            Self::Short(short) => short.encode_value(writer),
            Self::Long(long) => long.encode_value(writer),
        }
    }
}

/// ```text
/// CompactShortRoleAssociation ::= SEQUENCE { shortId OCTET STRING, extensions [2] IMPLICIT CompactExtensions }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CompactShortRoleAssociation {
    /// Of the role.
    pub short_id: Octets<0, MAX_ID_LEN>,
    /// Extensions.
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    pub extensions: CompactExtensions,
}

/// ```text
/// CompactLongRoleAssociation ::= SEQUENCE {
///   app        [0] DirectoryString,
///   role       [1] DirectoryString,
///   extensions [2] IMPLICIT CompactExtensions
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactLongRoleAssociation {
    /// The application.
    pub app: DirectoryString,
    /// The role in it.
    pub role: DirectoryString,
    /// Extensions.
    pub extensions: CompactExtensions,
}

impl FixedTag for CompactLongRoleAssociation {
    const TAG: Tag = Tag::Sequence;
}

impl<'a> DecodeValue<'a> for CompactLongRoleAssociation {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        let app = inside(reader, tagged(0), DirectoryString::decode)?;
        let role = inside(reader, tagged(1), DirectoryString::decode)?;
        let extensions = inside(reader, tagged(2), |r| CompactExtensions::decode_value(r, header))?;
        Ok(Self { app, role, extensions })
    }
}

impl EncodeValue for CompactLongRoleAssociation {
    fn value_len(&self) -> der::Result<Length> {
        let extensions = self.extensions.value_len()?.for_tlv(tagged(2))?;
        (Explicit(0, &self.app).encoded_len()? + Explicit(1, &self.role).encoded_len()?)? + extensions
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        Explicit(0, &self.app).encode(writer)?;
        Explicit(1, &self.role).encode(writer)?;
        Header::new(tagged(2), self.extensions.value_len()?).encode(writer)?;
        self.extensions.encode_value(writer)
    }
}
