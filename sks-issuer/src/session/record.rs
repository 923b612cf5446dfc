//! What an issuer keeps of a session.

use std::fmt;

use sks_wire::Secret;
use sks_wire::codec::Field;
use sks_wire::method::create_provisioning_session;
use sks_wire::types::{AnyText, Id};
use zeroize::Zeroizing;

use crate::crypto::{KEY_LENGTH, SessionKey};

/// A session's key, names and counters: secret, wiped when dropped.
///
/// An issuer keeps it as long as it wants to update or delete the session's keys, and stores it as it would a private
/// key. After a post provisioning the keys belong to the closing session: its record takes this one's place.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRecord {
    pub(super) key: SessionKey,
    pub(super) client_session_id: Id,
    pub(super) server_session_id: Id,
    pub(super) issuer_uri: String,
    pub(super) updatable: bool,
    pub(super) open: bool,
    pub(super) counter: u16,
    pub(super) left: u16,
    pub(super) device_certificate: Vec<u8>,
}

/// Bytes that are no record of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// They are none, or cut.
    #[error("not a session record, or a damaged one")]
    Damaged,
    /// A newer version wrote them.
    #[error("a session record of the unknown version {0}")]
    Version(u8),
}

/// What a stored record begins with; its version follows.
const MAGIC: &[u8] = b"SKS session";
/// The only version there is.
const VERSION: u8 = 1;

impl SessionRecord {
    /// The record of a session just created.
    pub(super) fn opened(
        key: SessionKey,
        request: create_provisioning_session::Request,
        client_session_id: Id,
        device_certificate: Vec<u8>,
    ) -> Self {
        Self {
            key,
            client_session_id,
            server_session_id: request.server_session_id,
            // Checked to be UTF-8 before it was sent.
            issuer_uri: String::from_utf8_lossy(&request.issuer_uri.0).into_owned(),
            updatable: request.updatable,
            open: true,
            counter: 0,
            left: request.session_key_limit,
            device_certificate,
        }
    }

    /// The session key.
    #[must_use]
    pub fn key(&self) -> &SessionKey {
        &self.key
    }

    /// The token's name for the session.
    #[must_use]
    pub fn client_session_id(&self) -> &Id {
        &self.client_session_id
    }

    /// The issuer's name for the session.
    #[must_use]
    pub fn server_session_id(&self) -> &Id {
        &self.server_session_id
    }

    /// The issuer's URI.
    #[must_use]
    pub fn issuer_uri(&self) -> &str {
        &self.issuer_uri
    }

    /// Whether the session's keys may be targets of post provisioning.
    #[must_use]
    pub fn updatable(&self) -> bool {
        self.updatable
    }

    /// Whether the session was open when this was last known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// MACSequenceCounter: the one that the next MAC takes.
    #[must_use]
    pub fn counter(&self) -> u16 {
        self.counter
    }

    /// What SessionKeyLimit leaves.
    #[must_use]
    pub fn left(&self) -> u16 {
        self.left
    }

    /// The certificate of the device, DER.
    #[must_use]
    pub fn device_certificate(&self) -> &[u8] {
        &self.device_certificate
    }

    /// The record as bytes, in clear: whoever stores them seals them.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it, so that no part is left behind where the vector was.
        let room = 512 + self.issuer_uri.len() + self.device_certificate.len();
        let mut out = Zeroizing::new(Vec::with_capacity(room));
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        Secret::from(self.key.expose()).write(&mut out);
        self.client_session_id.write(&mut out);
        self.server_session_id.write(&mut out);
        AnyText::from(self.issuer_uri.as_str()).write(&mut out);
        self.updatable.write(&mut out);
        self.open.write(&mut out);
        self.counter.write(&mut out);
        self.left.write(&mut out);
        self.device_certificate.write(&mut out);
        out
    }

    /// Reads what [`SessionRecord::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(RecordError::Damaged)?;
        match take(&mut rest)? {
            VERSION => {}
            other => return Err(RecordError::Version(other)),
        }
        let key: Secret = take(&mut rest)?;
        let key: &[u8; KEY_LENGTH] = key.expose().try_into().map_err(|_| RecordError::Damaged)?;
        let record = Self {
            key: SessionKey::from_bytes(key),
            client_session_id: take(&mut rest)?,
            server_session_id: take(&mut rest)?,
            issuer_uri: take::<AnyText>(&mut rest)?.get().map_err(|_| RecordError::Damaged)?.to_owned(),
            updatable: take(&mut rest)?,
            open: take(&mut rest)?,
            counter: take(&mut rest)?,
            left: take(&mut rest)?,
            device_certificate: take(&mut rest)?,
        };
        if rest.is_empty() { Ok(record) } else { Err(RecordError::Damaged) }
    }
}

/// Reads one field.
fn take<F: Field>(rest: &mut &[u8]) -> Result<F, RecordError> {
    let (after, field) = F::parse(rest).map_err(|_| RecordError::Damaged)?;
    *rest = after;
    Ok(field)
}

impl fmt::Debug for SessionRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRecord")
            .field("client_session_id", &self.client_session_id)
            .field("server_session_id", &self.server_session_id)
            .field("issuer_uri", &self.issuer_uri)
            .field("open", &self.open)
            .field("counter", &self.counter)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn record() -> SessionRecord {
        SessionRecord {
            key: SessionKey::from_bytes(&[0xAB; 32]),
            client_session_id: Id::new("C-1").unwrap(),
            server_session_id: Id::new("S-1").unwrap(),
            issuer_uri: "https://ca.example.com/enroll".to_owned(),
            updatable: true,
            open: false,
            counter: 3,
            left: 20,
            device_certificate: vec![0x30, 0],
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        assert_eq!(SessionRecord::from_bytes(&record().to_bytes()), Ok(record()));
    }

    #[test]
    fn no_cut_or_longer_form_is_read() {
        let bytes = record().to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(SessionRecord::from_bytes(&bytes[..length]), Err(RecordError::Damaged));
        }
        assert_eq!(SessionRecord::from_bytes(&[&bytes[..], &[0]].concat()), Err(RecordError::Damaged));
    }

    #[test]
    fn a_newer_version_is_named() {
        let mut bytes = record().to_bytes();
        bytes[MAGIC.len()] = 2;
        assert_eq!(SessionRecord::from_bytes(&bytes), Err(RecordError::Version(2)));
    }

    #[test]
    fn debug_shows_no_byte_of_the_key() {
        let shown = format!("{:?}", record()).to_lowercase();
        assert!(!shown.contains("ab, ") && !shown.contains("abab") && !shown.contains("171"));
    }
}
