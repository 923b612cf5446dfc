//! A commit that is not durable yet.

use std::{fmt, sync::Arc};

use crate::{Error, commit::Ticket, db::Core};

/// A transaction that has committed and is on its way to the disk, from
/// [`Txn::commit_later`](crate::Txn::commit_later).
///
/// Nobody may be told of it before [`Self::wait`] has returned. The disk's work begins when
/// somebody waits, for this or another transaction, so a pending that is dropped becomes durable
/// with the next one that is waited for, or when the [`Db`](crate::Db) is dropped. It may go to any
/// thread. It holds the store's lock: open the store again only when the last one is gone.
#[must_use = "it is durable only when `wait` has returned"]
pub struct Pending {
    core: Arc<Core>,
    ticket: Ticket,
}

impl Pending {
    pub(crate) fn new(core: Arc<Core>, ticket: Ticket) -> Self {
        Self { core, ticket }
    }

    /// Returns when the transaction is durable, and with it every one that committed before it: of
    /// many, only the one with the highest [`Self::number`] has to be waited for.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`]: it may or may not be there after a restart; nothing can be said before.
    pub fn wait(self) -> Result<(), Error> {
        self.core.make_durable(self.ticket)
    }

    /// Not lower than that of any transaction of this store that committed before. Those of one
    /// number become durable together.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.ticket.number()
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("number", &self.number()).finish_non_exhaustive()
    }
}
