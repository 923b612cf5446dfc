//! What a row tells.

use serde::{Deserialize, Serialize};
use tw4s_formats::Time;

use crate::refusal::Refusal;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As asked.
    Success,
    /// Refused or failed; error and cause say why.
    Failed,
    /// The hashes are consumed, and the key is about to be activated. The row that names this one as its intent has the
    /// outcome.
    Intent,
    /// The module ended between intent and result: whether the key signed is not known, and no signature was given out.
    /// The hashes stay consumed.
    #[serde(rename = "unknown outcome")]
    Unknown,
}

/// An audit record, its fields in the order of the JSON line. Fields that do not apply are not written. It holds no
/// secret: no key, no token, no hash that was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The row's number.
    pub number: u64,
    /// When, UTC: `2026-11-20T17:00:00.000Z`.
    pub time: String,
    /// Which module.
    pub sam: String,
    /// The name of the action: an operation's, as in Table 16, or one of the module's own, as in [`Entry::START`].
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The acting UserID. Missing where a component failed before the user was known, and for the module itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting: Option<String>,
    /// The administrators who acted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub administrators: Vec<String>,
    /// The UserID that it was done to or for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The role that a new user got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The KeyID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// SHA-256 of each certificate that a user got, hex.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    /// SHA-256 of the SADTBS, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sad: Option<String>,
    /// How many hashes it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashes: Option<u64>,
    /// Of an intent: notAfter of the token in the SAD, UTC. Older programs did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The id of its token, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The row of the intent that this is the result of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<u64>,
    /// The type of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// "A brief description of the cause of the failure".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// SHA-256 over the roots of the tables after a change, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roots: Option<String>,
    /// When it was done, UTC, where that was before it could be recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// Of a checkpoint: the row that it vouches for. Of a forgotten anchor: the row that this log need not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<u64>,
    /// That row's hash, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Of a checkpoint: the firmware's signature, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Entry {
    /// The module began to work.
    pub const START: &'static str = "Start";
    /// The module ended its work.
    pub const STOP: &'static str = "Stop";
    /// The firmware signed the chain.
    pub const CHECKPOINT: &'static str = "Checkpoint";
    /// Administrators had the firmware forget a row of this log: they accept a database that was put back.
    pub const FORGET_ANCHOR: &'static str = "Forget_Anchor";
    /// Administrators registered a user.
    pub const ENROL: &'static str = "Enrol_User";

    /// An entry with nothing but an action; number, time and module are set when it is appended.
    #[must_use]
    pub fn new(action: &str) -> Self {
        Self {
            number: 0,
            time: String::new(),
            sam: String::new(),
            action: action.into(),
            outcome: Outcome::Success,
            acting: None,
            administrators: Vec::new(),
            user: None,
            role: None,
            key: None,
            certificates: Vec::new(),
            sad: None,
            hashes: None,
            expires: None,
            jti: None,
            intent: None,
            error: None,
            cause: None,
            roots: None,
            done: None,
            covers: None,
            hash: None,
            signature: None,
        }
    }

    /// The same, failed.
    #[must_use]
    pub fn failed(mut self, refusal: Refusal) -> Self {
        self.outcome = Outcome::Failed;
        self.error = Some(refusal.error_type().name().into());
        self.cause = Some(refusal.cause().into());
        self
    }
}

/// A moment as the entries have it; sorts as text. The clock's last moment stands for all behind the year 9999.
#[must_use]
pub(crate) fn timestamp(ms: u64) -> String {
    let whole = Time::from_unix(ms / 1000).map(|time| time.to_string());
    let whole = whole.unwrap_or_else(|_| "9999-12-31T23:59:59Z".into());
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), ms % 1000)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_to_the_millisecond() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(1_795_194_091_007), "2026-11-20T17:01:31.007Z");
        assert_eq!(timestamp(u64::MAX), "9999-12-31T23:59:59.615Z");
    }

    #[test]
    fn what_does_not_apply_is_not_written() {
        let line = serde_json::to_string(&Entry::new(Entry::START)).unwrap();
        assert_eq!(line, r#"{"number":0,"time":"","sam":"","action":"Start","outcome":"success"}"#);
    }

    #[test]
    fn an_unknown_outcome_is_called_so() {
        assert_eq!(serde_json::to_string(&Outcome::Unknown).unwrap(), r#""unknown outcome""#);
    }
}
