//! MACs over rows, and the roots of tables (1.12, last paragraph).
//!
//! A row's MAC shows that its content is the module's. A table's root shows that no row was removed, put in, or put
//! back to an earlier version: it holds how many rows there are and the sum, modulo 2^256, of one keyed value for each.
//! These values are made under another label than the rows' MACs and are written nowhere, so that a set of old rows
//! with the right sum cannot be searched for.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::ports::IntegrityKey;
use crate::record::{Object, Seal, Table, User};

/// Makes and checks MACs.
///
/// Keyed once: the key's block is the same for every MAC.
#[derive(Clone)]
pub(crate) struct Integrity(Hmac<Sha256>);

impl Integrity {
    pub(crate) fn new(key: &IntegrityKey) -> Self {
        // RFC 2104 2: a key shorter than the block is filled up with zeros.
        let mut block = Zeroizing::new([0; 64]);
        for (to, from) in block.iter_mut().zip(key.as_bytes()) {
            *to = *from;
        }
        Self(Hmac::new((&*block).into()))
    }

    pub(crate) fn seal_user(&self, user: &mut User) {
        user.mac = self.mac(USER, &user.protected());
    }

    pub(crate) fn user_is_ours(&self, user: &User) -> bool {
        self.verify(USER, &user.protected(), &user.mac)
    }

    pub(crate) fn seal_object(&self, object: &mut Object) {
        object.mac = self.mac(OBJECT, &object.protected());
    }

    pub(crate) fn object_is_ours(&self, object: &Object) -> bool {
        self.verify(OBJECT, &object.protected(), &object.mac)
    }

    /// The root of a table without rows.
    pub(crate) fn empty(&self, table: Table) -> Seal {
        self.sealed(table, 0, [0; 32])
    }

    pub(crate) fn seal_is_ours(&self, table: Table, seal: &Seal) -> bool {
        self.verify(SEAL, &seal.protected(table), &seal.mac)
    }

    /// The root after a row (its protected bytes) was put in, changed or removed; `None` if the count is impossible.
    pub(crate) fn moved(&self, table: Table, seal: &Seal, old: Option<&[u8]>, new: Option<&[u8]>) -> Option<Seal> {
        let mut count = seal.count;
        let mut sum = seal.sum;
        if let Some(row) = old {
            count = count.checked_sub(1)?;
            sum = add(sum, negate(self.element(table, row)));
        }
        if let Some(row) = new {
            count = count.checked_add(1)?;
            sum = add(sum, self.element(table, row));
        }
        Some(self.sealed(table, count, sum))
    }

    fn sealed(&self, table: Table, count: u64, sum: [u8; 32]) -> Seal {
        let mut seal = Seal { count, sum, mac: [0; 32] };
        seal.mac = self.mac(SEAL, &seal.protected(table));
        seal
    }

    fn element(&self, table: Table, row: &[u8]) -> [u8; 32] {
        match table {
            Table::Users => self.mac(USER_ELEMENT, row),
            Table::Objects => self.mac(OBJECT_ELEMENT, row),
        }
    }

    fn mac(&self, label: &[u8], data: &[u8]) -> [u8; 32] {
        self.begin(label, data).finalize().into_bytes().into()
    }

    fn verify(&self, label: &[u8], data: &[u8], mac: &[u8; 32]) -> bool {
        self.begin(label, data).verify(mac.into()).is_ok()
    }

    fn begin(&self, label: &[u8], data: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(label).chain_update(data)
    }
}

/// What some rows of a table add up to.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    table: Table,
    count: u64,
    sum: [u8; 32],
}

impl Sum {
    /// Of no row.
    pub(crate) fn of(table: Table) -> Self {
        Self { table, count: 0, sum: [0; 32] }
    }

    /// With one more row, by its protected bytes.
    pub(crate) fn add(&mut self, integrity: &Integrity, row: &[u8]) {
        self.count = self.count.saturating_add(1);
        self.sum = add(self.sum, integrity.element(self.table, row));
    }

    /// With the rows of another.
    pub(crate) fn join(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = add(self.sum, other.sum);
    }

    /// How many rows.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The root of a table with these rows and no others.
    pub(crate) fn sealed(&self, integrity: &Integrity) -> Seal {
        integrity.sealed(self.table, self.count, self.sum)
    }
}

/// Both roots in one value, for the audit record of a change.
pub(crate) fn roots(users: &Seal, objects: &Seal) -> [u8; 32] {
    Sha256::new()
        .chain_update(users.protected(Table::Users))
        .chain_update(objects.protected(Table::Objects))
        .finalize()
        .into()
}

fn add(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    let mut out = [0; 32];
    let mut carry = 0_u16;
    for ((out, a), b) in out.iter_mut().zip(a).zip(b).rev() {
        let sum = u16::from(a) + u16::from(b) + carry;
        let [high, low] = sum.to_be_bytes();
        *out = low;
        carry = high.into();
    }
    out
}

fn negate(a: [u8; 32]) -> [u8; 32] {
    let mut one = [0; 32];
    one[31] = 1;
    add(a.map(|byte| !byte), one)
}

// No label is the beginning of another, so that no two uses of the key meet.
const USER: &[u8] = b"tw4s sam 1 user\0";
const OBJECT: &[u8] = b"tw4s sam 1 object\0";
const SEAL: &[u8] = b"tw4s sam 1 seal\0";
const USER_ELEMENT: &[u8] = b"tw4s sam 1 user element\0";
const OBJECT_ELEMENT: &[u8] = b"tw4s sam 1 object element\0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_away_leaves_nothing() {
        let mut a = [0xa5; 32];
        a[31] = 0;
        assert_eq!(add(a, negate(a)), [0; 32]);
        assert_eq!(add([0xff; 32], negate([0xff; 32])), [0; 32]);
        assert_eq!(add([0; 32], negate([0; 32])), [0; 32]);
    }

    #[test]
    fn a_carry_goes_through() {
        let mut low = [0xff; 32];
        low[0] = 0;
        let mut one = [0; 32];
        one[31] = 1;
        let mut sum = [0; 32];
        sum[0] = 1;
        assert_eq!(add(low, one), sum);
    }

    #[test]
    fn roots_do_not_depend_on_the_order_of_changes() {
        let integrity = Integrity::new(&IntegrityKey::new([7; 32]));
        let empty = integrity.empty(Table::Users);
        let step = |seal: Seal, old: Option<&[u8]>, new: Option<&[u8]>| integrity.moved(Table::Users, &seal, old, new);
        let one = step(empty, None, Some(b"a")).and_then(|seal| step(seal, None, Some(b"b")));
        let other = step(empty, None, Some(b"b"))
            .and_then(|seal| step(seal, None, Some(b"c")))
            .and_then(|seal| step(seal, Some(b"c"), Some(b"a")));
        assert!(one.is_some());
        assert_eq!(one, other);
        assert_eq!(step(empty, Some(b"a"), None), None, "nothing is there to remove");
    }
}
