//! What a process of the subsystem asks of the system: that nobody looks into it, room for its connections, a log, and
//! to be told when it is to end. The firmware's process hardens itself further ([`tw4s_firmware::process`]).

use std::io::{self, IsTerminal};
use std::os::unix::net::UnixStream;

use rustix::process::{self, DumpableBehavior, Resource, Rlimit};
use signal_hook::consts::{SIGINT, SIGTERM};
use tracing::warn;
use tracing_subscriber::EnvFilter;

use crate::exit::Failure;

/// The variable that says what is logged, in the form of RUST_LOG.
const LOG_VARIABLE: &str = "TW4S_LOG";

/// Sends the log to stderr.
pub(crate) fn start_log() -> Result<(), Failure> {
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

/// Leaves the terminal of whoever started it, and takes one file descriptor for each connection, where the system lets
/// it.
pub(crate) fn detach() {
    // Fails for the leader of a group, which has left the terminal's already.
    let _ = process::setsid();
    let files = process::getrlimit(Resource::Nofile);
    if let Err(error) = process::setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }) {
        warn!(%error, "the limit on open files stays low");
    }
}

/// No core file, no other process of the user that reads its memory.
pub(crate) fn harden() {
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = process::setrlimit(Resource::Core, no_core) {
        warn!(%error, "core files are not switched off");
    }
    if let Err(error) = process::set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        warn!(%error, "other processes of this user may read this process's memory");
    }
}

/// A stream that can be read once SIGTERM or SIGINT has come.
pub(crate) fn on_signals() -> Result<UnixStream, Failure> {
    let (read, write) = UnixStream::pair()?;
    for signal in [SIGTERM, SIGINT] {
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
    }
    Ok(read)
}
