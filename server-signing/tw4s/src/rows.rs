//! The rows of an instance's audit log, a page at a time: of a running instance from its service, of a stopped one from
//! its database, under its lock. A log of any length passes through the memory of one page.

use tw4s_sam::audit::{Anchor, Row};
use tw4s_sam::ports::{Read, StoreError};
use tw4s_store::SamStore;

use crate::control::Control;
use crate::exit::Failure;
use crate::home::Place;
use crate::instance::{Found, Running};
use crate::stopped;

/// Where the rows come from.
pub(crate) enum Log {
    /// The service.
    Running(Control),
    /// The database.
    Stopped {
        store: SamStore,
        /// Held as long.
        _lock: Running,
    },
}

/// A page: rows in their order, and the number of the newest row of all; 0 before the first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) newest: u64,
    pub(crate) rows: Vec<Row>,
}

impl Log {
    /// Opens the log of an instance, running or not.
    pub(crate) fn open(place: &Place) -> Result<Self, Failure> {
        if Found::look(&place.lock)?.is_some() {
            return Control::connect(place).map(Self::Running).map_err(Failure::other);
        }
        let (store, lock) = stopped::open(place, "reads its audit log")?;
        Ok(Self::Stopped { store, _lock: lock })
    }

    /// Rows from a number on, some at least if there are any.
    fn page(&mut self, from: u64) -> Result<Page, Failure> {
        match self {
            Self::Running(control) => {
                let bytes = control.audit_rows(from).map_err(Failure::other)?;
                decode(&bytes).ok_or_else(|| Failure::text("the service answers with what are no rows"))
            }
            Self::Stopped { store, .. } => read(store, from).map_err(Failure::other),
        }
    }

    /// Hands over each row from a number on, as long as `take` wants more, up to the one that is the newest at the
    /// beginning: a log that grows meanwhile has an end all the same. Says which that was.
    pub(crate) fn each(
        &mut self,
        from: u64,
        mut take: impl FnMut(Row) -> Result<bool, Failure>,
    ) -> Result<u64, Failure> {
        let mut page = self.page(from)?;
        let newest = page.newest;
        while let Some(last) = page.rows.last().map(|row| row.number) {
            for row in page.rows.into_iter().filter(|row| row.number <= newest) {
                if !take(row)? {
                    return Ok(newest);
                }
            }
            if last >= newest {
                break;
            }
            page = self.page(last.saturating_add(1))?;
        }
        Ok(newest)
    }

    /// A row to be kept elsewhere, if there is one: the service has the log signed for it; in a database it is the
    /// newest.
    pub(crate) fn anchor(&mut self) -> Result<Option<Anchor>, Failure> {
        match self {
            Self::Running(control) => control.audit_anchor().map(Some).map_err(Failure::other),
            Self::Stopped { store, .. } => {
                let head = store.audit_head().map_err(Failure::other)?;
                Ok(head.map(|row| Anchor { number: row.number, hash: row.hash }))
            }
        }
    }

    /// Whether the instance runs.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }
}

/// A page of a database.
fn read(store: &dyn Read, from: u64) -> Result<Page, StoreError> {
    let newest = store.audit_head()?.map_or(0, |row| row.number);
    Ok(Page { newest, rows: store.audit(from, PAGE)? })
}

/// `newest (u64) | { number (u64) | length (u32) | Row::encode }`, as many rows as there is room for, and one at least.
pub(crate) fn encode(page: &Page) -> Vec<u8> {
    let mut out = page.newest.to_be_bytes().to_vec();
    for row in &page.rows {
        let bytes = row.encode();
        if out.len() > 8 && out.len() + bytes.len() > PAGE_BYTES {
            break;
        }
        out.extend_from_slice(&row.number.to_be_bytes());
        // durable keeps no value over 64 MiB.
        out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(&bytes);
    }
    out
}

fn decode(bytes: &[u8]) -> Option<Page> {
    let (newest, mut rest) = bytes.split_first_chunk()?;
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let (number, after) = rest.split_first_chunk()?;
        let (length, after) = after.split_first_chunk()?;
        let (row, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        rows.push(Row::decode(u64::from_be_bytes(*number), row).ok()?);
        rest = after;
    }
    Some(Page { newest: u64::from_be_bytes(*newest), rows })
}

/// Rows of a page.
pub(crate) const PAGE: usize = 256;
/// Bytes of an answer with rows, well below what a frame may have. A row has some 500.
const PAGE_BYTES: usize = 1 << 19;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn page(rows: u64, length: usize) -> Page {
        let row = |number| Row { number, body: vec![b'x'; length], hash: [7; 32] };
        Page { newest: 9000, rows: (1..=rows).map(row).collect() }
    }

    #[test]
    fn a_page_reads_back_up_to_its_bound_and_has_one_row_at_least() {
        assert_eq!(decode(&encode(&page(0, 0))).unwrap(), page(0, 0));
        assert_eq!(decode(&encode(&page(PAGE as u64, 500))).unwrap(), page(PAGE as u64, 500));
        assert_eq!(decode(&encode(&page(3, PAGE_BYTES / 2))).unwrap().rows.len(), 1);
        assert_eq!(decode(&encode(&page(2, PAGE_BYTES))).unwrap().rows.len(), 1);
        let bytes = encode(&page(2, 10));
        for cut in (1..bytes.len()).filter(|cut| ![8, 8 + 12 + 42].contains(cut)) {
            assert_eq!(decode(bytes.get(..cut).unwrap()), None, "{cut}");
        }
    }
}
