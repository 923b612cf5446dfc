//! `Signing`: signs hashes (Table 22).

use der::Sequence;

use crate::error::Error;
use crate::field::{List, Octets};
use crate::format::Format;
use crate::limit::{MAX_HASHES, MAX_RESULT_LEN, MAX_SAD_LEN, MAX_SIGNATURE_LEN};
use crate::sad::Sad;

/// ```text
/// SEQUENCE { sad OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct Signing {
    /// DER of a [`Sad`].
    pub sad: Octets<1, MAX_SAD_LEN>,
}

impl Signing {
    /// Asks for what `sad` authorises.
    ///
    /// # Errors
    /// What [`Format::to_bytes`] refuses.
    pub fn new(sad: &Sad) -> Result<Self, Error> {
        Ok(Self { sad: Octets::new(sad.to_bytes()?)? })
    }

    /// Reads the SAD.
    ///
    /// # Errors
    /// What [`Format::parse`] refuses.
    pub fn sad(&self) -> Result<Sad, Error> {
        Sad::parse(self.sad.as_bytes())
    }
}

/// ```text
/// SEQUENCE { sigbin SEQUENCE OF OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct SigningResult {
    /// One signature for each hash, in their order (row 14).
    pub sigbin: List<Octets<1, MAX_SIGNATURE_LEN>, 1, MAX_HASHES>,
}

impl Format for SigningResult {
    const MAX_LEN: usize = MAX_RESULT_LEN;
}
