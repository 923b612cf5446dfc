//! The one transaction that can write.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::mem;
use std::ops::Bound;

use durable::Tree;
use parking_lot::MutexGuard;
use tw4s_sam::audit::Row;
use tw4s_sam::ports::{Later, Read, StoreError, Txn};
use tw4s_sam::record::{KeyId, Object, ObjectKind, Once, Seal, Table, User, UserId};

use crate::blocks;
use crate::committer::Committer;
use crate::consumed::{self, Marks, RowName};
use crate::error::failed;
use crate::read::{self, Rows, impl_read};
use crate::schema::{
    BLOCKS, CONSUMED, EXPIRIES, HASHES, HEAD_KEY, HOLDERS, INTENTS, OBJECTS, SEALS, STORE, USERS, damaged, object_key,
};

pub(crate) struct SamTxn<'a> {
    txn: durable::Txn<'a>,
    committer: &'a Committer,
    /// The newest audit row of those that are committed, for the next transaction; `None` as long as none has asked. Its
    /// lock is the writer's place.
    head: MutexGuard<'a, Option<Row>>,
    /// The newest that this one appended.
    appended: Option<Row>,
    /// Rows of marks, as this transaction has them; written by [`Self::write_marks`].
    marks: BTreeMap<RowName, Marks>,
    /// There may be hashes of an older format.
    has_older_hashes: bool,
    /// The first write that failed: a transaction that misses one must not be committed.
    failed: Option<StoreError>,
}

impl<'a> SamTxn<'a> {
    pub(crate) fn new(
        txn: durable::Txn<'a>,
        committer: &'a Committer,
        head: MutexGuard<'a, Option<Row>>,
        has_older_hashes: bool,
    ) -> Self {
        Self { txn, committer, head, appended: None, marks: BTreeMap::new(), has_older_hashes, failed: None }
    }

    fn newest(&self) -> Result<Option<Row>, StoreError> {
        match self.appended.as_ref().or(self.head.as_ref()) {
            Some(row) => Ok(Some(row.clone())),
            None => read::audit_head(&self.txn),
        }
    }

    fn has(&self, what: &Once) -> Result<bool, StoreError> {
        let (row, mark) = consumed::place(what);
        match self.marks.get(&row) {
            Some(marks) => Ok(marks.has(&mark) || self.had(what)?),
            None => read::is_consumed(&self.txn, what, self.has_older_hashes),
        }
    }

    /// Whether it was consumed in an older format. Those rows are only ever purged, and a purge writes its marks at once.
    fn had(&self, what: &Once) -> Result<bool, StoreError> {
        Ok(self.has_older_hashes && read::was_consumed(&self.txn, what)?)
    }

