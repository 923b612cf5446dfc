//! One transaction, its rows checked and sealed; and the same checks for reads outside of one.

use tw4s_formats::Role;

use crate::Sam;
use crate::audit::{Entry, Row};
use crate::certificate::Certificate;
use crate::failure::Failure;
use crate::integrity::{Integrity, roots};
use crate::ports::{Later, Read, StoreError, Txn};
use crate::record::{KeyId, Object, ObjectKind, Once, Seal, Table, User, UserId};

/// Proof that the audit record of a success is durable, once it is out of the [`Committed`] that [`Work::conclude`] gives.
/// It carries the answer.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) result: Vec<u8>,
}

/// What is true when a transaction that was committed is durable.
pub(crate) struct Committed<T> {
    durable: Later<'static, Result<(), StoreError>>,
    value: T,
}

impl<T> Committed<T> {
    /// Waits until it is.
    pub(crate) async fn durable(self) -> Result<T, Failure> {
        self.durable.await?;
        Ok(self.value)
    }
}

/// A transaction.
pub(crate) struct Work<'s> {
    sam: &'s Sam,
    txn: Box<dyn Txn + 's>,
    changed: bool,
}

impl<'s> Work<'s> {
    /// Waits for the one before it. All costly work comes before.
    pub(crate) fn begin(sam: &'s Sam) -> Result<Self, Failure> {
        Ok(Self { sam, txn: sam.ports.store.begin()?, changed: false })
    }

    pub(crate) fn read(&self) -> &dyn Read {
        &*self.txn
    }

    pub(crate) fn user(&self, id: &UserId) -> Result<Option<User>, Failure> {
        user(self.read(), &self.sam.integrity, id)
    }

    pub(crate) fn object(&self, key: &KeyId, kind: ObjectKind) -> Result<Option<Object>, Failure> {
        object(self.read(), &self.sam.integrity, key, kind)
    }

    /// Whether a user is still what was read before the transaction.
    pub(crate) fn is_unchanged(&self, user: &User) -> Result<bool, Failure> {
        // Its MAC was checked when it was read.
        let is_same = self.txn.user(&user.id)?.is_some_and(|now| now == *user);
        Ok(is_same || self.user(&user.id)?.is_some_and(|now| now.version == user.version))
    }

    /// Writes a user, new or changed, and whom its certificates sign messages for.
    pub(crate) fn put_user(&mut self, old: Option<&User>, mut new: User) -> Result<(), Failure> {
        new.version = old.map_or(0, |old| old.version).checked_add(1).ok_or_else(|| Failure::damaged("a version"))?;
        self.sam.integrity.seal_user(&mut new);
        self.move_root(Table::Users, old.map(User::protected), Some(new.protected()))?;
        for (certificate, user) in holdings(old)?.into_iter().map(|id| (id, None)).chain(
            // The new ones last: one that stays is taken away and given again.
            holdings(Some(&new))?.into_iter().map(|id| (id, Some(new.id))),
        ) {
            self.txn.put_holder(&certificate, user.as_ref())?;
        }
        Ok(self.txn.put_user(&new)?)
    }

    /// Writes an object, new or changed.
    pub(crate) fn put_object(&mut self, old: Option<&Object>, mut new: Object) -> Result<(), Failure> {
        self.sam.integrity.seal_object(&mut new);
        self.move_root(Table::Objects, old.map(Object::protected), Some(new.protected()))?;
        Ok(self.txn.put_object(&new)?)
    }

    /// Removes an object.
    pub(crate) fn remove_object(&mut self, old: &Object) -> Result<(), Failure> {
        self.move_root(Table::Objects, Some(old.protected()), None)?;
        Ok(self.txn.remove_object(&old.key, old.kind)?)
    }

    /// Consumes; false if it was consumed before.
    pub(crate) fn consume(&mut self, what: &Once) -> Result<bool, Failure> {
        Ok(self.txn.consume(what)?)
    }

    pub(crate) fn purge(&mut self, before_ms: u64, limit: usize) -> Result<usize, Failure> {
        Ok(self.txn.purge_consumed(before_ms, limit)?)
    }

    pub(crate) fn open_intent(&mut self, number: u64) -> Result<(), Failure> {
        Ok(self.txn.open_intent(number)?)
    }

    pub(crate) fn close_intent(&mut self, number: u64) -> Result<(), Failure> {
        Ok(self.txn.close_intent(number)?)
    }

