//! `manageSAM`: start, stop and the integrity checks.

use std::path::Path;

use tw4s_firmware::client::Client;
use tw4s_sam::audit::Anchor;

use super::{PATIENCE, last_one_out, lend_firmware, told};
use crate::anchor;
use crate::args::{Common, Integrity, SamOperation};
use crate::checksum;
use crate::console::{Line, Module, Outcome};
use crate::control::Control;
use crate::exit::{self, Failure};
use crate::home::{Home, Place};
use crate::instance::{Found, Holder, InstanceId};
use crate::launch::{self, Launched};
use crate::{firmware, stopped};

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
        SamOperation::Integrity { what: Integrity::Data { anchor } } => data(common, &home, anchor.as_deref()),
    }
}

fn start(common: &Common, home: &Home, id: &InstanceId, require_memlock: bool) -> Result<(), Failure> {
    let _turn = home.turn()?;
    let runs = |place: Place| matches!(Holder::look(&place.lock), Ok(Some(Holder::Process(_))));
    // Without the firmware an instance runs and does nothing; then it is started beside it, after the check.
    if runs(home.service(id)) && runs(home.firmware()) {
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
    let turn = home.turn()?;
    let found = match Holder::look(&home.service(id).lock)? {
        Some(Holder::Process(found)) => found,
        Some(Holder::Command(in_use)) => {
            common.note(&in_use.to_string());
            return Line::NotRunning(id).print();
        }
        None => return Line::NotRunning(id).print(),
    };
    let stopping = || Failure::doing(format!("stopping sam{id}"));
    common.note(&format!("process {} is asked to end", found.pid()));
    found.stop(PATIENCE).map_err(stopping()).map_err(Failure::told)?;
    Line::Stopped(id).print()?;
    last_one_out(common, home, &turn)
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
    let enrolled = firmware::certificates(certfile).and_then(|certificates| {
        let enrolled = Control::connect(place).and_then(|mut control| control.enrol(role, user_id, &certificates));
        enrolled.map_err(Failure::doing(format!("enrolling {user_id}")))
    });
    exit::print(&format!("Enrolment of the user \"{user_id}\" ... {}\n", Outcome::of(&enrolled)))?;
    enrolled.map(drop).map_err(Failure::told)
}

/// The guide's form has no instance id, so all instances are checked: a running one by its service, which alone may open
/// its database, a stopped one here, under its lock. Data that nobody can look at are not said to be in order.
fn data(common: &Common, home: &Home, anchors: Option<&Path>) -> Result<(), Failure> {
    let checked = check_all(common, home, anchors);
    Line::DataIntegrity(Outcome::of(&checked)).print()?;
    checked.map_err(Failure::told)
}

fn check_all(common: &Common, home: &Home, anchors: Option<&Path>) -> Result<(), Failure> {
    let known = anchors.map(anchor::read).transpose()?.unwrap_or_default();
    let instances = home.instances()?;
    if instances.is_empty() {
        return Err(Failure::text("there is no instance"));
    }
    let is_there = |sam: &str| instances.iter().any(|id| home.service(id).name == sam);
    if let Some((sam, _)) = known.iter().find(|(sam, _)| !is_there(sam)) {
        return Err(Failure::text(format!("{sam} is not there, and a row of its audit log is known")));
    }
    let mut faults = Vec::new();
    for place in instances.iter().map(|id| home.service(id)) {
        let known: Vec<Anchor> = known.iter().filter(|(sam, _)| *sam == place.name).map(|(_, it)| *it).collect();
        match check_one(common, home, &place, &known) {
            Ok(found) => common.note(&format!("{}: {found}", place.name)),
            Err(failure) => faults.push(format!("{}: {failure}", place.name)),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::text(faults.join("\n"))) }
}

fn check_one(common: &Common, home: &Home, place: &Place, known: &[Anchor]) -> Result<String, Failure> {
    let known = || -> Result<Vec<Anchor>, Failure> {
        let kept = anchor::kept(&Client::new(&home.firmware().socket), &place.name).map_err(Failure::other)?;
        Ok(known.iter().copied().chain(kept).collect())
    };
    if Found::look(&place.lock)?.is_some() {
        let mut control = Control::connect(place).map_err(Failure::other)?;
        return control.integrity(&known()?).map_err(Failure::other);
    }
    let (store, lock) = stopped::open(place, "checks its data")?;
    let report = lend_firmware(common, home).and_then(|()| stopped::check(home, place, store, &known()?));
    drop(lock);
    last_one_out(common, home, &home.turn()?)?;
    told(&report?).map_err(Failure::text)
}
