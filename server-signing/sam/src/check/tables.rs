//! The tables as they stood at one moment, read without holding up those who write.
//!
//! Rows are read outside of a transaction, in runs. What changed meanwhile the audit log tells, for each change has its
//! record; the runs that it touched are read again, which takes less time and so leaves less to be read. What is left in
//! the end is read in one transaction. So writers wait while a few runs are read, however large the tables are; and where
//! it does not get less, while those runs are read that changed during one reading.

use std::collections::BTreeSet;
use std::mem;
use std::ops::Bound;

use super::DataReport;
use crate::Sam;
use crate::audit::PAGE;
use crate::failure::Failure;
use crate::ports::{Read, StoreError};
use crate::record::{KeyId, Object, ObjectKind, Seal, Table, User, UserId};
use crate::work::{Work, holdings};

/// Both tables.
pub(super) struct Tables {
    users: Runs<User>,
    objects: Runs<Object>,
}

impl Tables {
    /// Reads them. What is given back besides is the transaction in which they are as they were read.
    pub(super) fn read(sam: &Sam) -> Result<(Self, Work<'_>), Failure> {
        let store = &*sam.ports.store;
        let mut seen = durable_head(sam)?;
        let mut tables = Self { users: Runs::read(sam, store)?, objects: Runs::read(sam, store)? };
        let mut changed = Changed::default();
        for _ in 0..READINGS {
            tables.refresh(sam, store, &changed)?;
            let head = durable_head(sam)?;
            changed = Changed::default();
            changed.add(store, seen, head)?;
            seen = head;
            if tables.touched(&changed) <= FEW {
                break;
            }
        }
        let work = Work::begin(sam)?;
        changed.add(work.read(), seen, head(work.read())?)?;
        tables.refresh(sam, work.read(), &changed)?;
        Ok((tables, work))
    }

    /// What the rows of each table add up to; `None` for a sum that no table has. Faults go into the report.
    pub(super) fn sums(self, sam: &Sam, report: &mut DataReport) -> [Option<Seal>; 2] {
        [self.users.sum(sam, report), self.objects.sum(sam, report)]
    }

    fn touched(&self, changed: &Changed) -> usize {
        self.users.touched(&changed.users) + self.objects.touched(&changed.keys)
    }

    fn refresh(&mut self, sam: &Sam, read: &dyn Read, changed: &Changed) -> Result<(), Failure> {
        self.users.refresh(sam, read, &changed.users)?;
        self.objects.refresh(sam, read, &changed.keys)
    }
}

/// The newest row of the log, and that all up to it is seen outside of transactions too.
fn durable_head(sam: &Sam) -> Result<u64, Failure> {
    let work = Work::begin(sam)?;
    let number = head(work.read())?;
    work.commit()?;
    Ok(number)
}

fn head(read: &dyn Read) -> Result<u64, StoreError> {
    Ok(read.audit_head()?.map_or(0, |row| row.number))
}

/// Whose rows may have changed, by the audit log.
#[derive(Default)]
struct Changed {
    users: BTreeSet<UserId>,
    keys: BTreeSet<KeyId>,
}

impl Changed {
    /// By the rows behind `from`, up to `to`. What is no record is left to the check of the log.
    fn add(&mut self, read: &dyn Read, mut from: u64, to: u64) -> Result<(), StoreError> {
        while from < to {
            let rows = read.audit(from.saturating_add(1), PAGE)?;
            let Some(last) = rows.last() else { break };
            from = last.number;
            for entry in rows.iter().filter_map(|row| row.entry().ok()).filter(|entry| entry.roots.is_some()) {
                self.users.extend(entry.user.and_then(|id| id.parse::<UserId>().ok()));
                self.keys.extend(entry.key.and_then(|id| id.parse::<KeyId>().ok()));
            }
        }
        Ok(())
    }
}

/// A table's row.
trait Row: Sized {
    /// What the audit log names it by.
    type Id: Copy + Ord;
    /// Its place in the table.
    type Key: Copy + Ord;
    const TABLE: Table;

    fn key(&self) -> Self::Key;
    fn id(key: Self::Key) -> Self::Id;
    fn page(read: &dyn Read, after: Option<Self::Key>) -> Result<Vec<Self>, StoreError>;
    /// Looks at the row alone.
    fn check(&self, sam: &Sam, read: &dyn Read, report: &mut DataReport) -> Result<(), Failure>;
    fn protected(&self) -> Vec<u8>;
}

/// A whole table, in runs.
struct Runs<R: Row>(Vec<Run<R>>);

/// The rows behind those of the run before, that were read at once.
struct Run<R: Row> {
    /// Where it ends; `None`: with the table.
    last: Option<R::Key>,
    sum: Seal,
    found: DataReport,
}

