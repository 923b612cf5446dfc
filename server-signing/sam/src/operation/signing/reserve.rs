//! The reservation (4.1, and row 17 of 1.9): all in one transaction, or nothing.

use std::collections::HashMap;

use tw4s_formats::Sad;

use crate::audit::Outcome;
use crate::call::Call;
use crate::failure::Failure;
use crate::record::{Object, ObjectKind, Once, SadName, State};
use crate::refusal::Refusal;
use crate::window;
use crate::work::{Committed, Work};

/// Consumes every hash of the SAD and appends the audit record of the intent, if the user and the key are still what the
/// checks saw. Gives the intent's number; nothing may be activated before all of it is durable.
pub(super) fn reserve(call: &Call<'_>, sad: &Sad, sad_id: [u8; 32], key: &Object) -> Result<Committed<u64>, Failure> {
    let mut work = Work::begin(call.sam)?;
    if !work.is_unchanged(&call.acting)? {
        return Err(Refusal::CertificatesChanged.into());
    }
    let now = work.object(&key.key, ObjectKind::Key)?;
    if now.is_none_or(|now| now.state != State::Active) {
        return Err(Refusal::KeyDestroyed.into());
    }
    let token = &sad.tbs.identity_token.data;
    let name = SadName { not_after_ms: window::last_ms(token, 0), id: sad_id };
    let mut seen = HashMap::<&[u8], u32>::new();
    for hash in sad.tbs.tbs_hash_values.iter() {
        let next = seen.entry(hash.as_bytes()).or_default();
        let once = Once::Hash { sad: name, hash: hash.as_bytes().to_vec(), occurrence: *next };
        *next += 1;
        if !work.consume(&once)? {
            return Err(Refusal::AlreadyUsed.into());
        }
    }
    let mut entry = call.entry.clone();
    entry.outcome = Outcome::Intent;
    entry.expires = Some(token.not_after.to_string());
    let number = work.append(entry)?;
    work.open_intent(number)?;
    work.commit_later(number)
}
