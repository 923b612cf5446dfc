//! The database of a stopped instance, for a command that looks at it. Whoever has the instance's lock may open its
//! database, be it the service or a command.

use std::fs;
use std::sync::Arc;

use tw4s_sam::audit::Anchor;
use tw4s_sam::{Config, DataReport, Ports, Sam};
use tw4s_store::{Options, SamStore};

use crate::exit::Failure;
use crate::firmware::port::Port;
use crate::home::{Home, Place};
use crate::instance::Running;
use crate::service::{SystemClock, SystemRng};

/// Takes the lock, while `what` the command does, and opens the database, which must be there.
pub(crate) fn open(place: &Place, what: &str) -> Result<(SamStore, Running), Failure> {
    let name = &place.name;
    let state = place.state();
    // Opening would make one.
    if fs::read_dir(&state).map_or(true, |mut entries| entries.next().is_none()) {
        return Err(Failure::text(format!("{name} has no database: {} is not there, or empty", state.display())));
    }
    let lock = Running::hold(&place.lock, what).map_err(Failure::doing(format!("taking the lock of {name}")))?;
    let lock = lock.ok_or_else(|| Failure::text(format!("{name} is starting: try again")))?;
    let store = SamStore::open(&state, &Options::default());
    Ok((store.map_err(Failure::doing(format!("opening the database of {name}")))?, lock))
}

/// Checks the data of a database as the service would. The firmware runs.
pub(crate) fn check(home: &Home, place: &Place, store: SamStore, anchors: &[Anchor]) -> Result<DataReport, Failure> {
    let ports = Ports {
        firmware: Arc::new(Port::new(&home.firmware().socket)),
        store: Arc::new(store),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
    };
    let config = Config { sam_id: place.name.clone(), ..Config::default() };
    Sam::inspect(ports, config).and_then(|sam| sam.check_data_with(anchors)).map_err(Failure::other)
}
