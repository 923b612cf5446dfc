//! The process of an instance: the SAM service. It holds the instance's lock and its database, calls the firmware
//! process, and answers peering messages and management.

mod answer;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use tokio::runtime::Builder;
use tracing::{error, info, warn};
use tw4s_firmware::client::Client;
use tw4s_sam::ports::{Clock, Rng, RngError};
use tw4s_sam::{Care, Config, Ports, Sam};
use tw4s_store::{Options, SamStore};

use answer::{Management, Peering};

use crate::args::Common;
use crate::exit::Failure;
use crate::firmware::port::Port;
use crate::home::Home;
use crate::instance::{InstanceId, Running};
use crate::listen::Server;
use crate::{anchor, launch, process};

/// Runs it, until it is told to end.
pub(crate) fn run(common: &Common, id: &InstanceId) -> Result<(), Failure> {
    let result = serve(common, id);
    if let Err(failure) = &result {
        launch::say_failed(failure);
    }
    result
}

fn serve(common: &Common, id: &InstanceId) -> Result<(), Failure> {
    process::start_log()?;
    process::detach();
    process::harden();
    let home = Home::open(common.home.as_deref())?;
    let place = home.service(id);
    // Held to the end: by whoever has it, the database is used by nobody else.
    let Some(_running) = Running::claim(&place.lock).map_err(Failure::doing("taking the instance's lock"))? else {
        launch::say_running();
        return Ok(());
    };
    let stop = process::on_signals()?;
    let sam = Arc::new(open(&place.state(), &home.firmware().socket, &place.name)?);
    // The firmware computes at least as much meanwhile; but when it has nothing to do, no core should idle.
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let runtime = Builder::new_multi_thread().worker_threads(threads).thread_name("peer").enable_all().build()?;
    let mut server = Server::new();
    let peering = Arc::new(Peering::new(Arc::clone(&sam)));
    server.bind(&place.socket, peering).map_err(Failure::doing("listening for peers"))?;
    let management = Arc::new(Management::new(Arc::clone(&sam)));
    server.bind(&place.control, management).map_err(Failure::doing("listening for management"))?;
    let tidier = Tidier::start(Arc::clone(&sam))?;
    info!(version = env!("CARGO_PKG_VERSION"), instance = %id, "listening");
    launch::say_ready();
    let accepted = runtime.block_on(server.run(stop));
    info!("stopping");
    match runtime.block_on(server.end(END_LIMIT)) {
        0 => {}
        left => warn!(left, "some calls take too long and are given up"),
    }
    runtime.shutdown_background();
    drop(tidier);
    end(sam);
    accepted.map_err(Failure::doing("a socket failed"))
}

/// The module on its database.
pub(crate) fn open(database: &Path, firmware: &Path, sam_id: &str) -> Result<Sam, Failure> {
    let store = SamStore::open(database, &Options::default()).map_err(Failure::doing("opening the database"))?;
    let client = Client::new(firmware);
    anchor::check(&store, &client, sam_id)?;
    let ports = Ports {
        firmware: Arc::new(Port::new(firmware)),
        store: Arc::new(store),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
    };
    let config = Config { sam_id: sam_id.to_owned(), checkpoint_every: CHECKPOINT_EVERY, ..Config::default() };
    let sam = Sam::start(ports, config).map_err(Failure::doing("starting the module"))?;
    anchor::record_forgotten(&sam, &client, sam_id)?;
    Ok(sam)
}

/// The last checkpoint and the record of the stop.
fn end(sam: Arc<Sam>) {
    let stopped = Arc::try_unwrap(sam).map(Sam::stop);
    match stopped {
        Ok(Ok(anchor)) => {
            info!(row = anchor.number, hash = hex::encode(anchor.hash), "stopped; the log is signed up to here")
        }
        Ok(Err(error)) => error!(%error, "the stop is not recorded"),
        Err(_) => warn!("stopped with calls under way, so the stop is not recorded"),
    }
}

/// Care of the database, once a minute ([`Care`]). Dropped, it ends, after the care under way.
struct Tidier {
    /// Taken away at the end; it never sends.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Tidier {
    fn start(sam: Arc<Sam>) -> Result<Self, Failure> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("tidy".to_owned()).spawn(move || {
            let mut care = Care::begin(&sam);
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = care.look(&sam) {
                    error!(%error, "consumed hashes are not forgotten, or the audit log is not signed");
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Tidier {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            error!("the care of the database has panicked");
        }
    }
}

/// The system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The system's random numbers.
pub(crate) struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, out: &mut [u8]) -> Result<(), RngError> {
        aws_lc_rs::rand::fill(out).map_err(|_| RngError)
    }
}

/// How long the calls under way may take at the end.
const END_LIMIT: Duration = Duration::from_secs(20);
/// The log is signed with each care if it has any row behind the last checkpoint: what the firmware's anchor shows of a
/// database that was put back is little more than a minute old then.
const CHECKPOINT_EVERY: u64 = 1;
/// How often it is looked whether care is due.
const LOOK: Duration = Duration::from_secs(1);
