//! ClientTime as a date.

use std::time::Duration;

use der::DateTime;

/// Milliseconds since 1970 as RFC 3339, in seconds; what no date can say as it is.
pub(crate) fn rfc3339(milliseconds: u64) -> String {
    DateTime::from_unix_duration(Duration::from_secs(milliseconds / 1000))
        .map_or_else(|_| format!("{milliseconds} ms"), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_dates_and_what_is_none() {
        assert_eq!(rfc3339(1_268_911_409_123), "2010-03-18T11:23:29Z");
        assert_eq!(rfc3339(u64::MAX), "18446744073709551615 ms");
    }
}
