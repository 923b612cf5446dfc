//! "Check Data Integrity": users, keys and the audit log (1.8 `integrity data`; 1.12, last paragraph).

mod reservations;
mod tables;

use std::collections::BTreeSet;

use reservations::Reservations;
use tables::Tables;

use crate::Sam;
use crate::audit::{Anchor, Broken, Chain, PAGE, Query, Row};
use crate::failure::Failure;
use crate::integrity::roots;
use crate::lifecycle::AdminError;
use crate::record::{ObjectKind, Seal, State, Table};
use crate::work::Work;

/// What a check of the data found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataReport {
    /// Users looked at.
    pub users: u64,
    /// Objects looked at.
    pub objects: u64,
    /// Audit records looked at.
    pub records: u64,
    /// What is wrong, the first hundred of it. Empty: the data are as the module wrote them.
    pub faults: Vec<String>,
}

impl DataReport {
    /// Whether all is well.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, what: impl Into<String>) {
        if self.faults.len() < 100 {
            self.faults.push(what.into());
        }
    }
}

/// What the database had at one moment.
struct Moment {
    /// The newest audit row's number.
    head: Option<u64>,
    /// The tables' roots, if they are sound.
    roots: Option<String>,
    /// The intents without a result.
    open: BTreeSet<u64>,
}

impl Sam {
    /// Checks all data: each row's MAC, each table's root, each wrapped key's signature, the audit log's chain and
    /// checkpoints, that the log's last change left the roots as they are, and that each reservation in the log has one
    /// result and its hashes consumed. With an anchor, a checkpoint kept elsewhere, it also sees a database that was put
    /// back as a whole. Signings go on meanwhile: writers wait while a few rows are read, those around what changed
    /// just before.
    ///
    /// # Errors
    /// The firmware or the database does not work; damage is no error but a fault in the report.
    pub fn check_data(&self, anchor: Option<Anchor>) -> Result<DataReport, AdminError> {
        let mut report = DataReport::default();
        let Moment { head, roots, open } = self.check_tables(&mut report)?;
        self.check_wrapped_keys(&mut report)?;
        let mut chain = Chain::new(anchor);
        let mut reservations = Reservations::new(self);
        let checked = self.check_log(&mut chain, &mut reservations, head, &mut report)?;
        match checked.and_then(|()| chain.end()) {
            Err(broken) => report.fault(broken.to_string()),
            Ok(()) if chain.head().map(|at| at.number) != head => report.fault("the audit log lacks its newest rows"),
            Ok(()) => {
                reservations.end(&open, &mut report);
                if roots.is_some() && chain.roots().map(str::to_owned) != roots {
                    report.fault("the tables are not as the audit log's last change left them");
                }
            }
        }
        Ok(report)
    }

    /// The tables, and what the database had besides when they were so.
    fn check_tables(&self, report: &mut DataReport) -> Result<Moment, Failure> {
        let (tables, work) = Tables::read(self)?;
        let [users, objects] = tables.sums(self, report);
        let users = self.check_seal(&work, Table::Users, users, report);
        let objects = self.check_seal(&work, Table::Objects, objects, report);
        let head = work.read().audit_head()?.map(|row| row.number);
        let open = work.read().open_intents()?.into_iter().collect();
        let roots = users.zip(objects).map(|(users, objects)| hex::encode(roots(&users, &objects)));
        work.commit()?;
        Ok(Moment { head, roots, open })
    }

    /// Outside of the transaction: a signing that was admitted holds its place in the firmware while it waits for the
    /// writer, so whoever is the writer must not wait for the firmware.
    fn check_wrapped_keys(&self, report: &mut DataReport) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let after_ref = after.as_ref().map(|(key, kind)| (key, *kind));
            let objects = self.ports.store.objects(after_ref, PAGE)?;
            let Some(last) = objects.last() else { return Ok(()) };
            after = Some((last.key, last.kind));
            for key in objects.iter().filter(|it| it.kind == ObjectKind::Key && it.state == State::Active) {
                if !self.ports.firmware.verify_wrapped_key(&key.value)? {
                    report.fault(format!("the wrapped key {} is not ours", key.key));
                }
            }
        }
    }

    fn check_seal(&self, work: &Work<'_>, table: Table, sum: Seal, report: &mut DataReport) -> Option<Seal> {
        match work.seal(table) {
            Err(failure) => report.fault(failure.line()),
            Ok(seal) if seal != sum => report.fault(format!("rows of {table:?} are missing, added or put back")),
            Ok(seal) => return Some(seal),
        }
        None
    }

    fn check_log(
        &self,
        chain: &mut Chain,
        reservations: &mut Reservations,
        head: Option<u64>,
        report: &mut DataReport,
    ) -> Result<Result<(), Broken>, Failure> {
        let head = head.unwrap_or(0);
        let mut down = None;
        let mut at = 1;
        while at <= head {
            let rows = self.ports.store.audit(at, PAGE)?;
            let Some(last) = rows.last() else { break };
            at = last.number.saturating_add(1);
            for row in rows.iter().filter(|row| row.number <= head) {
                report.records += 1;
                let checked = chain.push(row, |checkpoint, signature| {
                    let verified = self.ports.firmware.verify_checkpoint(checkpoint, signature);
                    verified.map_err(|e| {
                        down = Some(e);
                        "the firmware half is not operational"
                    })
                });
                if let Some(e) = down {
                    return Err(e.into());
                }
                match checked {
                    Ok(entry) => reservations.take(self, &entry, report)?,
                    Err(broken) => return Ok(Err(broken)),
                }
            }
        }
        Ok(Ok(()))
    }

    /// Searches the audit log; oldest first, up to `limit` entries.
    ///
    /// # Errors
    /// The database does not work, or is damaged.
    pub fn search_audit(&self, query: &Query, limit: usize) -> Result<Vec<crate::audit::Entry>, AdminError> {
        Ok(query.run(&*self.ports.store, limit).map_err(Failure::from)?)
    }

    /// The audit log's rows from a number on, up to `limit`; [`Row::to_line`] makes the exported line.
    ///
    /// # Errors
    /// The database does not work.
    pub fn audit_rows(&self, from: u64, limit: usize) -> Result<Vec<Row>, AdminError> {
        Ok(self.ports.store.audit(from, limit).map_err(Failure::from)?)
    }
}
