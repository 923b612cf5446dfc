//! Trees and keys.
//!
//! Every field of an address is big-endian and of fixed length, but for an id, which is the last one. So within a
//! tree the order of keys is the order of addresses.

use durable::Tree;
use sks_core::record::{Address, Counter, ObjectKind};
use sks_wire::types::Id;

use super::read::{Fault, Kind, Reader};

/// The format's own tree.
const META: u8 = 0;
const IDENTITY: u8 = 1;
const COUNTER: u8 = 2;
const SESSION: u8 = 3;
const CLIENT_SESSION_ID: u8 = 4;
const OPEN_SESSION: u8 = 5;
const NAME: u8 = 6;
const PENDING: u8 = 7;
const SESSION_KEY: u8 = 8;
const KEY: u8 = 9;
const MATERIAL: u8 = 10;
const EXTENSION: u8 = 11;
const PIN_POLICY: u8 = 12;
const PUK_POLICY: u8 = 13;
const PIN_GROUP: u8 = 14;
const POLICY_GROUP: u8 = 15;
const GROUP_KEY: u8 = 16;
const PUK_PIN: u8 = 17;

/// Number and name of every tree; docs/store-format.md has the same list.
pub const TABLES: &[(u8, &str)] = &[
    (META, "Meta"),
    (IDENTITY, "Identity"),
    (COUNTER, "Counter"),
    (SESSION, "Session"),
    (CLIENT_SESSION_ID, "ClientSessionId"),
    (OPEN_SESSION, "OpenSession"),
    (NAME, "Name"),
    (PENDING, "Pending"),
    (SESSION_KEY, "SessionKey"),
    (KEY, "Key"),
    (MATERIAL, "Material"),
    (EXTENSION, "Extension"),
    (PIN_POLICY, "PinPolicy"),
    (PUK_POLICY, "PukPolicy"),
    (PIN_GROUP, "PinGroup"),
    (POLICY_GROUP, "PolicyGroup"),
    (GROUP_KEY, "GroupKey"),
    (PUK_PIN, "PukPin"),
];

/// The longest key: a Name's two numbers and its id.
const MAX_KEY: usize = 4 + 1 + Id::MAX;

/// The version of the sealing, which is the first byte of the associated data and of a sealed value.
pub(crate) const SEALING: u8 = 1;

/// Where a record lies, as the associated data of its value: version of the sealing, tree, key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    bytes: Vec<u8>,
    tree: u8,
}

/// Length of what stands before the key.
const HEAD: usize = 2;

impl Place {
    /// The record that says which version the layout has.
    pub(crate) fn format() -> Self {
        Self::of(META, &[b"format"])
    }

    /// A key as it was read from a tree.
    pub(crate) fn raw(tree: Tree, key: &[u8]) -> Self {
        Self::of(tree.0, &[key])
    }

    pub(crate) fn tree(&self) -> Tree {
        Tree(self.tree)
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.bytes.get(HEAD..).unwrap_or_default()
    }

    pub(crate) fn associated_data(&self) -> &[u8] {
        &self.bytes
    }

    fn of(tree: u8, fields: &[&[u8]]) -> Self {
        let mut bytes = Vec::with_capacity(HEAD + MAX_KEY);
        bytes.extend_from_slice(&[SEALING, tree]);
        for field in fields {
            bytes.extend_from_slice(field);
        }
        Self { bytes, tree }
    }

    /// The address; the inverse of `From<&Address>`.
    pub(crate) fn address(&self) -> Result<Address, Fault> {
        let mut key = Reader::new(self.key());
        let address = match self.tree {
            IDENTITY => Address::Identity,
            COUNTER => Address::Counter(counter(&mut key)?),
            SESSION => Address::Session(key.read()?),
            CLIENT_SESSION_ID => Address::ClientSessionId(id(&mut key)?),
            OPEN_SESSION => Address::OpenSession(key.read()?),
            NAME => Address::Name(key.read()?, kind(&mut key)?, id(&mut key)?),
            PENDING => Address::Pending(key.read()?, key.read()?),
            SESSION_KEY => Address::SessionKey(key.read()?, key.read()?),
            KEY => Address::Key(key.read()?),
            MATERIAL => Address::Material(key.read()?),
            EXTENSION => Address::Extension(key.read()?, key.read()?),
            PIN_POLICY => Address::PinPolicy(key.read()?),
            PUK_POLICY => Address::PukPolicy(key.read()?),
            PIN_GROUP => Address::PinGroup(key.read()?),
            POLICY_GROUP => Address::PolicyGroup(key.read()?, key.read()?),
            GROUP_KEY => Address::GroupKey(key.read()?, key.read()?),
            PUK_PIN => Address::PukPin(key.read()?, key.read()?),
            _ => return Err(key.fault(Kind::Value)),
        };
        key.end()?;
        Ok(address)
    }
}

