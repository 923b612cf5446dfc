//! `sks serve`: the token's daemon.
//!
//! It opens the store, makes what is not there, listens, and goes on until SIGTERM or SIGINT; then it finishes the
//! calls under way. No configuration file: options, and two variables for the places ([`sks_client::paths`]).

mod calls;
mod master;
mod ports;
mod sweep;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use program::process;
use sd_notify::NotifyState;
use sks_client::paths;
use sks_core::{Config, Device, Ports};
use sks_store::{Engine, KeySource, OpenOptions, SealedStore};
use sks_wire::frame::MAX_FRAME;
use tracing::{info, warn};

use crate::args::Common;
use crate::exit::Failure;
use crate::identity;
use crate::listen::{Server, Socket};

/// Its own arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The token's store, a directory; made if it is not there [default: $SKS_STORE, else where XDG says]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The engine of a new store: sled or redb [default: sled]
    #[arg(long, value_name = "NAME")]
    engine: Option<Engine>,
    /// Let this user connect too; may be given again [default: the daemon's own user only]
    #[arg(long, value_name = "UID")]
    allow_uid: Vec<u32>,
    /// How long each try of a PUK without a retry limit takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    puk_delay_ms: u64,
    /// The largest call and the largest answer, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = MAX_FRAME, value_parser = clap::value_parser!(u32).range(1024..=1 << 30))]
    max_frame: u32,
    #[command(flatten)]
    master: master::Args,
    #[command(flatten)]
    identity: identity::Args,
}

/// The variable that says what is logged, in the form of RUST_LOG.
const LOG_VARIABLE: &str = "SKS_LOG";

/// How long the calls under way may take at the end. A large RSA key takes some seconds.
const END_LIMIT: Duration = Duration::from_secs(30);

/// Runs it.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    refuse_client_options(common)?;
    process::start_log(LOG_VARIABLE).map_err(|error| Failure::usage(format!("{LOG_VARIABLE}: {error}")))?;
    process::make_files_private();
    process::forbid_dumps();
    process::raise_file_limit();
    // While there is one thread: it changes the environment.
    let inherited = Socket::inherited().map_err(Failure::other)?;
    let paths = paths::resolve(args.store.as_deref(), common.socket.as_deref());
    let key = args.master.source(&paths.store)?;
    let stop = process::stop_signals()?;

    let device = Arc::new(start(&paths.store, key, &args)?);
    let uids = allowed(&args.allow_uid);
    let socket = match inherited {
        Some(socket) => socket,
        None => Socket::bind(&paths.socket, if args.allow_uid.is_empty() { 0o600 } else { 0o666 })
            .map_err(Failure::other)?,
    };
    let address = socket.listener().local_addr()?;
    let place = address.as_pathname().unwrap_or(Path::new("(unnamed)"));
    info!(socket = %place.display(), ?uids, "listening");
    if uids.len() > 1 && is_private(place) {
        warn!("other users cannot enter the socket's directory: name a place with --socket that they can reach");
    }
    let server = Server::new(socket, uids, calls::handler(Arc::clone(&device)), args.max_frame);
    let sweeper = sweep::Sweeper::start(device, sweep::PERIOD)?;

    notify(NotifyState::Ready);
    let accepted = server.run(&stop);
    notify(NotifyState::Stopping);
    info!("stopping");
    match server.end(END_LIMIT) {
        0 => {}
        left => warn!(left, "some calls take too long and are given up"),
    }
    drop(sweeper);
    info!("stopped");
    accepted.map_err(Failure::doing("the socket failed"))
}

/// The options of those who talk to a token mean nothing here.
fn refuse_client_options(common: &Common) -> Result<(), Failure> {
    let Common { socket: _, json, pin_file, puk_file, new_pin_file } = common;
    if *json || pin_file.is_some() || puk_file.is_some() || new_pin_file.is_some() {
        return Err(Failure::usage("of the common options, serve has --socket only"));
    }
    Ok(())
}

/// Opens the store and starts the token in it.
fn start(dir: &Path, key: KeySource, args: &Args) -> Result<Device, Failure> {
    let options = OpenOptions { engine: args.engine, ..OpenOptions::new(key) };
    let store = SealedStore::open(dir, options).map_err(Failure::other)?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        store = %dir.display(),
        engine = %store.engine(),
        new = store.created(),
        "the store is open",
    );
    let puk_delay = Duration::from_millis(args.puk_delay_ms);
    if puk_delay < Config::default().puk_delay {
        warn!(?puk_delay, "PUKs without a retry limit can be guessed faster than the specification allows");
    }
    let max_answer = usize::try_from(args.max_frame).unwrap_or(usize::MAX);
    let config = Config { puk_delay, max_answer, ..Config::default() };
    let crypto = sks_core::crypto::engine();
    identity::ensure(&store, &crypto, &args.identity).map_err(Failure::other)?;
    let ports = Ports {
        store: Arc::new(store),
        crypto: Arc::new(crypto),
        rng: Arc::new(ports::SystemRng),
        clock: Arc::new(ports::SystemClock),
    };
    Device::start(ports, config).map_err(Failure::other)
}

/// The users who may connect: the daemon's own always.
fn allowed(others: &[u32]) -> BTreeSet<u32> {
    let own = rustix::process::geteuid().as_raw();
    others.iter().copied().chain([own]).collect()
}

/// Whether the directory lets its owner and group in only.
fn is_private(socket: &Path) -> bool {
    let mode = socket.parent().and_then(|dir| dir.metadata().ok()).map(|dir| dir.permissions().mode());
    mode.is_some_and(|mode| mode & 0o001 == 0)
}

/// Tells systemd, where it asks to be told.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        warn!(%error, "systemd cannot be told");
    }
}
