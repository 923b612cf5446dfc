//! The tables as they stood at one moment, read without holding up those who write.
//!
//! Rows are read outside of a transaction. What changed meanwhile the audit log tells, for each change has its record; the
//! runs of rows that it touched are read again, which takes less time and so leaves less to be read. What is left in the
//! end is read in one transaction. So writers wait while a few runs are read, however large the tables are; and where it
//! does not get less, while those runs are read that changed during one reading.

use std::collections::BTreeSet;

use super::DataReport;
use crate::Sam;
use crate::audit::PAGE;
use crate::failure::Failure;
use crate::integrity::Sum;
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

    /// What the rows of each table add up to. How many they are, and what is wrong with them, goes into the report.
    pub(super) fn sums(self, sam: &Sam, report: &mut DataReport) -> [Seal; 2] {
        let (users, objects) = (self.users.sum(report), self.objects.sum(report));
        report.users = users.count();
        report.objects = objects.count();
        [users.sealed(&sam.integrity), objects.sealed(&sam.integrity)]
    }

    fn touched(&self, changed: &Changed) -> usize {
        self.users.touched(&changed.users).len() + self.objects.touched(&changed.keys).len()
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
    /// Its place in the table; in the order of the ids.
    type Key: Copy + Ord;
    const TABLE: Table;

    fn key(&self) -> Self::Key;
    fn id(key: Self::Key) -> Self::Id;
    fn page(read: &dyn Read, after: Option<Self::Key>, limit: usize) -> Result<Vec<Self>, StoreError>;
    /// Looks at the row alone.
    fn check(&self, sam: &Sam, read: &dyn Read, faults: &mut Vec<String>) -> Result<(), Failure>;
    fn protected(&self) -> Vec<u8>;
}

/// A whole table, in runs.
struct Runs<R: Row>(Vec<Run<R>>);

/// The rows behind those of the run before.
struct Run<R: Row> {
    /// Where it ends; `None`: with the table.
    last: Option<R::Key>,
    sum: Sum,
    faults: Vec<String>,
}

impl<R: Row> Runs<R> {
    fn read(sam: &Sam, read: &dyn Read) -> Result<Self, Failure> {
        Self::between(sam, read, None, None, PAGE).map(Self)
    }

    /// The rows behind `after`, up to `end`, of which `limit` are read at a time.
    fn between(
        sam: &Sam,
        read: &dyn Read,
        mut after: Option<R::Key>,
        end: Option<R::Key>,
        limit: usize,
    ) -> Result<Vec<Run<R>>, Failure> {
        let mut runs = Vec::new();
        loop {
            let mut rows = R::page(read, after, limit)?;
            let is_last = rows.len() < limit || end.is_some_and(|end| rows.last().is_some_and(|row| row.key() >= end));
            rows.retain(|row| end.is_none_or(|end| row.key() <= end));
            for some in rows.chunks(RUN) {
                let mut run = Run { last: some.last().map(R::key), sum: Sum::of(R::TABLE), faults: Vec::new() };
                for row in some {
                    row.check(sam, read, &mut run.faults)?;
                    run.sum.add(&sam.integrity, &row.protected());
                }
                after = run.last;
                runs.push(run);
            }
            if is_last {
                match runs.last_mut() {
                    Some(run) => run.last = end,
                    None => runs.push(Run { last: end, sum: Sum::of(R::TABLE), faults: Vec::new() }),
                }
                return Ok(runs);
            }
        }
    }

    /// The runs in which these have their place. The objects of a key may stand at the end of one and in the next.
    fn touched(&self, changed: &BTreeSet<R::Id>) -> BTreeSet<usize> {
        let mut touched = BTreeSet::new();
        for id in changed {
            let first = self.0.partition_point(|run| run.last.is_some_and(|last| R::id(last) < *id));
            let more = self.0.iter().skip(first).take_while(|run| run.last.is_some_and(|last| R::id(last) == *id));
            touched.extend(first..=first + more.count());
        }
        touched
    }

    fn refresh(&mut self, sam: &Sam, read: &dyn Read, changed: &BTreeSet<R::Id>) -> Result<(), Failure> {
        // From behind, so that those before stay where they are.
        for at in self.touched(changed).into_iter().rev() {
            let after = at.checked_sub(1).and_then(|before| self.0.get(before)).and_then(|run| run.last);
            let Some(end) = self.0.get(at).map(|run| run.last) else { continue };
            self.0.splice(at..=at, Self::between(sam, read, after, end, 2 * RUN)?);
        }
        Ok(())
    }

    fn sum(self, report: &mut DataReport) -> Sum {
        let mut sum = Sum::of(R::TABLE);
        for run in self.0 {
            sum.join(&run.sum);
            run.faults.into_iter().for_each(|fault| report.fault(fault));
        }
        sum
    }
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

    fn page(read: &dyn Read, after: Option<UserId>, limit: usize) -> Result<Vec<Self>, StoreError> {
        read.users(after.as_ref(), limit)
    }

    fn check(&self, sam: &Sam, read: &dyn Read, faults: &mut Vec<String>) -> Result<(), Failure> {
        if !sam.integrity.user_is_ours(self) {
            faults.push(format!("the row of user {} is not ours", self.id));
            return Ok(());
        }
        for held in holdings(Some(self))? {
            if read.holder(&held)? != Some(self.id) {
                faults.push(format!("a certificate of user {} signs messages for somebody else", self.id));
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

    fn page(read: &dyn Read, after: Option<(KeyId, ObjectKind)>, limit: usize) -> Result<Vec<Self>, StoreError> {
        read.objects(after.as_ref().map(|(key, kind)| (key, *kind)), limit)
    }

    fn check(&self, sam: &Sam, _: &dyn Read, faults: &mut Vec<String>) -> Result<(), Failure> {
        if !sam.integrity.object_is_ours(self) {
            faults.push(format!("the row {:?} of key {} is not ours", self.kind, self.key));
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
const FEW: usize = 64;
/// Rows of a run: a change costs about so many readings, and some twenty bytes are kept of each row.
const RUN: usize = 4;
