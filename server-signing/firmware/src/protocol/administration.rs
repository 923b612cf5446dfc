//! The call of a change by administrators. Not DER, as [`Import`](super::Import).
//!
//! ```text
//! Administration ::= logons | logons (enrolled) | count (u8) | count * (name: bytes) | count (u8) | count * (sam: 32 bytes)
//! logons         ::= count (u8) | count * (name: bytes | credential: bytes)
//! ```

use tw4s_formats::limit::MAX_TEXT_LEN;
use zeroize::Zeroizing;

use super::import::{MAX_LOGONS_LEN, Reader, push, push_count, push_logons};
use crate::administrator::{Changes, Logon, MAX_ADMINISTRATORS};
use crate::anchor::MAX_SAMS;
use crate::error::FirmwareError;

/// Administrators, and what they change.
#[derive(Debug)]
pub struct Administration {
    /// Who orders it.
    pub logons: Vec<Logon>,
    /// What.
    pub changes: Changes,
}

impl Administration {
    /// Writes the call.
    ///
    /// # Errors
    /// `Malformed` for what is out of bounds.
    pub fn encode(logons: &[Logon], changes: &Changes) -> Result<Zeroizing<Vec<u8>>, FirmwareError> {
        let names = MAX_ADMINISTRATORS * (2 + 4 * MAX_TEXT_LEN);
        // With room for all, so that no copy stays where a buffer grew.
        let most = 2 * MAX_LOGONS_LEN + 2 + names + 32 * changes.forgotten.len();
        let mut out = Zeroizing::new(Vec::with_capacity(most));
        push_logons(&mut out, logons)?;
        push_logons(&mut out, &changes.enrolled)?;
        push_count(&mut out, changes.dropped.len(), MAX_ADMINISTRATORS)?;
        for name in &changes.dropped {
            push(&mut out, name.as_bytes(), 4 * MAX_TEXT_LEN)?;
        }
        push_count(&mut out, changes.forgotten.len(), MAX_SAMS)?;
        for sam in &changes.forgotten {
            out.extend_from_slice(sam);
        }
        Ok(out)
    }

    /// Reads the call, the whole of it.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn decode(body: &[u8]) -> Result<Self, FirmwareError> {
        let mut from = Reader::new(body);
        let logons = from.logons()?;
        let enrolled = from.logons()?;
        let mut changes = Changes { enrolled, ..Changes::default() };
        for _ in 0..from.count(MAX_ADMINISTRATORS)? {
            changes.dropped.push(from.name()?.to_owned());
        }
        for _ in 0..from.count(MAX_SAMS)? {
            changes.forgotten.push(from.fixed()?);
        }
        from.end()?;
        Ok(Self { logons, changes })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn logons(names: &[(String, Vec<u8>)]) -> Vec<Logon> {
        names.iter().map(|(name, credential)| Logon::new(name, Zeroizing::new(credential.clone()))).collect()
    }

    fn parts(logons: &[Logon]) -> Vec<(String, Vec<u8>)> {
        logons.iter().map(|logon| (logon.name().to_owned(), logon.credential().to_vec())).collect()
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(
            by in proptest::collection::vec(("[a-z]{1,20}", proptest::collection::vec(any::<u8>(), 1..40)), 0..4),
            enrolled in proptest::collection::vec(("[a-z]{1,20}", proptest::collection::vec(any::<u8>(), 1..40)), 0..4),
            dropped in proptest::collection::vec("[a-z]{1,20}", 0..4),
            forgotten in proptest::collection::vec(any::<[u8; 32]>(), 0..4),
        ) {
            let changes = Changes { enrolled: logons(&enrolled), dropped, forgotten };
            let body = Administration::encode(&logons(&by), &changes).unwrap();
            let read = Administration::decode(&body).unwrap();
            prop_assert_eq!((parts(&read.logons), parts(&read.changes.enrolled)), (by, enrolled));
            prop_assert_eq!(read.changes.dropped, changes.dropped);
            prop_assert_eq!(read.changes.forgotten, changes.forgotten);
            prop_assert!(Administration::decode(&body[..body.len() - 1]).is_err());
            prop_assert!(Administration::decode(&[&body[..], &[0]].concat()).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(read) = Administration::decode(&bytes) {
                prop_assert_eq!(&Administration::encode(&read.logons, &read.changes).unwrap()[..], &bytes[..]);
            }
        }
    }
}
