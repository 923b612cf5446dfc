//! Reads, the same on the store and in a transaction.

use std::ops::Bound;

use durable::{Db, Entry, Tree};
use tw4s_sam::audit::Row;
use tw4s_sam::ports::StoreError;
use tw4s_sam::record::{KeyId, Object, ObjectKind, Once, SadName, Seal, Table, User, UserId};

use crate::blocks;
use crate::consumed::{self, Marks, RowName};
use crate::error::failed;
use crate::schema::{
    AUDIT, BLOCKS, HEAD_KEY, HOLDERS, INTENTS, OBJECTS, SEALS, STORE, USERS, damaged, number, object_key,
};

/// Rows as bytes.
pub(crate) trait Rows {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    fn next(&self, tree: Tree, from: Bound<&[u8]>) -> Result<Option<Entry>, StoreError>;
}

impl Rows for Db {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Self::get(self, tree, key).map_err(failed)
    }

    fn next(&self, tree: Tree, from: Bound<&[u8]>) -> Result<Option<Entry>, StoreError> {
        Self::next(self, tree, from).map_err(failed)
    }
}

impl Rows for durable::Txn<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Self::get(self, tree, key).map_err(failed)
    }

    fn next(&self, tree: Tree, from: Bound<&[u8]>) -> Result<Option<Entry>, StoreError> {
        Self::next(self, tree, from).map_err(failed)
    }
}

/// The module's port for a type with a field of [`Rows`]. `is_consumed` is left to the type's own method `has`: a
/// transaction keeps marks that it has not written yet. And `audit_head` to `newest`: it knows the head.
macro_rules! impl_read {
    ($type:ty, $rows:ident) => {
        impl Read for $type {
            fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
                read::user(&self.$rows, id)
            }

            fn users(&self, after: Option<&UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
                read::users(&self.$rows, after, limit)
            }

            fn holder(&self, certificate: &[u8; 32]) -> Result<Option<UserId>, StoreError> {
                read::holder(&self.$rows, certificate)
            }

            fn object(&self, key: &KeyId, kind: ObjectKind) -> Result<Option<Object>, StoreError> {
                read::object(&self.$rows, key, kind)
            }

            fn objects(&self, after: Option<(&KeyId, ObjectKind)>, limit: usize) -> Result<Vec<Object>, StoreError> {
                read::objects(&self.$rows, after, limit)
            }

            fn is_consumed(&self, what: &Once) -> Result<bool, StoreError> {
                self.has(what)
            }

            fn seal(&self, table: Table) -> Result<Option<Seal>, StoreError> {
                read::seal(&self.$rows, table)
            }

            fn audit(&self, from: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
                read::audit(&self.$rows, from, limit)
            }

            fn audit_head(&self) -> Result<Option<Row>, StoreError> {
                self.newest()
            }

            fn open_intents(&self) -> Result<Vec<u64>, StoreError> {
                read::open_intents(&self.$rows)
            }
        }
    };
}

pub(crate) use impl_read;

pub(crate) fn user(rows: &impl Rows, id: &UserId) -> Result<Option<User>, StoreError> {
    let row = rows.get(USERS, id.as_bytes())?;
    row.map(|row| decode_user(id.as_bytes(), &row)).transpose()
}

pub(crate) fn users(rows: &impl Rows, after: Option<&UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
    page(rows, USERS, after.map(|id| id.as_bytes().as_slice()), limit, decode_user)
}

pub(crate) fn holder(rows: &impl Rows, certificate: &[u8; 32]) -> Result<Option<UserId>, StoreError> {
    let Some(row) = rows.get(HOLDERS, certificate)? else { return Ok(None) };
    let id = row.as_slice().try_into().map_err(|_| damaged(HOLDERS, certificate, "it is no UserID"))?;
    Ok(Some(UserId::from_bytes(id)))
}

pub(crate) fn object(rows: &impl Rows, key: &KeyId, kind: ObjectKind) -> Result<Option<Object>, StoreError> {
    let key = object_key(key, kind);
    let row = rows.get(OBJECTS, &key)?;
    row.map(|row| decode_object(&key, &row)).transpose()
}

pub(crate) fn objects(
    rows: &impl Rows,
    after: Option<(&KeyId, ObjectKind)>,
    limit: usize,
) -> Result<Vec<Object>, StoreError> {
    let after = after.map(|(key, kind)| object_key(key, kind));
    page(rows, OBJECTS, after.as_ref().map(<[u8; 17]>::as_slice), limit, decode_object)
}

/// The marks in a row.
pub(crate) fn marks(rows: &impl Rows, row: &RowName) -> Result<Marks, StoreError> {
    let Some(bytes) = rows.get(row.tree, &row.key)? else { return Ok(Marks::default()) };
    Marks::decode(&bytes).ok_or_else(|| damaged(row.tree, &row.key, "it is no list of marks"))
}

/// `older`: whether there may be hashes of an older format.
pub(crate) fn is_consumed(rows: &impl Rows, what: &Once, older: bool) -> Result<bool, StoreError> {
    let (row, mark) = consumed::place(what);
    Ok(marks(rows, &row)?.has(&mark) || (older && was_consumed(rows, what)?))
}

/// Whether a hash was consumed in an older format.
pub(crate) fn was_consumed(rows: &impl Rows, what: &Once) -> Result<bool, StoreError> {
    let Once::Hash { sad, .. } = what else { return Ok(false) };
    let (_, mark) = consumed::place(what);
    Ok(marks(rows, &consumed::older_hashes_of(sad))?.has(&mark))
}

