//! `manageFW`: the firmware's initialisation and its identity providers, by two administrators.

use crate::args::{Common, FwOperation};
use crate::console::{Line, Outcome};
use crate::exit::Failure;
use crate::firmware;
use crate::home::Home;
use crate::logon;

/// Runs it.
pub(crate) fn run(common: &Common, operation: &FwOperation) -> Result<(), Failure> {
    let home = Home::open(common.home.as_deref())?;
    match operation {
        FwOperation::Init { arguments } => {
            let (logons, slot) = logon::read(arguments, "MBK slot id")?;
            let _turn = home.turn()?;
            finish(Line::Initialization, firmware::init(&home, logons, &slot))
        }
        FwOperation::Setidpkeys { arguments } => {
            let (logons, file) = logon::read(arguments, "certificate file")?;
            let _turn = home.turn()?;
            finish(Line::Import, firmware::set_idp_keys(common, &home, logons, file.as_ref()))
        }
    }
}

fn finish(line: fn(Outcome) -> Line<'static>, result: Result<(), Failure>) -> Result<(), Failure> {
    if matches!(result, Err(Failure::Usage(_))) {
        return result;
    }
    line(Outcome::of(&result)).print()?;
    result.map_err(Failure::told)
}
