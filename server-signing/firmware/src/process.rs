//! What the firmware asks of the system for its process: that nobody looks into it, and that its memory stays in
//! memory.

use std::io;

use rustix::mm::{MlockAllFlags, mlockall, munlockall};
use rustix::process::{self, Resource, Rlimit};
use rustix::thread::{CapabilitySet, capabilities};
use tracing::warn;

/// The process does not become what it must be.
#[derive(Debug, thiserror::Error)]
pub enum HardenError {
    /// The system does not lock the memory, and `--require-memlock` makes that fatal.
    #[error("the memory cannot be locked: {0}")]
    MemoryLock(#[source] io::Error),
}

/// What was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardened {
    /// No core file, and no other process of this user reads the memory.
    pub not_dumpable: bool,
    /// No page is written to a disk.
    pub memory_locked: bool,
}

/// Makes the process not dumpable, locks its memory, now and to come, and lets it make files for its owner alone. What
/// the system refuses is a warning; with `require_memlock`, memory that is not locked is an error.
///
/// # Errors
/// [`HardenError::MemoryLock`].
pub fn harden(require_memlock: bool) -> Result<Hardened, HardenError> {
    program::process::make_files_private();
    let not_dumpable = program::process::forbid_dumps();
    let memory_locked = match lock_memory() {
        Ok(()) => true,
        Err(error) if require_memlock => return Err(HardenError::MemoryLock(error)),
        Err(error) => {
            warn!(%error, "the memory is not locked: keys that are active may be written to the swap area");
            false
        }
    };
    Ok(Hardened { not_dumpable, memory_locked })
}

/// Pages are locked as they are first used, so that the stacks of many threads do not take memory that they never need.
fn lock_memory() -> io::Result<()> {
    let limit = process::getrlimit(Resource::Memlock);
    if process::setrlimit(Resource::Memlock, Rlimit { current: limit.maximum, ..limit }).is_err() {
        // The soft limit may do all the same.
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)?;
    // Under a limit the call may succeed now, and a thread or a larger buffer fail later, which would be worse.
    let unbound = limit.maximum.is_none()
        || capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    if unbound {
        return Ok(());
    }
    munlockall()?;
    Err(io::Error::other("the limit on locked memory (RLIMIT_MEMLOCK) has to be unlimited"))
}
