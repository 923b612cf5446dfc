//! Moments on the command line, as the audit records have them: `2026-11-20T17:00:00.000Z`, and shorter.

use std::str::FromStr;

use der::DateTime;

/// What a text stands for, in milliseconds since 1970: a day, a second, or a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Its first millisecond.
    pub(crate) first: u64,
    /// Its last.
    pub(crate) last: u64,
}

/// It is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give a moment in UTC as 2026-11-20, 2026-11-20T17:00:00Z or 2026-11-20T17:00:00.000Z")]
pub(crate) struct MomentError;

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let (seconds, ms, length) = match (text.len(), text.split_once('.')) {
            (10, _) => (format!("{text}T00:00:00Z"), 0, 24 * 60 * 60 * 1000),
            (24, Some((seconds, ms))) => {
                let ms = ms.strip_suffix('Z').filter(|ms| ms.bytes().all(|byte| byte.is_ascii_digit()));
                (format!("{seconds}Z"), ms.and_then(|ms| ms.parse().ok()).ok_or(MomentError)?, 1)
            }
            _ => (text.to_owned(), 0, 1000),
        };
        let time: DateTime = seconds.parse().map_err(|_| MomentError)?;
        let first = time.unix_duration().as_secs() * 1000 + ms;
        Ok(Self { first, last: first + (length - 1) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_as_long_as_it_is_told_exactly() {
        let moment = |text: &str| text.parse::<Moment>().map(|moment| (moment.first, moment.last));
        assert_eq!(moment("2026-11-20").unwrap(), (1_795_132_800_000, 1_795_219_199_999));
        assert_eq!(moment("2026-11-20T17:01:31Z").unwrap(), (1_795_194_091_000, 1_795_194_091_999));
        assert_eq!(moment("2026-11-20T17:01:31.007Z").unwrap(), (1_795_194_091_007, 1_795_194_091_007));
        for bad in ["", "2026", "2026-13-01", "2026-11-20 17:01:31Z", "2026-11-20T17:01:31", "2026-11-20T17:01:31.07Z"]
        {
            assert_eq!(moment(bad), Err(MomentError), "{bad}");
        }
        for bad in ["2026-11-20T17:01:31.+07Z", "2026-11-20T17:01:31.0071Z", "1969-12-31", "2026-1-020"] {
            assert_eq!(moment(bad), Err(MomentError), "{bad}");
        }
    }
}