pub(crate) fn consumed_hashes(rows: &impl Rows, sad: &SadName) -> Result<u64, StoreError> {
    let [new, older] = [consumed::hashes_of(sad), consumed::older_hashes_of(sad)];
    Ok(marks(rows, &new)?.count() + marks(rows, &older)?.count())
}

pub(crate) fn seal(rows: &impl Rows, table: Table) -> Result<Option<Seal>, StoreError> {
    let key = [table as u8];
    let row = rows.get(SEALS, &key)?;
    row.map(|row| Seal::decode(&row).map_err(|fault| damaged(SEALS, &key, fault))).transpose()
}

/// Every number up to the head has a row, so one that is missing is damage, at the end as well.
pub(crate) fn audit(rows: &impl Rows, from: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
    let mut log = Log { rows, block: None };
    (from.max(1)..=head_number(rows)?).take(limit).map(|number| log.row(number)).collect()
}

pub(crate) fn audit_head(rows: &impl Rows) -> Result<Option<Row>, StoreError> {
    match head_number(rows)? {
        0 => Ok(None),
        number => Log { rows, block: None }.row(number).map(Some),
    }
}

/// The number of the newest audit row; 0 when there is none.
pub(crate) fn head_number(rows: &impl Rows) -> Result<u64, StoreError> {
    match rows.get(STORE, HEAD_KEY)? {
        None => Ok(0),
        Some(head) => number(&head)
            .filter(|head| *head > 0)
            .ok_or_else(|| damaged(STORE, HEAD_KEY, "it is no number of an audit row")),
    }
}

pub(crate) fn open_intents(rows: &impl Rows) -> Result<Vec<u64>, StoreError> {
    page(rows, INTENTS, None, usize::MAX, |key, row| match (number(key), row) {
        (Some(number), []) => Ok(number),
        _ => Err(damaged(INTENTS, key, "it is no mark of an intent")),
    })
}

/// That no audit row stands behind the head.
pub(crate) fn nothing_behind(rows: &impl Rows, head: u64) -> Result<(), StoreError> {
    const FAULT: &str = "it is there, behind the head";
    let key = blocks::key(head);
    let block = if head == 0 { None } else { rows.get(BLOCKS, &key)? };
    let last = block.map_or(Ok(None), |block| blocks::last(&block));
    if let Some(last) = last.map_err(|_| damaged(BLOCKS, &key, NO_BLOCK))?.filter(|last| *last > head) {
        return Err(damaged(AUDIT, &last.to_be_bytes(), FAULT));
    }
    let from = if head == 0 { Bound::Unbounded } else { Bound::Excluded(&key[..]) };
    for (tree, from) in [(BLOCKS, from), (AUDIT, Bound::Excluded(&head.to_be_bytes()[..]))] {
        if let Some((key, _)) = rows.next(tree, from)? {
            return Err(damaged(tree, &key, FAULT));
        }
    }
    Ok(())
}

/// The audit log, read row by row; the last block is kept.
struct Log<'r, R> {
    rows: &'r R,
    block: Option<([u8; 8], Vec<u8>)>,
}

impl<R: Rows> Log<'_, R> {
    fn row(&mut self, number: u64) -> Result<Row, StoreError> {
        let key = blocks::key(number);
        if self.block.as_ref().is_none_or(|(of, _)| *of != key) {
            self.block = Some((key, self.rows.get(BLOCKS, &key)?.unwrap_or_default()));
        }
        let block = self.block.as_ref().map(|(_, block)| block.as_slice()).unwrap_or_default();
        let name = number.to_be_bytes();
        let row = match blocks::find(block, number).map_err(|_| damaged(AUDIT, &name, NO_BLOCK))? {
            Some(row) => Row::decode(number, row),
            None => {
                let row = self.rows.get(AUDIT, &name)?.ok_or_else(|| damaged(AUDIT, &name, "it is missing"))?;
                Row::decode(number, &row)
            }
        };
        row.map_err(|fault| damaged(AUDIT, &name, fault))
    }
}

const NO_BLOCK: &str = "its block cannot be read";

fn decode_user(key: &[u8], row: &[u8]) -> Result<User, StoreError> {
    match User::decode(row) {
        Ok(user) if user.id.as_bytes() == key => Ok(user),
        Ok(_) => Err(damaged(USERS, key, ANOTHERS)),
        Err(fault) => Err(damaged(USERS, key, fault)),
    }
}

fn decode_object(key: &[u8], row: &[u8]) -> Result<Object, StoreError> {
    match Object::decode(row) {
        Ok(object) if object_key(&object.key, object.kind) == key => Ok(object),
        Ok(_) => Err(damaged(OBJECTS, key, ANOTHERS)),
        Err(fault) => Err(damaged(OBJECTS, key, fault)),
    }
}

const ANOTHERS: &str = "another row stands in its place";

/// Up to `limit` rows behind `after`, or from the first.
fn page<T>(
    rows: &impl Rows,
    tree: Tree,
    after: Option<&[u8]>,
    limit: usize,
    decode: impl Fn(&[u8], &[u8]) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    let mut after = after.map(<[u8]>::to_vec);
    while found.len() < limit {
        let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let Some((key, row)) = rows.next(tree, from)? else { break };
        found.push(decode(&key, &row)?);
        after = Some(key);
    }
    Ok(found)
}
