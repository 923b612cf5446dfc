//! `List_Signers`: lists the signers, page by page. Not in Table 16, but US3 to US5 need it (1.10); its columns are ours.

use der::{DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Sequence, Tag, Writer};

use crate::error::Error;
use crate::field::{List, Text, out_of_bounds};
use crate::format::Format;
use crate::limit::{MAX_PAGE, MAX_RESULT_LEN};

/// ```text
/// SEQUENCE { limit INTEGER (1..1000), after UTF8String OPTIONAL }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct ListSigners {
    /// At most so many.
    pub limit: PageSize,
    /// Those that come after this user id; from the first, if it is missing.
    pub after: Option<Text>,
}

/// ```text
/// SEQUENCE { userids SEQUENCE OF UTF8String, more BOOLEAN }
/// ```
///
/// "No certificates in the list" (1.12, 3.2.6).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct ListSignersResult {
    /// In ascending order.
    pub userids: List<Text, 0, MAX_PAGE>,
    /// Whether others follow.
    pub more: bool,
}

impl Format for ListSignersResult {
    const MAX_LEN: usize = MAX_RESULT_LEN;
}

/// `INTEGER (1..1000)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u16);

impl PageSize {
    /// Takes a number of 1 to 1000.
    ///
    /// # Errors
    /// [`Kind::Field`](crate::Kind::Field) outside the bounds.
    pub fn new(number: u16) -> Result<Self, Error> {
        let fits = (1..=MAX_PAGE).contains(&usize::from(number));
        if fits { Ok(Self(number)) } else { Err(out_of_bounds(Self::TAG)) }
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl FixedTag for PageSize {
    const TAG: Tag = Tag::Integer;
}

impl<'a> DecodeValue<'a> for PageSize {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        let number = u16::decode_value(reader, header)?;
        Self::new(number).map_err(|_| reader.error(Self::TAG.value_error()))
    }
}

impl EncodeValue for PageSize {
    fn value_len(&self) -> der::Result<Length> {
        self.0.value_len()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.0.encode_value(writer)
    }
}
