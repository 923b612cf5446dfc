//! `List_Signers` (1.10; 1.12, 3.2.6): the signers' ids, page by page, without certificates.

use tw4s_formats::operation::{ListSigners, ListSignersResult};
use tw4s_formats::{Format, List, Role, Text};

use crate::call::Call;
use crate::failure::Failure;
use crate::record::UserId;
use crate::refusal::Refusal;
use crate::work::{Committed, Recorded, Work};

pub(super) fn handle(call: &mut Call<'_>, message: &ListSigners) -> Result<Committed<Recorded>, Failure> {
    let after = message.after.as_ref().map(|after| after.as_str().parse::<UserId>());
    let after = after.transpose().map_err(|_| Refusal::PageStart)?;
    let page = usize::from(message.limit.number()).min(call.sam.config.page);
    let (ids, more) = signers(call, after, page)?;
    let userids = ids.into_iter().map(|id| Text::new(id.to_string())).collect::<Result<_, _>>()?;
    let result = ListSignersResult { userids: List::new(userids)?, more }.to_bytes()?;
    Work::begin(call.sam)?.conclude(call.entry.clone(), result)
}

/// One page, and whether there are others.
fn signers(call: &Call<'_>, mut after: Option<UserId>, page: usize) -> Result<(Vec<UserId>, bool), Failure> {
    let mut found = Vec::new();
    loop {
        let users = call.sam.ports.store.users(after.as_ref(), READ)?;
        let Some(last) = users.last() else { return Ok((found, false)) };
        after = Some(last.id);
        for user in &users {
            if !call.sam.integrity.user_is_ours(user) {
                return Err(Failure::damaged(format!("the row of user {} is not ours", user.id)));
            }
            if user.role == Role::Signer {
                if found.len() == page {
                    return Ok((found, true));
                }
                found.push(user.id);
            }
        }
    }
}

/// Rows read at a time.
const READ: usize = 256;
