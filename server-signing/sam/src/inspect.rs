//! Looking at a database: without working on it, and against what is known of it from elsewhere.

use crate::Sam;
use crate::audit::Anchor;
use crate::check::DataReport;
use crate::config::Config;
use crate::failure::Failure;
use crate::integrity::Integrity;
use crate::lifecycle::AdminError;
use crate::sam::Ports;

impl Sam {
    /// The module on its database, to be looked at alone: unlike [`Sam::start`], nothing is made and nothing recorded.
    ///
    /// # Errors
    /// The firmware does not work.
    pub fn inspect(ports: Ports, config: Config) -> Result<Self, AdminError> {
        let key = ports.firmware.integrity_key().map_err(Failure::from)?;
        Ok(Self { config, ports, integrity: Integrity::new(&key) })
    }

    /// The newest row of the audit log; `None` before the first.
    ///
    /// # Errors
    /// The database does not work.
    pub fn audit_head(&self) -> Result<Option<Anchor>, AdminError> {
        let head = self.ports.store.audit_head().map_err(Failure::from)?;
        Ok(head.map(|row| Anchor { number: row.number, hash: row.hash }))
    }

    /// [`Sam::check_data`] with any number of anchors: the log must have the row of each.
    ///
    /// # Errors
    /// The firmware or the database does not work; damage is no error but a fault in the report.
    pub fn check_data_with(&self, anchors: &[Anchor]) -> Result<DataReport, AdminError> {
        let newest = anchors.iter().max_by_key(|anchor| anchor.number).copied();
        let mut report = self.check_data(newest)?;
        for anchor in anchors {
            // Of a log that is broken, the first fault is told already.
            if report.is_ok() && !self.has(anchor)? {
                let number = anchor.number;
                report.faults.push(format!("audit row {number}: it is not the row that was known from elsewhere"));
            }
        }
        Ok(report)
    }

    /// Whether the audit log has this row, with this hash.
    ///
    /// # Errors
    /// The database does not work.
    pub fn has(&self, anchor: &Anchor) -> Result<bool, AdminError> {
        let rows = self.ports.store.audit(anchor.number, 1).map_err(Failure::from)?;
        Ok(rows.iter().any(|row| row.number == anchor.number && row.hash == anchor.hash))
    }
}
