//! `manageFW`: the firmware's initialisation, its identity providers, and its administrators, by two of them.

use tw4s_firmware::client::Client;
use tw4s_firmware::{Changes, Logon as Administrator};

use super::last_one_out;
use crate::args::{Common, FwOperation};
use crate::console::{Line, Outcome};
use crate::exit::Failure;
use crate::home::Home;
use crate::logon::{self, Logon};
use crate::{anchor, firmware, launch, process};

/// Runs it.
pub(crate) fn run(common: &Common, operation: &FwOperation) -> Result<(), Failure> {
    // Credentials, and at `init` the master backup key, pass through this process.
    process::harden();
    let home = Home::open(common.home.as_deref())?;
    match operation {
        FwOperation::Init { arguments } => {
            let (logons, slot) = logon::read_first(arguments, "MBK slot id")?;
            let _turn = home.turn()?;
            finish(Line::Initialization, firmware::init(&home, logons, &slot))
        }
        FwOperation::Setadmins { logons, enrol, drop } => {
            let (logons, enrolled) = logon::read_with_new(logons, enrol)?;
            let changes = Changes {
                enrolled: enrolled.into_iter().map(administrator).collect(),
                dropped: drop.clone(),
                ..none()
            };
            finish(Line::Administrators, administer(common, &home, logons, &changes))
        }
        FwOperation::Forgetanchor { logons, instance_id } => {
            let (logons, _) = logon::read_with_new(logons, &[])?;
            let changes = Changes { forgotten: vec![anchor::digest(&home.service(instance_id).name)], ..none() };
            finish(Line::Anchor, administer(common, &home, logons, &changes))
        }
        FwOperation::Setidpkeys { arguments } => {
            let (logons, file) = logon::read(arguments, "certificate file")?;
            let _turn = home.turn()?;
            finish(Line::Import, firmware::set_idp_keys(common, &home, logons, file.as_ref()))
        }
    }
}

/// Hands what administrators change to the firmware process, which is started for that if it does not run.
fn administer(common: &Common, home: &Home, logons: Vec<Logon>, changes: &Changes) -> Result<(), Failure> {
    let turn = home.turn()?;
    launch::firmware(common, home, false)?;
    let logons: Vec<Administrator> = logons.into_iter().map(administrator).collect();
    let done = Client::new(&home.firmware().socket).administer(&logons, changes).map_err(Failure::other);
    last_one_out(common, home, &turn)?;
    done
}

fn administrator(logon: Logon) -> Administrator {
    Administrator::new(logon.user, logon.credential)
}

fn none() -> Changes {
    Changes::default()
}

fn finish(line: fn(Outcome) -> Line<'static>, result: Result<(), Failure>) -> Result<(), Failure> {
    if matches!(result, Err(Failure::Usage(_))) {
        return result;
    }
    line(Outcome::of(&result)).print()?;
    result.map_err(Failure::told)
}