    /// Appends to the audit log; the entry gets its number, time and module here. Gives the number.
    pub(crate) fn append(&mut self, mut entry: Entry) -> Result<u64, Failure> {
        let head = self.txn.audit_head()?;
        entry.number = head.as_ref().map_or(0, |head| head.number).saturating_add(1);
        entry.time = self.sam.timestamp();
        entry.sam.clone_from(&self.sam.config.sam_id);
        if self.changed {
            let [users, objects] = [self.seal(Table::Users)?, self.seal(Table::Objects)?];
            entry.roots = Some(hex::encode(roots(&users, &objects)));
        }
        let mut body = Vec::with_capacity(USUAL_ENTRY);
        serde_json::to_writer(&mut body, &entry).map_err(|e| Failure::damaged(e.to_string()))?;
        self.txn.append_audit(&Row::behind(head.as_ref(), body))?;
        Ok(entry.number)
    }

    /// Commits; whoever answers from this transaction's reads alone does so too, and waits.
    pub(crate) fn commit_later<T>(self, value: T) -> Result<Committed<T>, Failure> {
        Ok(Committed { durable: self.txn.commit_later()?, value })
    }

    /// Commits, and blocks until it is durable: for what no request asks for.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        Ok(self.txn.commit()?)
    }

    /// Appends the audit record and commits: the only way to a success.
    pub(crate) fn conclude(mut self, entry: Entry, result: Vec<u8>) -> Result<Committed<Recorded>, Failure> {
        self.append(entry)?;
        self.commit_later(Recorded { result })
    }

    /// The root of a table, checked. [`Sam::start`] has written the first.
    pub(crate) fn seal(&self, table: Table) -> Result<Seal, Failure> {
        let seal = self.txn.seal(table)?.ok_or_else(|| Failure::damaged(format!("no root of {table:?}")))?;
        if !self.sam.integrity.seal_is_ours(table, &seal) {
            return Err(Failure::damaged(format!("the root of {table:?} is not ours")));
        }
        Ok(seal)
    }

    /// Writes the roots of tables without rows.
    pub(crate) fn put_empty_seals(&mut self) -> Result<(), Failure> {
        for table in Table::ALL {
            self.txn.put_seal(table, &self.sam.integrity.empty(table))?;
        }
        self.changed = true;
        Ok(())
    }

    fn move_root(&mut self, table: Table, old: Option<Vec<u8>>, new: Option<Vec<u8>>) -> Result<(), Failure> {
        let seal = self.seal(table)?;
        let moved = self.sam.integrity.moved(table, &seal, old.as_deref(), new.as_deref());
        self.txn.put_seal(table, &moved.ok_or_else(|| Failure::damaged("the count of a root"))?)?;
        self.changed = true;
        Ok(())
    }
}

/// Bytes of an audit record, seldom more: so that most are written without moving.
const USUAL_ENTRY: usize = 768;

/// A user, its MAC checked.
pub(crate) fn user(read: &dyn Read, integrity: &Integrity, id: &UserId) -> Result<Option<User>, Failure> {
    match read.user(id)? {
        Some(user) if user.id != *id || !integrity.user_is_ours(&user) => {
            Err(Failure::damaged(format!("the row of user {id} is not ours")))
        }
        user => Ok(user),
    }
}

/// An object, its MAC checked.
pub(crate) fn object(
    read: &dyn Read,
    integrity: &Integrity,
    key: &KeyId,
    kind: ObjectKind,
) -> Result<Option<Object>, Failure> {
    match read.object(key, kind)? {
        Some(object) if (object.key, object.kind) != (*key, kind) || !integrity.object_is_ours(&object) => {
            Err(Failure::damaged(format!("the row {kind:?} of key {key} is not ours")))
        }
        object => Ok(object),
    }
}

/// The certificates that sign messages: a technical user's. An identity provider's certificate stands with many users
/// and must speak for none of them.
pub(crate) fn holdings(user: Option<&User>) -> Result<Vec<[u8; 32]>, Failure> {
    let Some(user) = user.filter(|user| user.role == Role::PrivilegedUserTechnical) else { return Ok(Vec::new()) };
    let id = |der: &Vec<u8>| Certificate::parse(der).and_then(|certificate| certificate.id());
    user.certificates.iter().map(|der| id(der).map_err(|e| Failure::damaged(e.to_string()))).collect()
}
