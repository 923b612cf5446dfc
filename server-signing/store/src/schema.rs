//! Every tree, its keys, and how a row is named in an error. README.md has the layout in words.

use std::fmt::Display;

use durable::Tree;
use tw4s_sam::ports::StoreError;
use tw4s_sam::record::{KeyId, ObjectKind, UserId};

/// The version of trees, keys and values, which the store itself records.
pub const FORMAT: u32 = 3;
/// Those before. Format 1 had each audit row in [`AUDIT`], and both had the hashes of a SAD in [`CONSUMED`]. A database of
/// theirs is taken over as it is: its rows stay where they are, until they are purged.
pub(crate) const OLDER_FORMATS: [u32; 2] = [1, 2];

/// Every tree, by number and name.
pub const TABLES: [(u8, &str); 11] = [
    (STORE.0, "store"),
    (USERS.0, "users"),
    (HOLDERS.0, "holders"),
    (OBJECTS.0, "objects"),
    (CONSUMED.0, "consumed"),
    (EXPIRIES.0, "expiries"),
    (SEALS.0, "seals"),
    (AUDIT.0, "audit"),
    (INTENTS.0, "intents"),
    (BLOCKS.0, "blocks"),
    (HASHES.0, "hashes"),
];

/// What the store says about itself.
pub(crate) const STORE: Tree = Tree(0);
pub(crate) const USERS: Tree = Tree(1);
pub(crate) const HOLDERS: Tree = Tree(2);
pub(crate) const OBJECTS: Tree = Tree(3);
/// Signed messages; and hashes that formats 1 and 2 wrote.
pub(crate) const CONSUMED: Tree = Tree(4);
/// When which row of [`CONSUMED`] may shrink.
pub(crate) const EXPIRIES: Tree = Tree(5);
pub(crate) const SEALS: Tree = Tree(6);
/// Audit rows that format 1 wrote.
pub(crate) const AUDIT: Tree = Tree(7);
pub(crate) const INTENTS: Tree = Tree(8);
/// Audit rows, some to a record ([`blocks`](crate::blocks)).
pub(crate) const BLOCKS: Tree = Tree(9);
/// The hashes of SADs, in the order in which they expire.
pub(crate) const HASHES: Tree = Tree(10);

/// In [`STORE`]: [`FORMAT_TITLE`] and the number, in ASCII.
pub(crate) const FORMAT_KEY: &[u8] = b"format";
pub(crate) const FORMAT_TITLE: &str = "tw4s sam store ";
/// In [`STORE`]: the number of the newest audit row. durable reads forwards only.
pub(crate) const HEAD_KEY: &[u8] = b"head";

/// The key in [`OBJECTS`].
pub(crate) fn object_key(key: &KeyId, kind: ObjectKind) -> [u8; 17] {
    let mut out = [kind as u8; 17];
    for (to, from) in out.iter_mut().zip(key.as_bytes()) {
        *to = *from;
    }
    out
}

/// Damage in a row, by its name and without its content.
pub(crate) fn damaged(tree: Tree, key: &[u8], fault: impl Display) -> StoreError {
    StoreError::Damaged(format!("{}: {fault}", name(tree, key)))
}

fn name(tree: Tree, key: &[u8]) -> String {
    let table = TABLES.iter().find(|(number, _)| *number == tree.0).map_or("?", |(_, name)| *name);
    let row = match tree {
        STORE => String::from_utf8_lossy(key).into_owned(),
        USERS => key.try_into().map_or_else(|_| hex::encode(key), |id| UserId::from_bytes(id).to_string()),
        OBJECTS => match key.split_first_chunk() {
            Some((id, [kind])) => format!("{} {kind}", KeyId::from_bytes(*id)),
            _ => hex::encode(key),
        },
        AUDIT | INTENTS | BLOCKS => number(key).map_or_else(|| hex::encode(key), |number| number.to_string()),
        _ => hex::encode(key),
    };
    format!("the row {row} of the table {table}")
}

/// A number, big endian.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}
