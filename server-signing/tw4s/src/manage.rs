//! The management commands of the guide's Table 51. Each prints the lines of [`crate::console`] on stdout, and with
//! `-v` on stderr what it does.

pub(crate) mod audit;
pub(crate) mod checksum;
pub(crate) mod fw;
pub(crate) mod sam;

use std::time::Duration;

use tw4s_sam::DataReport;

use crate::args::Common;
use crate::exit::Failure;
use crate::home::Home;
use crate::instance::{Found, Holder, Turn};
use crate::launch;

impl Common {
    /// Says something that the table does not have, if that is wanted.
    pub(crate) fn note(&self, text: &str) {
        if self.verbose {
            eprintln!("{text}");
        }
    }
}

/// Has the firmware process run for a command that needs it; [`last_one_out`] ends it. Whoever calls this holds the lock
/// of an instance, so that no other command ends it before.
fn lend_firmware(common: &Common, home: &Home) -> Result<(), Failure> {
    let _turn = home.turn()?;
    launch::firmware(common, home, false).map(drop)
}

/// Nobody needs the firmware process when no instance runs and no command looks at one.
fn last_one_out(common: &Common, home: &Home, _: &Turn) -> Result<(), Failure> {
    for id in home.instances()? {
        if Holder::look(&home.service(&id).lock)?.is_some() {
            return Ok(());
        }
    }
    if let Some(firmware) = Found::look(&home.firmware().lock)? {
        common.note(&format!("no instance is left: the firmware process {} is asked to end", firmware.pid()));
        firmware.stop(PATIENCE).map_err(Failure::doing("stopping the firmware"))?;
    }
    Ok(())
}

/// What a check of the data found, and whether it is well.
pub(crate) fn told(report: &DataReport) -> Result<String, String> {
    let found = format!("{} users, {} objects, {} audit records", report.users, report.objects, report.records);
    if report.is_ok() { Ok(found) } else { Err(format!("{found}: {}", report.faults.join("; "))) }
}

/// How long a process may take to end. Signing an RSA batch takes some seconds.
const PATIENCE: Duration = Duration::from_secs(30);
