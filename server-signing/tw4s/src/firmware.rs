//! The firmware half, as this command sees it: its initialisation, its process ([`serve`]), and the SAM's port to it
//! ([`port`]).

mod line;
mod lines;
pub(crate) mod port;
pub(crate) mod serve;
mod slot;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use tw4s_firmware::client::Client;
use tw4s_firmware::{Firmware, Init, Logon as Administrator, read_certificates};

use crate::args::Common;
use crate::exit::Failure;
use crate::home::Home;
use crate::instance::Found;
use crate::launch::{self, Launched};
use crate::logon::Logon;

pub(crate) use slot::Slot;

/// `init`: derives everything from the master backup key in a slot, and enrols the administrators.
pub(crate) fn init(home: &Home, logons: Vec<Logon>, slot: &str) -> Result<(), Failure> {
    let slot = Slot::named(slot)?;
    let place = home.firmware();
    let (module, master) = slot.open(home, true)?;
    fs::create_dir_all(&place.folder).map_err(Failure::doing("initialising the firmware"))?;
    if place.state().exists() {
        return Err(Failure::text(format!(
            "{} is there: the firmware is initialised already",
            place.state().display()
        )));
    }
    // First the slot: without a state it means nothing.
    slot.save(home)?;
    let administrators: Vec<Administrator> = logons.into_iter().map(administrator).collect();
    let init = Init { sam_id: SAM_ID, administrators: &administrators, dual_control: true };
    Firmware::init(&place.state(), &master, &*module, &init).map_err(Failure::doing("initialising the firmware"))
}

/// `setidpkeys`: hands the certificates to the firmware process, which is started for that if it does not run.
pub(crate) fn set_idp_keys(common: &Common, home: &Home, logons: Vec<Logon>, file: &Path) -> Result<(), Failure> {
    let certificates = certificates(file)?;
    let launched = launch::firmware(common, home, false)?;
    let administrators: Vec<Administrator> = logons.into_iter().map(administrator).collect();
    let client = Client::new(&home.firmware().socket);
    let imported = client.set_idp_keys(&administrators, &certificates).map_err(Failure::other);
    if matches!(launched, Launched::New)
        && let Some(found) = Found::look(&home.firmware().lock)?
    {
        found.stop(launch::PATIENCE).map_err(Failure::doing("stopping the firmware"))?;
    }
    imported
}

/// The certificates in a file: PEM, or one in DER.
pub(crate) fn certificates(file: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    read_certificates(&read(file)?).map_err(Failure::doing(format!("reading {}", file.display())))
}

fn administrator(logon: Logon) -> Administrator {
    Administrator::new(logon.user, logon.credential)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let reading = || Failure::doing(format!("reading {}", path.display()));
    File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes)).map_err(reading())?;
    Ok(bytes)
}

/// The SAM's name in the wrapped keys. All instances of a home share the firmware, and so the keys.
const SAM_ID: &str = "sam";
/// Bytes of a file of certificates: many times what the firmware imports.
const MAX_FILE: u64 = 4 << 20;

#[cfg(test)]
mod tests;