impl From<&Address> for Place {
    fn from(address: &Address) -> Self {
        let one = |tree, number: &u32| Self::of(tree, &[&number.to_be_bytes()]);
        let two = |tree, first: &u32, second: &u32| Self::of(tree, &[&first.to_be_bytes(), &second.to_be_bytes()]);
        match address {
            Address::Identity => Self::of(IDENTITY, &[]),
            Address::Counter(counter) => Self::of(COUNTER, &[&[counter_code(*counter)]]),
            Address::Session(handle) => one(SESSION, handle),
            Address::ClientSessionId(id) => Self::of(CLIENT_SESSION_ID, &[id.as_bytes()]),
            Address::OpenSession(handle) => one(OPEN_SESSION, handle),
            Address::Name(session, kind, id) => {
                Self::of(NAME, &[&session.to_be_bytes(), &[kind_code(*kind)], id.as_bytes()])
            }
            Address::Pending(session, key) => two(PENDING, session, key),
            Address::SessionKey(session, key) => two(SESSION_KEY, session, key),
            Address::Key(handle) => one(KEY, handle),
            Address::Material(handle) => one(MATERIAL, handle),
            Address::Extension(key, index) => Self::of(EXTENSION, &[&key.to_be_bytes(), &index.to_be_bytes()]),
            Address::PinPolicy(handle) => one(PIN_POLICY, handle),
            Address::PukPolicy(handle) => one(PUK_POLICY, handle),
            Address::PinGroup(number) => one(PIN_GROUP, number),
            Address::PolicyGroup(policy, group) => two(POLICY_GROUP, policy, group),
            Address::GroupKey(group, key) => two(GROUP_KEY, group, key),
            Address::PukPin(puk, pin) => two(PUK_PIN, puk, pin),
        }
    }
}

/// A place for people: the table's name and the key, of which nothing is secret.
pub(crate) fn describe(place: &Place) -> String {
    let table = TABLES.iter().find(|(tree, _)| *tree == place.tree).map_or("unknown table", |(_, name)| name);
    match place.address() {
        Ok(address) => format!("{address:?}"),
        Err(_) => format!("{table} (key {})", hex::encode(place.key())),
    }
}

/// Ascending as the variants are, like every code here.
fn counter_code(counter: Counter) -> u8 {
    match counter {
        Counter::Provisioning => 1,
        Counter::Key => 2,
        Counter::PinPolicy => 3,
        Counter::PukPolicy => 4,
        Counter::Change => 5,
    }
}

fn counter(key: &mut Reader<'_>) -> Result<Counter, Fault> {
    Ok(match key.read()? {
        1u8 => Counter::Provisioning,
        2 => Counter::Key,
        3 => Counter::PinPolicy,
        4 => Counter::PukPolicy,
        5 => Counter::Change,
        _ => return Err(key.fault(Kind::Value)),
    })
}

fn kind_code(kind: ObjectKind) -> u8 {
    match kind {
        ObjectKind::Key => 1,
        ObjectKind::PinPolicy => 2,
        ObjectKind::PukPolicy => 3,
    }
}

fn kind(key: &mut Reader<'_>) -> Result<ObjectKind, Fault> {
    Ok(match key.read()? {
        1u8 => ObjectKind::Key,
        2 => ObjectKind::PinPolicy,
        3 => ObjectKind::PukPolicy,
        _ => return Err(key.fault(Kind::Value)),
    })
}

/// The rest of the key.
fn id(key: &mut Reader<'_>) -> Result<Id, Fault> {
    let rest = key.rest();
    std::str::from_utf8(rest).ok().and_then(|text| Id::new(text).ok()).ok_or(key.fault(Kind::Id))
}

#[cfg(test)]
mod tests;
