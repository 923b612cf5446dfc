//! GeneralizedTime, in DER's one form: `YYYYMMDDHHMMSSZ`, no fraction (row 1).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use der::asn1::GeneralizedTime;
use der::{DateTime, DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};

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

/// The reverse of [`Display`](fmt::Display): RFC 3339 in UTC, to the second.
impl FromStr for Time {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(Self(GeneralizedTime::from_date_time(text.parse::<DateTime>()?)))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn reads_what_it_shows() {
        for seconds in [0, 1_795_194_391, 253_402_300_799] {
            let time = Time::from_unix(seconds).unwrap();
            assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
        }
        assert_eq!("2026-11-20T17:06:31Z".parse::<Time>().unwrap().unix(), 1_795_194_391);
        for bad in ["", "2026-11-20", "2026-11-20T17:06:31", "2026-11-20T17:06:31.000Z", "1969-12-31T23:59:59Z"] {
            assert!(bad.parse::<Time>().is_err(), "{bad}");
        }
    }
}