impl<R: Row> Runs<R> {
    fn read(sam: &Sam, read: &dyn Read) -> Result<Self, Failure> {
        Self::between(sam, read, None, None).map(Self)
    }

    /// The rows behind `after`, up to `end`.
    fn between(
        sam: &Sam,
        read: &dyn Read,
        mut after: Option<R::Key>,
        end: Option<R::Key>,
    ) -> Result<Vec<Run<R>>, Failure> {
        let mut runs = Vec::new();
        loop {
            let mut rows = R::page(read, after)?;
            rows.retain(|row| end.is_none_or(|end| row.key() <= end));
            let reached = rows.last().map(R::key);
            let last = if rows.len() < PAGE || reached == end { end } else { reached };
            let mut run = Run { last, sum: sam.integrity.empty(R::TABLE), found: DataReport::default() };
            for row in &rows {
                row.check(sam, read, &mut run.found)?;
                let sum = sam.integrity.moved(R::TABLE, &run.sum, None, Some(&row.protected()));
                run.sum = sum.ok_or_else(|| Failure::damaged("too many rows"))?;
            }
            runs.push(run);
            if last == end {
                return Ok(runs);
            }
            after = last;
        }
    }

    /// How many runs have to be read again.
    fn touched(&self, changed: &BTreeSet<R::Id>) -> usize {
        let before = std::iter::once(None).chain(self.0.iter().map(|run| run.last));
        before.zip(&self.0).filter(|(after, run)| holds::<R>(*after, run.last, changed)).count()
    }

    fn refresh(&mut self, sam: &Sam, read: &dyn Read, changed: &BTreeSet<R::Id>) -> Result<(), Failure> {
        let mut after = None;
        for run in mem::take(&mut self.0) {
            let last = run.last;
            match holds::<R>(after, last, changed) {
                true => self.0.extend(Self::between(sam, read, after, last)?),
                false => self.0.push(run),
            }
            after = last;
        }
        Ok(())
    }

    fn sum(self, sam: &Sam, report: &mut DataReport) -> Option<Seal> {
        let sum = sam.integrity.together(R::TABLE, self.0.iter().map(|run| &run.sum));
        self.0.into_iter().for_each(|run| report.add(run.found));
        sum
    }
}

/// Whether a run has the place of any of these. The objects of a key may stand at the end of one run and in the next.
fn holds<R: Row>(after: Option<R::Key>, last: Option<R::Key>, changed: &BTreeSet<R::Id>) -> bool {
    let bound = |key: Option<R::Key>| key.map_or(Bound::Unbounded, |key| Bound::Included(R::id(key)));
    changed.range((bound(after), bound(last))).next().is_some()
}

impl Row for User {
    type Id = UserId;
    type Key = UserId;
    const TABLE: Table = Table::Users;

    fn key(&self) -> UserId {
        self.id
    }

    fn id(key: UserId) -> UserId {
        key
    }

    fn page(read: &dyn Read, after: Option<UserId>) -> Result<Vec<Self>, StoreError> {
        read.users(after.as_ref(), PAGE)
    }

    fn check(&self, sam: &Sam, read: &dyn Read, report: &mut DataReport) -> Result<(), Failure> {
        report.users += 1;
        if !sam.integrity.user_is_ours(self) {
            report.fault(format!("the row of user {} is not ours", self.id));
            return Ok(());
        }
        for held in holdings(Some(self))? {
            if read.holder(&held)? != Some(self.id) {
                report.fault(format!("a certificate of user {} signs messages for somebody else", self.id));
            }
        }
        Ok(())
    }

    fn protected(&self) -> Vec<u8> {
        User::protected(self)
    }
}

impl Row for Object {
    type Id = KeyId;
    type Key = (KeyId, ObjectKind);
    const TABLE: Table = Table::Objects;

    fn key(&self) -> (KeyId, ObjectKind) {
        (self.key, self.kind)
    }

    fn id(key: (KeyId, ObjectKind)) -> KeyId {
        key.0
    }

    fn page(read: &dyn Read, after: Option<(KeyId, ObjectKind)>) -> Result<Vec<Self>, StoreError> {
        read.objects(after.as_ref().map(|(key, kind)| (key, *kind)), PAGE)
    }

    fn check(&self, sam: &Sam, _: &dyn Read, report: &mut DataReport) -> Result<(), Failure> {
        report.objects += 1;
        if !sam.integrity.object_is_ours(self) {
            report.fault(format!("the row {:?} of key {} is not ours", self.kind, self.key));
        }
        Ok(())
    }

    fn protected(&self) -> Vec<u8> {
        Object::protected(self)
    }
}

/// How often what changed is read again without holding up anybody.
const READINGS: u32 = 8;
/// Runs that may be read while writers wait.
const FEW: usize = 4;
