//! US7: the administrators' part, in the words of the guide's table.

use tw4s_sam::audit::{Entry, Outcome};
use tw4s_sam::ports::Read;
use tw4s_store::{Options, SamStore};

use super::attacks::STORM;
use super::cast::Cast;
use super::story::Story;
use crate::exit::Failure;
use crate::temporary::{SLOT, Subsystem};

/// Sets the module up.
pub(super) fn set_up(story: &mut Story, subsystem: &Subsystem, cast: &Cast) -> Result<(), Failure> {
    let administrators = subsystem.administrators()?;
    let [anna, bert] = administrators.each_ref().map(String::as_str);
    story.step("checksumSAM: SHA-512 over the binary, made in advance")?;
    subsystem.run(&["checksumSAM"])?;

    story.step("manageFW init: all of the firmware's keys come from the master backup key in slot 0")?;
    story.goes("LogonPass=anna,file:... alone")?;
    let alone = subsystem.run(&["manageFW", "init", anna, SLOT]);
    story.check(alone.is_err(), "refused: it takes two administrators")?;
    story.goes("LogonPass=anna,file:... LogonPass=bert,file:... 0")?;
    story.comes(&subsystem.run(&["manageFW", "init", anna, bert, SLOT])?)?;

    story.step("manageFW setidpkeys: whose tokens count")?;
    let certificate = subsystem.file("idp.der", cast.idp.certificate())?;
    story.comes(&subsystem.run(&["manageFW", "setidpkeys", anna, bert, &certificate])?)?;

    story.step("manageSAM start 1: the code is checked, then the firmware and the module start")?;
    let started = subsystem.run(&["manageSAM", "start", "1"])?;
    story.comes(&started)?;
    story.check(
        started.contains("SAM Service code integrity check ... ok"),
        "the binary that was started is the one that the checksum was made over",
    )?;

    story.step("manageSAM enrol: the first privileged user, by order of the administrators")?;
    let said = subsystem.run(&["manageSAM", "enrol", "1", "PrivilegedUser", &cast.first, &certificate])?;
    Ok(story.comes(&said)?)
}

/// Checks the data, and reads the audit log.
pub(super) fn verify(story: &mut Story, subsystem: &Subsystem) -> Result<(), Failure> {
    story.step("manageSAM integrity data: users, keys and audit log")?;
    let said = subsystem.run(&["manageSAM", "integrity", "data"])?;
    story.comes(&said)?;
    story.check(
        said == "Data integrity check ... ok\n",
        "every row's MAC, every table's root, every wrapped key's signature, and the hash chain of the audit log",
    )?;
    story.step("manageSAM stop 1, and the audit log is read")?;
    story.comes(&subsystem.run(&["manageSAM", "stop", "1"])?)?;
    let store = SamStore::open(&subsystem.service().state(), &Options::default());
    let entries = entries(&store.map_err(Failure::doing("opening the database"))?)?;
    let counted = |action: &str, outcome| {
        entries.iter().filter(|entry| entry.action == action && entry.outcome == outcome).count()
    };
    let [intents, done, failed] =
        [Outcome::Intent, Outcome::Success, Outcome::Failed].map(|outcome| counted("Signing", outcome));
    story.comes(&format!(
        "{} records; Signing: {intents} intents, {done} done, {failed} failed; the last one signed by the firmware",
        entries.len()
    ))?;
    story.check(
        (intents, done) == (1, 1) && failed == SIGNINGS_REFUSED,
        "one signature operation was made, so there is one intent, written before the key was activated, and one result",
    )?;
    let last = entries.last().is_some_and(|entry| entry.action == Entry::CHECKPOINT && entry.signature.is_some());
    Ok(story
        .check(last, "the log ends with a checkpoint: whoever cuts or rewrites it needs a key of the firmware's")?)
}

fn entries(store: &SamStore) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    loop {
        let rows = store.audit(entries.len() as u64 + 1, 100).map_err(Failure::other)?;
        if rows.is_empty() {
            return Ok(entries);
        }
        for row in &rows {
            entries.push(row.entry().map_err(Failure::other)?);
        }
    }
}

/// How often a signature is refused with a record in the audit log: the attacks but for the one that is not even logged
/// in, the replays, and the deleted key.
const SIGNINGS_REFUSED: usize = 5 + 1 + STORM + 1;
