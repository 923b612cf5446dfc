//! Start, regular care, stop.

use tw4s_formats::{Role, limit::MAX_CERTIFICATES};

use crate::Sam;
use crate::audit::{Anchor, Entry, Outcome, REACH, timestamp};
use crate::config::Config;
use crate::failure::Failure;
use crate::integrity::Integrity;
use crate::operation::{check_certificates, fingerprints};
use crate::record::{Table, User, UserId};
use crate::refusal::Refusal;
use crate::sam::Ports;
use crate::work::{Work, holdings};

/// Why something that administrators asked for was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", refusal.cause(), detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default())]
pub struct AdminError {
    /// By the same rules as the operations.
    pub refusal: Refusal,
    /// For the operator.
    pub detail: Option<String>,
}

/// A row of the audit log that administrators had the firmware forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// The row: this database may lack it.
    pub anchor: Anchor,
    /// When, seconds since 1970.
    pub seconds: u64,
    /// By whom.
    pub administrators: Vec<String>,
}

impl From<Failure> for AdminError {
    fn from(Failure { refusal, detail }: Failure) -> Self {
        Self { refusal, detail }
    }
}

impl Sam {
    /// Opens the module on its database. A new database gets its roots; of an old one they must be this firmware's.
    /// Signings that ended between reservation and result are recorded as `unknown outcome`; their hashes stay consumed.
    ///
    /// # Errors
    /// The firmware or the database does not work, or they do not belong together.
    pub fn start(ports: Ports, config: Config) -> Result<Self, AdminError> {
        let key = ports.firmware.integrity_key().map_err(Failure::from)?;
        let sam = Self { config, ports, integrity: Integrity::new(&key) };
        sam.begin()?;
        Ok(sam)
    }

    fn begin(&self) -> Result<(), Failure> {
        let mut work = Work::begin(self)?;
        let read = work.read();
        let is_new = read.audit_head()?.is_none()
            && read.users(None, 1)?.is_empty()
            && read.objects(None, 1)?.is_empty()
            && read.seal(Table::Users)?.is_none()
            && read.seal(Table::Objects)?.is_none();
        if is_new {
            work.put_empty_seals()?;
        }
        for table in Table::ALL {
            work.seal(table)?;
        }
        for intent in work.read().open_intents()? {
            work.append(unknown_outcome(&work, intent)?)?;
            work.close_intent(intent)?;
        }
        work.append(Entry::new(Entry::START))?;
        work.commit()
    }

