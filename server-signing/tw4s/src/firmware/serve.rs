//! The firmware process.

use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tracing::info;
use tw4s_firmware::Firmware;
use tw4s_firmware::process::harden;
use tw4s_firmware::server::{Server, ServerOptions};
use tw4s_formats::OidArc;

use super::Slot;
use crate::args::Common;
use crate::exit::Failure;
use crate::home::Home;
use crate::instance::Running;
use crate::{launch, process};

/// Runs it, until it is told to end.
pub(crate) fn run(common: &Common, require_memlock: bool) -> Result<(), Failure> {
    let result = serve(common, require_memlock);
    if let Err(failure) = &result {
        launch::say_failed(failure);
    }
    result
}

fn serve(common: &Common, require_memlock: bool) -> Result<(), Failure> {
    process::start_log()?;
    process::detach();
    harden(require_memlock).map_err(Failure::other)?;
    let home = Home::open(common.home.as_deref())?;
    let place = home.firmware();
    let Some(running) = Running::claim(&place.lock).map_err(Failure::doing("taking the firmware's lock"))? else {
        launch::say_running();
        return Ok(());
    };
    let stop = process::on_signals()?;
    let (module, master) = Slot::saved(&home)?.open(&home, false)?;
    let firmware = Firmware::open(&place.state(), &master, module, OidArc::default());
    let firmware = Arc::new(firmware.map_err(Failure::doing("opening the firmware"))?);
    drop(master);
    let options = ServerOptions { max_connections: MAX_CONNECTIONS, ..ServerOptions::default() };
    let server = Server::bind(&place.socket, options).map_err(Failure::doing("listening"))?;
    let stopper = server.stopper()?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        while poll(&mut [PollFd::new(&stop, PollFlags::IN)], None) == Err(Errno::INTR) {}
        stopper.stop();
    })?;
    launch::say_ready();
    let served = server.run(&firmware);
    info!("stopped");
    drop(running);
    served.map_err(Failure::doing("the socket failed"))
}

/// A signing of many hashes holds one from its checks to its signatures, so as many as an instance has peers, and some.
const MAX_CONNECTIONS: usize = 1100;