    /// Makes a write, and remembers if it fails.
    fn write<T>(&mut self, write: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let result = write(self);
        if let Err(error) = &result {
            self.failed.get_or_insert_with(|| error.clone());
        }
        result
    }

    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.write(|this| this.txn.put(tree, key, value).map_err(failed))
    }

    /// Of a key that is not there, as this transaction or its caller has seen.
    fn put_new(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.write(|this| this.txn.put_new(tree, key, value).map_err(failed))
    }

    fn remove(&mut self, tree: Tree, key: &[u8]) -> Result<(), StoreError> {
        self.write(|this| this.txn.remove(tree, key).map_err(failed))
    }

    /// The marks of a row, to be changed.
    fn marks(&mut self, row: RowName) -> Result<&mut Marks, StoreError> {
        match self.marks.entry(row) {
            Entry::Occupied(marks) => Ok(marks.into_mut()),
            Entry::Vacant(none) => {
                let marks = read::marks(&self.txn, none.key())?;
                Ok(none.insert(marks))
            }
        }
    }

    fn write_marks(&mut self) -> Result<(), StoreError> {
        for (RowName { tree, key }, marks) in mem::take(&mut self.marks) {
            let Some(changes) = marks.changes() else { continue };
            match changes.row {
                Some(row) if changes.is_new => self.put_new(tree, &key, &row)?,
                Some(row) => self.put(tree, &key, &row)?,
                None => self.remove(tree, &key)?,
            }
            // Its keys are in that order themselves.
            if tree == HASHES {
                continue;
            }
            for expires_ms in changes.added {
                self.put_new(EXPIRIES, &consumed::expiry_key(expires_ms, &key), &[])?;
            }
            for expires_ms in changes.removed {
                self.remove(EXPIRIES, &consumed::expiry_key(expires_ms, &key))?;
            }
        }
        Ok(())
    }

    fn purge(&mut self, before_ms: u64, limit: usize) -> Result<usize, StoreError> {
        // The trees must have the marks of this transaction too.
        self.write_marks()?;
        let forgotten = self.purge_in(EXPIRIES, before_ms, limit)?;
        Ok(forgotten + self.purge_in(HASHES, before_ms, limit.saturating_sub(forgotten))?)
    }

    /// What a tree names whose keys begin with the moment of expiry.
    fn purge_in(&mut self, tree: Tree, before_ms: u64, limit: usize) -> Result<usize, StoreError> {
        let mut forgotten = 0;
        let mut after: Option<Vec<u8>> = None;
        while forgotten < limit {
            let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let Some((entry, _)) = Rows::next(&self.txn, tree, from)? else { break };
            let (expires_ms, rest) =
                consumed::expiry_parts(&entry).ok_or_else(|| damaged(tree, &entry, "it is no expiry"))?;
            if expires_ms >= before_ms {
                break;
            }
            let row = match tree {
                HASHES => RowName { tree, key: entry.clone() },
                _ => RowName { tree: CONSUMED, key: rest.to_vec() },
            };
            let count = self.marks(row)?.forget(expires_ms, limit - forgotten);
            if count == 0 {
                return Err(damaged(tree, &entry, "nothing expires then"));
            }
            forgotten += count;
            self.write_marks()?;
            after = Some(entry);
        }
        Ok(forgotten)
    }

    fn append(&mut self, row: &Row) -> Result<(), StoreError> {
        let head = match self.appended.as_ref().or(self.head.as_ref()) {
            Some(row) => row.number,
            None => self.look_for_head()?,
        };
        if row.number.checked_sub(1) != Some(head) {
            return Err(StoreError::Failed(format!("the audit row {} cannot follow {head}", row.number)));
        }
        let key = blocks::key(row.number);
        // Behind the head there is none: see `look_for_head`.
        let mut block = match blocks::begins(row.number) {
            true => Vec::new(),
            false => Rows::get(&self.txn, BLOCKS, &key)?.unwrap_or_default(),
        };
        let is_new = block.is_empty();
        blocks::push(&mut block, row);
        if is_new {
            self.put_new(BLOCKS, &key, &block)?
        } else {
            self.put(BLOCKS, &key, &block)?
        };
        self.put(STORE, HEAD_KEY, &row.number.to_be_bytes())?;
        self.appended = Some(row.clone());
        Ok(())
    }

    /// The newest row's number, behind which there is none: of those that follow it is known.
    fn look_for_head(&self) -> Result<u64, StoreError> {
        let head = read::head_number(&self.txn)?;
        read::nothing_behind(&self.txn, head)?;
        Ok(head)
    }
}

impl_read!(SamTxn<'_>, txn);

impl Txn for SamTxn<'_> {
    fn put_user(&mut self, user: &User) -> Result<(), StoreError> {
        self.put(USERS, user.id.as_bytes(), &user.encode())
    }

    fn put_holder(&mut self, certificate: &[u8; 32], user: Option<&UserId>) -> Result<(), StoreError> {
        match user {
            Some(user) => self.put(HOLDERS, certificate, user.as_bytes()),
            None => self.remove(HOLDERS, certificate),
        }
    }

    fn put_object(&mut self, object: &Object) -> Result<(), StoreError> {
        self.put(OBJECTS, &object_key(&object.key, object.kind), &object.encode())
    }

    fn remove_object(&mut self, key: &KeyId, kind: ObjectKind) -> Result<(), StoreError> {
        self.remove(OBJECTS, &object_key(key, kind))
    }

    fn put_seal(&mut self, table: Table, seal: &Seal) -> Result<(), StoreError> {
        self.put(SEALS, &[table as u8], &seal.encode())
    }

    fn consume(&mut self, what: &Once) -> Result<bool, StoreError> {
        let (row, mark) = consumed::place(what);
        self.write(|this| Ok(!this.had(what)? && this.marks(row)?.add(mark, what.expires_ms())))
    }

    fn purge_consumed(&mut self, before_ms: u64, limit: usize) -> Result<usize, StoreError> {
        self.write(|this| this.purge(before_ms, limit))
    }

    fn append_audit(&mut self, row: &Row) -> Result<(), StoreError> {
        self.write(|this| this.append(row))
    }

    fn open_intent(&mut self, number: u64) -> Result<(), StoreError> {
        // Looked for: one that is new, and is closed soon, is never brought into the engine.
        self.put(INTENTS, &number.to_be_bytes(), &[])
    }

    fn close_intent(&mut self, number: u64) -> Result<(), StoreError> {
        self.remove(INTENTS, &number.to_be_bytes())
    }

    fn commit_later(mut self: Box<Self>) -> Result<Later<'static, Result<(), StoreError>>, StoreError> {
        self.write_marks()?;
        match self.failed {
            Some(first) => Err(first),
            None => {
                let pending = self.txn.commit_later().map_err(failed)?;
                // Not before: of a commit that failed nothing is there.
                if let Some(row) = self.appended {
                    *self.head = Some(row);
                }
                Ok(self.committer.wait_for(pending))
            }
        }
    }
}