    /// What is to be done from time to time, see [`Care`](crate::Care): forgets consumed hashes that no token can bring back, and
    /// has the firmware sign the audit log if it has grown by [`Config::checkpoint_every`] rows.
    ///
    /// # Errors
    /// The firmware or the database does not work.
    pub fn tidy(&self) -> Result<(), AdminError> {
        let kept = self.config.keep_consumed_ms.saturating_add(self.config.skew_ms);
        let before = self.ports.clock.now_ms().saturating_sub(kept);
        loop {
            let mut work = Work::begin(self)?;
            let purged = work.purge(before, PURGE)?;
            work.commit()?;
            if purged < PURGE {
                break;
            }
        }
        let head = self.head()?.map_or(0, |head| head.number);
        if head.saturating_sub(self.last_checkpoint()?) >= self.config.checkpoint_every {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Has the firmware sign the audit log as it stands; gives the row that the checkpoint covers, to be kept elsewhere.
    ///
    /// # Errors
    /// The firmware or the database does not work.
    pub fn checkpoint(&self) -> Result<Anchor, AdminError> {
        Ok(self.sign_log()?)
    }

    fn sign_log(&self) -> Result<Anchor, Failure> {
        loop {
            let covered = self.head()?.ok_or_else(|| Failure::damaged("the audit log has no row"))?;
            let signature = self.ports.firmware.sign_checkpoint(&covered.signed_bytes(&self.config.sam_id))?;
            let mut work = Work::begin(self)?;
            let head = work.read().audit_head()?.map_or(0, |head| head.number);
            // So much may have been appended meanwhile that nobody would look for the row any more.
            if usize::try_from(head.saturating_sub(covered.number)).is_ok_and(|between| between < REACH) {
                let mut entry = Entry::new(Entry::CHECKPOINT);
                entry.covers = Some(covered.number);
                entry.hash = Some(hex::encode(covered.hash));
                entry.signature = Some(hex::encode(signature));
                work.append(entry)?;
                work.commit()?;
                return Ok(covered);
            }
        }
    }

    fn head(&self) -> Result<Option<Anchor>, Failure> {
        let head = self.ports.store.audit_head()?;
        Ok(head.map(|row| Anchor { number: row.number, hash: row.hash }))
    }

    /// The number of the last checkpoint's row, looked for backwards as far as one is due.
    fn last_checkpoint(&self) -> Result<u64, Failure> {
        let head = self.head()?.map_or(0, |head| head.number);
        let from = head.saturating_sub(self.config.checkpoint_every).saturating_add(1);
        let mut at = from;
        let mut last = 0;
        while at <= head {
            let rows = self.ports.store.audit(at, crate::audit::PAGE)?;
            let Some(end) = rows.last() else { break };
            at = end.number.saturating_add(1);
            let checkpoint = |row: &&crate::audit::Row| row.entry().is_ok_and(|it| it.action == Entry::CHECKPOINT);
            last = rows.iter().rfind(checkpoint).map_or(last, |row| row.number);
        }
        Ok(last)
    }

    /// Records what administrators had the firmware forget of this log, and has the firmware sign the log with it.
    /// Nothing to be recorded is no error.
    ///
    /// # Errors
    /// The firmware or the database does not work. It may be recorded then; it is told twice rather than not at all.
    pub fn record_forgotten(&self, forgotten: &[Forgotten]) -> Result<(), AdminError> {
        if forgotten.is_empty() {
            return Ok(());
        }
        let mut work = Work::begin(self)?;
        for Forgotten { anchor, seconds, administrators } in forgotten {
            let mut entry = Entry::new(Entry::FORGET_ANCHOR);
            entry.administrators.clone_from(administrators);
            entry.done = Some(timestamp(seconds.saturating_mul(1000)));
            entry.covers = Some(anchor.number);
            entry.hash = Some(hex::encode(anchor.hash));
            work.append(entry)?;
        }
        work.commit()?;
        self.sign_log()?;
        Ok(())
    }

    /// Ends the module's work: the last checkpoint, and a record of the stop.
    ///
    /// # Errors
    /// The firmware or the database does not work.
    pub fn stop(self) -> Result<Anchor, AdminError> {
        let mut work = Work::begin(&self)?;
        work.append(Entry::new(Entry::STOP))?;
        work.commit()?;
        self.checkpoint()
    }

    /// Registers a user by order of administrators: the first privileged user, and every technical one, whom no operation
    /// makes. The caller has authenticated the administrators.
    ///
    /// # Errors
    /// `InvalidInput`'s rules, and that the database does not work. Nothing is recorded of a refusal.
    pub fn enrol(
        &self,
        role: Role,
        user: UserId,
        certificates: &[Vec<u8>],
        administrators: &[String],
    ) -> Result<(), AdminError> {
        Ok(self.register(role, user, certificates, administrators)?)
    }

    fn register(
        &self,
        role: Role,
        id: UserId,
        certificates: &[Vec<u8>],
        administrators: &[String],
    ) -> Result<(), Failure> {
        let certificates = check_certificates(certificates)?;
        if certificates.len() > MAX_CERTIFICATES {
            return Err(Refusal::BadCertificate.into());
        }
        let mut entry = Entry::new(Entry::ENROL);
        entry.administrators = administrators.to_vec();
        entry.user = Some(id.to_string());
        entry.role = Some(role.name().into());
        entry.certificates = fingerprints(&certificates);
        let mut work = Work::begin(self)?;
        if work.user(&id)?.is_some() {
            return Err(Refusal::UserTaken.into());
        }
        let user = User { id, role, certificates, version: 0, mac: [0; 32] };
        for held in holdings(Some(&user))? {
            if work.read().holder(&held)?.is_some() {
                return Err(Refusal::TakenCertificate.into());
            }
        }
        work.put_user(None, user)?;
        work.append(entry)?;
        work.commit()
    }
}

fn unknown_outcome(work: &Work<'_>, intent: u64) -> Result<Entry, Failure> {
    let rows = work.read().audit(intent, 1)?;
    let row = rows.first().filter(|row| row.number == intent);
    let entry = row.and_then(|row| row.entry().ok()).filter(|entry| entry.outcome == Outcome::Intent);
    let mut entry = entry.ok_or_else(|| Failure::damaged(format!("the intent {intent} has no audit record")))?;
    entry.outcome = Outcome::Unknown;
    entry.intent = Some(intent);
    entry.cause = Some("the module ended before the result was recorded; the hashes stay consumed".into());
    Ok(entry)
}

/// Rows forgotten in one transaction, so that requests get their turn.
const PURGE: usize = 1000;
