//! GeneralizedTime, in DER's one form: `YYYYMMDDHHMMSSZ`, no fraction (row 1).

use std::fmt;
use std::time::Duration;

use der::asn1::GeneralizedTime;
use der::{DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};

use crate::error::Error;

/// A moment, to the second, from 1970 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(GeneralizedTime);

impl Time {
    /// From seconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`Kind::Field`](crate::Kind::Field) after the year 9999.
    pub fn from_unix(seconds: u64) -> Result<Self, Error> {
        Ok(Self(GeneralizedTime::from_unix_duration(Duration::from_secs(seconds))?))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix(self) -> u64 {
        self.0.to_unix_duration().as_secs()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_date_time().fmt(f)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FixedTag for Time {
    const TAG: Tag = Tag::GeneralizedTime;
}

impl<'a> DecodeValue<'a> for Time {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        GeneralizedTime::decode_value(reader, header).map(Self)
    }
}

impl EncodeValue for Time {
    fn value_len(&self) -> der::Result<Length> {
        self.0.value_len()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.0.encode_value(writer)
    }
}
