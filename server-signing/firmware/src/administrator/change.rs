//! A change of the administrators, by two of them: one who leaves, one who comes, a new credential.

use std::collections::BTreeSet;

use tw4s_formats::List;

use super::{Administrator, CREDENTIAL_LENGTHS, Logon, authenticate, quorum, record};
use crate::error::FirmwareError;
use crate::firmware::Firmware;
use crate::forgotten::{self, Forgotten};
use crate::state::State;

/// What administrators order, all of it at once.
#[derive(Debug, Default)]
pub struct Changes {
    /// These have these credentials from now on, whether they were administrators or not.
    pub enrolled: Vec<Logon>,
    /// These are administrators no more.
    pub dropped: Vec<String>,
    /// The audit logs of these SAMs (SHA-256 of their ids) were put back with the administrators' knowledge: their
    /// anchors are forgotten, and their next start records it.
    pub forgotten: Vec<[u8; 32]>,
}

impl Firmware {
    /// Changes the administrators, or forgets anchors. Durable when it returns.
    ///
    /// # Errors
    /// `Logon`; `Administrators` if too few or too many would be left, one is named twice or is not there to be
    /// dropped, or a credential is empty or too long; `NoAnchor`; `Failed`. Then nothing has changed.
    pub fn administer(&self, logons: &[Logon], changes: &Changes) -> Result<(), FirmwareError> {
        let (administrators, dual_control) = self.administrators();
        // Outside the lock: it takes its time, and so do the new records.
        if !authenticate(&administrators, logons, dual_control) {
            return Err(FirmwareError::Logon);
        }
        let left = changed(&administrators, changes, dual_control)?;
        let change = |state: &State| {
            if *state.administrators != *administrators {
                // Somebody else was quicker.
                return Err(FirmwareError::Administrators);
            }
            let mut anchors = state.anchors.as_ref().map(|anchors| anchors.to_vec()).unwrap_or_default();
            let mut forgotten = state.forgotten.as_ref().map(|list| list.to_vec()).unwrap_or_default();
            for sam in &changes.forgotten {
                let at = anchors.iter().position(|kept| kept.sam.as_bytes() == sam);
                let anchor = anchors.remove(at.ok_or(FirmwareError::NoAnchor)?);
                forgotten.push(Forgotten::now(anchor, logons)?);
            }
            let administrators = List::new(left).map_err(|_| FirmwareError::Administrators)?;
            let anchors = Some(anchors).filter(|anchors| !anchors.is_empty());
            let anchors = anchors.map(List::new).transpose().map_err(|_| FirmwareError::Failed)?;
            Ok(Some(State { administrators, anchors, forgotten: forgotten::list(forgotten)?, ..state.clone() }))
        };
        self.change(change, || ())?;
        for name in changes.enrolled.iter().map(Logon::name).chain(changes.dropped.iter().map(String::as_str)) {
            tracing::warn!(by = ?names(logons), name, "an administrator was changed");
        }
        for sam in &changes.forgotten {
            tracing::warn!(by = ?names(logons), sam = hex(sam), "the anchor of an audit log was forgotten");
        }
        Ok(())
    }
}

fn changed(
    administrators: &[Administrator],
    changes: &Changes,
    dual_control: bool,
) -> Result<Vec<Administrator>, FirmwareError> {
    let named = || changes.enrolled.iter().map(Logon::name).chain(changes.dropped.iter().map(String::as_str));
    let known = |name: &&String| administrators.iter().any(|administrator| administrator.name.as_str() == **name);
    let sound = |logon: &Logon| CREDENTIAL_LENGTHS.contains(&logon.credential().len());
    if named().collect::<BTreeSet<_>>().len() != named().count()
        || changes.dropped.iter().filter(known).count() != changes.dropped.len()
        || !changes.enrolled.iter().all(sound)
    {
        return Err(FirmwareError::Administrators);
    }
    let stay = administrators.iter().filter(|administrator| named().all(|name| name != administrator.name.as_str()));
    let mut left: Vec<Administrator> = stay.cloned().collect();
    for logon in &changes.enrolled {
        left.push(record(logon).map_err(|_| FirmwareError::Administrators)?);
    }
    // Too many do not fit into the state's list.
    if left.len() < quorum(dual_control) { Err(FirmwareError::Administrators) } else { Ok(left) }
}

fn names(logons: &[Logon]) -> Vec<&str> {
    logons.iter().map(Logon::name).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
