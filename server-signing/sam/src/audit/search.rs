//! Finding entries.

use super::entry::timestamp;
use super::{Entry, Outcome};
use crate::ports::{Read, StoreError};
use crate::record::{KeyId, UserId};

/// What to look for; what is `None` is not looked at.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// From this moment on, milliseconds since 1970.
    pub from_ms: Option<u64>,
    /// Up to this moment, inclusive.
    pub to_ms: Option<u64>,
    /// Done by, for or to this user.
    pub user: Option<UserId>,
    /// With this key.
    pub key: Option<KeyId>,
    /// With this action's name.
    pub action: Option<String>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Behind this row.
    pub after: u64,
}

impl Query {
    /// Whether an entry is looked for.
    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        let user = self.user.map(|user| user.to_string());
        let key = self.key.map(|key| key.to_string());
        entry.number > self.after
            && self.from_ms.is_none_or(|from| entry.time >= timestamp(from))
            && self.to_ms.is_none_or(|to| entry.time <= timestamp(to))
            && (user.is_none() || entry.acting == user || entry.user == user)
            && (key.is_none() || entry.key == key)
            && self.action.as_ref().is_none_or(|action| *action == entry.action)
            && self.outcome.is_none_or(|outcome| outcome == entry.outcome)
    }

    /// Up to `limit` entries, oldest first. To go on, ask again behind the last one's number.
    ///
    /// # Errors
    /// [`StoreError`]; `Damaged` for a row that is no entry.
    pub fn run(&self, store: &dyn Read, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut found = Vec::new();
        let mut from = self.after.saturating_add(1);
        while found.len() < limit {
            let rows = store.audit(from, PAGE)?;
            let Some(last) = rows.last() else { break };
            from = last.number.saturating_add(1);
            for row in &rows {
                let damaged = |_| StoreError::Damaged(format!("audit row {} is no audit record", row.number));
                let entry = row.entry().map_err(damaged)?;
                if self.matches(&entry) && found.len() < limit {
                    found.push(entry);
                }
            }
        }
        Ok(found)
    }
}

/// Rows read at a time.
pub(crate) const PAGE: usize = 256;
