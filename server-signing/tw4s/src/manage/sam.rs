//! `manageSAM`: start, stop and the integrity checks.

use std::path::Path;
use std::time::Duration;

use crate::args::{Common, Integrity, SamOperation};
use crate::checksum;
use crate::console::{Line, Module, Outcome};
use crate::exit::{self, Failure};
use crate::home::{Home, Place};
use crate::instance::{Found, InstanceId};
use crate::launch::{self, Launched};
use crate::{control, firmware};

/// Runs it.
pub(crate) fn run(common: &Common, operation: &SamOperation) -> Result<(), Failure> {
    let home = Home::open(common.home.as_deref())?;
    match operation {
        SamOperation::Start { instance_id, require_memlock } => start(common, &home, instance_id, *require_memlock),
        SamOperation::Stop { instance_id } => stop(common, &home, instance_id),
        SamOperation::Enrol { instance_id, role, user_id, certfile } => {
            enrol(&home.service(instance_id), role, user_id, certfile)
        }
        SamOperation::Integrity { what: Integrity::Code { instance_id } } => code(common, &home, instance_id),
        SamOperation::Integrity { what: Integrity::Data } => data(common, &home),
    }
}

fn start(common: &Common, home: &Home, id: &InstanceId, require_memlock: bool) -> Result<(), Failure> {
    let runs = |place: Place| Found::look(&place.lock).map(|found| found.is_some());
    // Without the firmware an instance runs and does nothing; then it is started beside it, after the check.
    if runs(home.service(id))? && runs(home.firmware())? {
        return Line::AlreadyRunning(id).print();
    }
    let checked = checksum::check(&home.checksum()).map_err(Failure::other);
    for module in Module::ALL {
        Line::StartCheck(module, Outcome::of(&checked)).print()?;
    }
    match checked.and_then(|()| launch::both(common, home, id, require_memlock)) {
        Ok(Launched::New) => Line::Started(id).print(),
        Ok(Launched::Before) => Line::AlreadyRunning(id).print(),
        Err(failure) => {
            Line::Abandoned(id).print()?;
            Err(failure.told())
        }
    }
}

fn stop(common: &Common, home: &Home, id: &InstanceId) -> Result<(), Failure> {
    let Some(found) = Found::look(&home.service(id).lock)? else {
        return Line::NotRunning(id).print();
    };
    let stopping = || Failure::doing(format!("stopping sam{id}"));
    common.note(&format!("process {} is asked to end", found.pid()));
    found.stop(PATIENCE).map_err(stopping()).map_err(Failure::told)?;
    Line::Stopped(id).print()?;
    last_one_out(common, home)
}

/// Nobody needs the firmware process when no instance runs.
fn last_one_out(common: &Common, home: &Home) -> Result<(), Failure> {
    for id in home.instances()? {
        if Found::look(&home.service(&id).lock)?.is_some() {
            return Ok(());
        }
    }
    if let Some(firmware) = Found::look(&home.firmware().lock)? {
        common.note(&format!("no instance is left: the firmware process {} is asked to end", firmware.pid()));
        firmware.stop(PATIENCE).map_err(Failure::doing("stopping the firmware"))?;
    }
    Ok(())
}

fn code(common: &Common, home: &Home, id: &InstanceId) -> Result<(), Failure> {
    common.note(&format!("the binary of sam{id} is compared with {}", home.checksum().display()));
    let checked = checksum::check(&home.checksum()).map_err(Failure::other);
    for module in Module::ALL {
        Line::CodeIntegrity(module, Outcome::of(&checked)).print()?;
    }
    checked.map_err(Failure::told)
}

/// Not in the table: somebody has to be the first privileged user, and no operation makes a technical one. It is for
/// whoever owns the home, as the audit record says.
fn enrol(place: &Place, role: &str, user_id: &str, certfile: &Path) -> Result<(), Failure> {
    let certificates = firmware::certificates(certfile)?;
    let enrolled =
        control::enrol(place, role, user_id, &certificates).map_err(Failure::doing(format!("enrolling {user_id}")));
    exit::print(&format!("Enrolment of the user \"{user_id}\" ... {}\n", Outcome::of(&enrolled)))?;
    enrolled.map(drop).map_err(Failure::told)
}

/// The guide's form has no instance id, so all instances are checked, each by its running service, which alone may
/// open its database. Data that nobody looked at are not said to be in order: a stopped instance fails the check.
fn data(common: &Common, home: &Home) -> Result<(), Failure> {
    let checked = check_all(common, home);
    Line::DataIntegrity(Outcome::of(&checked)).print()?;
    checked.map_err(Failure::told)
}

fn check_all(common: &Common, home: &Home) -> Result<(), Failure> {
    let instances = home.instances()?;
    if instances.is_empty() {
        return Err(Failure::text("there is no instance"));
    }
    for id in instances {
        let found = control::integrity(&home.service(&id)).map_err(Failure::doing(format!("checking sam{id}")))?;
        common.note(&format!("sam{id}: {found}"));
    }
    Ok(())
}

/// How long a process may take to end. Signing an RSA batch takes some seconds.
const PATIENCE: Duration = Duration::from_secs(30);
