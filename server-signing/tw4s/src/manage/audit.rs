//! `audit`: the audit log of an instance, searched, verified, exported, and anchored.
//!
//! Not in the guide's Table 51, which leaves it to its Audit Manager; the filters are that one's. Results go to stdout:
//! records as JSON, one a line.

use std::io::{self, BufWriter, Write};

use tw4s_firmware::client::Client;
use tw4s_sam::audit::{Anchor, Broken, Chain, Row};

use crate::anchor;
use crate::args::{AuditOperation, Common, Filter};
use crate::exit::{self, Failure};
use crate::home::{Home, Place};
use crate::manage;
use crate::rows::Log;

/// Runs it.
pub(crate) fn run(common: &Common, operation: &AuditOperation) -> Result<(), Failure> {
    let home = Home::existing(common.home.as_deref())?;
    match operation {
        AuditOperation::Search { instance_id, filter } => search(&home.service(instance_id), filter),
        AuditOperation::Verify { instance_id, anchor } => {
            let place = home.service(instance_id);
            let known = anchor.as_deref().map(anchor::read).transpose()?.unwrap_or_default();
            let known = known.into_iter().filter(|(sam, _)| *sam == place.name).map(|(_, anchor)| anchor).collect();
            verify(common, &home, &place, known)
        }
        AuditOperation::Export { instance_id, from } => export(&home.service(instance_id), *from),
        AuditOperation::Anchor { instance_id } => print_anchor(&home.service(instance_id)),
    }
}

/// The records that match, as they are kept.
fn search(place: &Place, filter: &Filter) -> Result<(), Failure> {
    let query = filter.query();
    let mut left = filter.limit.unwrap_or(u64::MAX);
    let mut out = Lines::new();
    Log::open(place)?.each(query.after.saturating_add(1), |row| {
        let entry = row.entry().map_err(|_| broken(row.number, "it is no audit record"))?;
        if left == 0 || !query.matches(&entry) {
            return Ok(left > 0);
        }
        left -= 1;
        Ok(out.write(&row.body)? && left > 0)
    })?;
    out.end()
}

/// Each row with its hash, as [`Row::to_line`] writes it: enough to check the chain without the module.
fn export(place: &Place, from: u64) -> Result<(), Failure> {
    let mut out = Lines::new();
    Log::open(place)?.each(from, |row| out.write(&row.to_line()))?;
    out.end()
}

/// A row to be kept elsewhere: of a running instance one that the firmware signs now, of a stopped one the newest.
fn print_anchor(place: &Place) -> Result<(), Failure> {
    let anchor = Log::open(place)?.anchor()?.ok_or_else(|| Failure::text(format!("{} has no record", place.name)))?;
    exit::print(&format!("{}\n", anchor::line(&place.name, &anchor)))
}

fn verify(common: &Common, home: &Home, place: &Place, known: Vec<Anchor>) -> Result<(), Failure> {
    let check = format!("Audit log check of \"{}\"", place.name);
    match walk(common, home, place, known) {
        Ok(Walked { rows, checkpoints, unverified: None }) => {
            exit::print(&format!("{check}: records {rows}, checkpoints {checkpoints} ... ok\n"))
        }
        Ok(Walked { rows, checkpoints, unverified: Some(why) }) => {
            exit::print(&format!("{check}: records {rows} ... ok\n"))?;
            exit::print(&format!("{check}: checkpoints {checkpoints}, signatures not verified: {why} ... warning\n"))
        }
        Err(failure) => {
            exit::print(&format!("{check}: {failure} ... failed\n"))?;
            Err(failure.told())
        }
    }
}

/// What a verification saw.
#[derive(Default)]
struct Walked {
    rows: u64,
    checkpoints: u64,
    /// Why the checkpoints' signatures were not looked at.
    unverified: Option<String>,
}

/// The firmware of a stopped instance is started for this; without it, hashes can be checked all the same.
fn walk(common: &Common, home: &Home, place: &Place, known: Vec<Anchor>) -> Result<Walked, Failure> {
    let mut log = Log::open(place)?;
    if log.is_running() {
        return check(&mut log, home, &place.name, known, None);
    }
    let lent = manage::lend_firmware(common, home);
    let walked = check(&mut log, home, &place.name, known, lent.err().map(|failure| failure.to_string()));
    drop(log);
    manage::last_one_out(common, home, &home.turn()?)?;
    walked
}

fn check(
    log: &mut Log,
    home: &Home,
    sam: &str,
    mut known: Vec<Anchor>,
    down: Option<String>,
) -> Result<Walked, Failure> {
    let firmware = Client::new(&home.firmware().socket);
    let mut walked = Walked { unverified: down, ..Walked::default() };
    match anchor::kept(&firmware, sam) {
        Ok(kept) => known.extend(kept),
        Err(error) => walked.unverified = walked.unverified.or(Some(error.to_string())),
    }
    let mut chain = Chain::new(None);
    let newest = log.each(1, |row| {
        let is_signed = |checkpoint: &[u8], signature: &[u8]| {
            walked.checkpoints += 1;
            if walked.unverified.is_some() {
                return Ok(true);
            }
            // It is asked once whether it is there, and not again for each of thousands of checkpoints.
            firmware.verify_checkpoint(checkpoint, signature).or_else(|error| {
                walked.unverified = Some(error.to_string());
                Ok(true)
            })
        };
        chain.push(&row, is_signed).map_err(Failure::other)?;
        walked.rows += 1;
        fits(&mut known, &row).map(|()| true)
    })?;
    match known.is_empty() {
        _ if walked.rows < newest => Err(broken(walked.rows + 1, "it is missing")),
        false => Err(broken(walked.rows + 1, "it is missing, and is known from elsewhere")),
        true => Ok(walked),
    }
}

/// Takes the anchors of this row away, if they fit.
fn fits(known: &mut Vec<Anchor>, row: &Row) -> Result<(), Failure> {
    if known.iter().any(|anchor| anchor.number == row.number && anchor.hash != row.hash) {
        return Err(broken(row.number, "it is not the row that was known from elsewhere"));
    }
    known.retain(|anchor| anchor.number != row.number);
    Ok(())
}

fn broken(number: u64, what: &'static str) -> Failure {
    Failure::other(Broken { number, what })
}

/// Lines on stdout, which a page at a time passes through.
struct Lines(BufWriter<io::StdoutLock<'static>>);

impl Lines {
    fn new() -> Self {
        Self(BufWriter::new(io::stdout().lock()))
    }

    /// Whether more is wanted: a reader that has gone away ends the command, and is no failure.
    fn write(&mut self, line: &[u8]) -> Result<bool, Failure> {
        wanted(self.0.write_all(line).and_then(|()| self.0.write_all(b"\n")))
    }

    fn end(mut self) -> Result<(), Failure> {
        wanted(self.0.flush()).map(drop)
    }
}

fn wanted(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::doing("writing to stdout")(error)),
    }
}
