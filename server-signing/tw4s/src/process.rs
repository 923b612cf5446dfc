//! What a process of the subsystem asks of the system.

pub(crate) use program::process::{forbid_dumps as harden, stop_signals as on_signals};

use crate::exit::Failure;

/// The variable that says what is logged, in the form of RUST_LOG.
const LOG_VARIABLE: &str = "TW4S_LOG";

/// Sends the log to stderr.
pub(crate) fn start_log() -> Result<(), Failure> {
    let started = program::process::start_log(LOG_VARIABLE);
    started.map_err(|error| Failure::usage(format!("{LOG_VARIABLE}: {error}")))
}

/// Leaves the terminal of whoever started it, and takes one file descriptor for each connection, where the system lets
/// it.
pub(crate) fn detach() {
    // Fails for the leader of a group, which has left the terminal's already.
    let _ = rustix::process::setsid();
    program::process::raise_file_limit();
}
