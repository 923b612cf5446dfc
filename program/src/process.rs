//! What a process that holds secrets asks of the system, its log, and the signals that end it. What the system refuses
//! is a warning: the process goes on without it.

use std::io::{self, IsTerminal};
use std::os::unix::net::UnixStream;

use rustix::fs::Mode;
use rustix::process::{self, DumpableBehavior, Resource, Rlimit};
use signal_hook::consts::{SIGINT, SIGTERM};
use tracing::warn;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Sends the log to stderr, as much as the environment's `variable` says, in the form of RUST_LOG; else from `info` on.
///
/// # Errors
/// What is wrong with the variable's value.
pub fn start_log(variable: &str) -> Result<(), ParseError> {
    let wanted = std::env::var(variable).ok().filter(|wanted| !wanted.is_empty());
    let mut wanted = wanted.unwrap_or_else(|| "info".to_owned());
    if !wanted.contains("sled") {
        // It tells of every page it moves: not unless it is asked for by name.
        wanted.push_str(",sled=warn");
    }
    let filter = EnvFilter::builder().parse(wanted)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    log.with_ansi(io::stderr().is_terminal()).init();
    Ok(())
}

/// Lets the process make files for its owner alone.
pub fn make_files_private() {
    process::umask(Mode::RWXG | Mode::RWXO);
}

/// No core file, and no other process of the user that reads the memory; says whether the latter was reached.
pub fn forbid_dumps() -> bool {
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = process::setrlimit(Resource::Core, no_core) {
        warn!(%error, "core files are not switched off");
    }
    let refused = process::set_dumpable_behavior(DumpableBehavior::NotDumpable).err();
    if let Some(error) = refused {
        warn!(%error, "other processes of this user may read this process's memory");
    }
    refused.is_none()
}

/// As many open files, and so connections, as the system lets the process have.
pub fn raise_file_limit() {
    let files = process::getrlimit(Resource::Nofile);
    if let Err(error) = process::setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }) {
        warn!(%error, "the limit on open files stays low");
    }
}

/// A stream that can be read once SIGTERM or SIGINT has come.
///
/// # Errors
/// The system's.
pub fn stop_signals() -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    for signal in [SIGTERM, SIGINT] {
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
    }
    Ok(read)
}
