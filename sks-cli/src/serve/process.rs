//! What the daemon asks of the system for its process: that nobody looks into it, and room for its connections.

use std::io::{self, IsTerminal};

use rustix::fs::Mode;
use rustix::process::{self, DumpableBehavior, Resource, Rlimit};
use tracing::warn;
use tracing_subscriber::EnvFilter;

use crate::exit::Failure;

/// The variable that says what is logged, in the form of RUST_LOG.
const LOG_VARIABLE: &str = "SKS_LOG";

/// Sends the log to stderr.
pub(super) fn start_log() -> Result<(), Failure> {
    let wanted = std::env::var(LOG_VARIABLE).ok().filter(|wanted| !wanted.is_empty());
    let mut wanted = wanted.unwrap_or_else(|| "info".to_owned());
    if !wanted.contains("sled") {
        // It tells of every page it moves: not unless it is asked for by name.
        wanted.push_str(",sled=warn");
    }
    let filter = EnvFilter::builder().parse(wanted);
    let filter = filter.map_err(|error| Failure::usage(format!("{LOG_VARIABLE}: {error}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    log.with_ansi(io::stderr().is_terminal()).init();
    Ok(())
}

/// Keeps secrets in the process: files for the owner alone, no core file, no other process of the user that reads its
/// memory. And one file descriptor for each connection, where the system lets it.
pub(super) fn harden() {
    process::umask(Mode::RWXG | Mode::RWXO);
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = process::setrlimit(Resource::Core, no_core) {
        warn!(%error, "core files are not switched off");
    }
    if let Err(error) = process::set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        warn!(%error, "other processes of this user may read the daemon's memory");
    }
    let files = process::getrlimit(Resource::Nofile);
    if let Err(error) = process::setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }) {
        warn!(%error, "the limit on open files stays low");
    }
}
