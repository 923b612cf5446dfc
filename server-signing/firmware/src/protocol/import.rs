//! The call of `setidpkeys`. Not DER: the credentials in it are read from, and written to, wiped memory alone.
//!
//! ```text
//! Import ::= count (u8) | count * (name: bytes | credential: bytes) | count (u8) | count * (certificate: bytes)
//! bytes  ::= length (u16, big endian) | that many bytes
//! ```

use tw4s_formats::limit::{MAX_CERTIFICATE_LEN, MAX_TEXT_LEN};
use zeroize::Zeroizing;

use crate::administrator::{CREDENTIAL_LENGTHS, Logon, MAX_ADMINISTRATORS};
use crate::error::FirmwareError;
use crate::idp::MAX_IDPS;

/// Administrators, and the certificates that they import.
#[derive(Debug)]
pub struct Import {
    /// Who imports.
    pub logons: Vec<Logon>,
    /// DER.
    pub certificates: Vec<Vec<u8>>,
}

impl Import {
    /// Writes the call.
    ///
    /// # Errors
    /// `Malformed` for what is out of bounds.
    pub fn encode(logons: &[Logon], certificates: &[Vec<u8>]) -> Result<Zeroizing<Vec<u8>>, FirmwareError> {
        let certificate_bytes: usize = certificates.iter().map(|der| 2 + der.len()).sum();
        // With room for all, so that no copy stays where a buffer grew.
        let mut out = Zeroizing::new(Vec::with_capacity(MAX_LOGONS_LEN + 1 + certificate_bytes));
        push_logons(&mut out, logons)?;
        push_count(&mut out, certificates.len(), MAX_IDPS)?;
        for der in certificates {
            push(&mut out, der, MAX_CERTIFICATE_LEN)?;
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
        let mut certificates = Vec::new();
        for _ in 0..from.count(MAX_IDPS)? {
            certificates.push(from.bytes(MAX_CERTIFICATE_LEN)?.to_vec());
        }
        from.end()?;
        Ok(Self { logons, certificates })
    }
}

/// Bytes of the longest list of logons.
pub(super) const MAX_LOGONS_LEN: usize = 1 + MAX_ADMINISTRATORS * (4 + 4 * MAX_TEXT_LEN + *CREDENTIAL_LENGTHS.end());

pub(super) fn push_logons(out: &mut Vec<u8>, logons: &[Logon]) -> Result<(), FirmwareError> {
    push_count(out, logons.len(), MAX_ADMINISTRATORS)?;
    for logon in logons {
        push(out, logon.name().as_bytes(), 4 * MAX_TEXT_LEN)?;
        push(out, logon.credential(), *CREDENTIAL_LENGTHS.end())?;
    }
    Ok(())
}

pub(super) fn push_count(out: &mut Vec<u8>, count: usize, max: usize) -> Result<(), FirmwareError> {
    let count = u8::try_from(count).ok().filter(|_| count <= max).ok_or(FirmwareError::Malformed)?;
    out.push(count);
    Ok(())
}

pub(super) fn push(out: &mut Vec<u8>, bytes: &[u8], max: usize) -> Result<(), FirmwareError> {
    let length = u16::try_from(bytes.len()).ok().filter(|_| bytes.len() <= max).ok_or(FirmwareError::Malformed)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    pub(super) fn logons(&mut self) -> Result<Vec<Logon>, FirmwareError> {
        let mut logons = Vec::new();
        for _ in 0..self.count(MAX_ADMINISTRATORS)? {
            let name = self.name()?;
            let credential = Zeroizing::new(self.bytes(*CREDENTIAL_LENGTHS.end())?.to_vec());
            logons.push(Logon::new(name, credential));
        }
        Ok(logons)
    }

    pub(super) fn name(&mut self) -> Result<&'a str, FirmwareError> {
        std::str::from_utf8(self.bytes(4 * MAX_TEXT_LEN)?).map_err(|_| FirmwareError::Malformed)
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], FirmwareError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(FirmwareError::Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    /// That nothing is left.
    pub(super) fn end(self) -> Result<(), FirmwareError> {
        if self.0.is_empty() { Ok(()) } else { Err(FirmwareError::Malformed) }
    }

    pub(super) fn count(&mut self, max: usize) -> Result<usize, FirmwareError> {
        let (count, rest) = self.0.split_first().ok_or(FirmwareError::Malformed)?;
        self.0 = rest;
        let count = usize::from(*count);
        if count <= max { Ok(count) } else { Err(FirmwareError::Malformed) }
    }

    fn bytes(&mut self, max: usize) -> Result<&'a [u8], FirmwareError> {
        let (length, rest) = self.0.split_first_chunk::<2>().ok_or(FirmwareError::Malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (bytes, rest) = rest.split_at_checked(length).filter(|_| length <= max).ok_or(FirmwareError::Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reads_what_it_writes(
            names in proptest::collection::vec(("[a-z]{1,20}", proptest::collection::vec(any::<u8>(), 1..40)), 0..4),
            certificates in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 0..4),
        ) {
            let logons: Vec<Logon> =
                names.iter().map(|(name, credential)| Logon::new(name, Zeroizing::new(credential.clone()))).collect();
            let body = Import::encode(&logons, &certificates).unwrap();
            let read = Import::decode(&body).unwrap();
            prop_assert_eq!(&read.certificates, &certificates);
            for ((name, credential), logon) in names.iter().zip(&read.logons) {
                prop_assert_eq!(name, logon.name());
                prop_assert_eq!(credential.as_slice(), logon.credential());
            }
            prop_assert!(Import::decode(&body[..body.len() - 1]).is_err());
            prop_assert!(Import::decode(&[&body[..], &[0]].concat()).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(read) = Import::decode(&bytes) {
                prop_assert_eq!(&Import::encode(&read.logons, &read.certificates).unwrap()[..], &bytes[..]);
            }
        }
    }
}
