//! The master backup key, and what is derived from it.
//!
//! Everything comes from this key and a label by HKDF-SHA256 (RFC 5869), and from nothing else: whoever has the backup
//! of it makes the same firmware again, and two instances with the same key accept each other's wrapped keys.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::StateError;

/// The master backup key: HKDF-Extract of it, which does all that the key could. Needed to initialise and to open; drop
/// it then.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Takes the secret: 32 to 1024 bytes that nobody can guess, such as random ones. It is extracted at once and can
    /// be wiped then.
    ///
    /// # Errors
    /// [`StateError::MasterKeyLength`].
    pub fn new(secret: &[u8]) -> Result<Self, StateError> {
        if !LENGTHS.contains(&secret.len()) {
            return Err(StateError::MasterKeyLength);
        }
        let (extracted, _) = Hkdf::<Sha256>::extract(Some(SALT), secret);
        Ok(Self(Zeroizing::new(extracted.into())))
    }

    /// HKDF-Expand(HKDF-Extract(salt, secret), label, N).
    pub(crate) fn derive<const N: usize>(&self, label: &str) -> Result<Zeroizing<[u8; N]>, StateError> {
        self.derive_numbered(label, 0)
    }

    /// The same for a label with a number, for a value that has to be drawn until it fits.
    pub(crate) fn derive_numbered<const N: usize>(
        &self,
        label: &str,
        number: u8,
    ) -> Result<Zeroizing<[u8; N]>, StateError> {
        let mut key = Zeroizing::new([0; N]);
        let info = [label.as_bytes(), &[0, number]].concat();
        let failed = StateError::Failed("key derivation");
        match Hkdf::<Sha256>::from_prk(&*self.0).map(|hkdf| hkdf.expand(&info, &mut *key)) {
            Ok(Ok(())) => Ok(key),
            _ => Err(failed),
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Bytes; 256 bits are what the keys derived from it need, and more than 1024 bytes is a wrong file.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=1024;
const SALT: &[u8] = b"tw4s firmware 1";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn derivation_is_hkdf_of_the_secret_and_the_label() {
        let derived = MasterKey::new(&[7; 32]).unwrap().derive::<32>("a label").unwrap();
        let mut expected = [0; 32];
        Hkdf::<Sha256>::new(Some(b"tw4s firmware 1"), &[7; 32]).expand(b"a label\0\0", &mut expected).unwrap();
        assert_eq!(*derived, expected);
    }

    #[test]
    fn labels_numbers_and_secrets_all_count() {
        let master = MasterKey::new(&[7; 32]).unwrap();
        let one = master.derive::<32>("one").unwrap();
        assert_ne!(one, master.derive::<32>("two").unwrap());
        assert_ne!(one, master.derive_numbered::<32>("one", 1).unwrap());
        assert_ne!(one, MasterKey::new(&[8; 32]).unwrap().derive::<32>("one").unwrap());
    }

    #[test]
    fn rejects_short_and_endless_secrets() {
        assert!(matches!(MasterKey::new(&[7; 31]), Err(StateError::MasterKeyLength)));
        assert!(matches!(MasterKey::new(&[7; 1025]), Err(StateError::MasterKeyLength)));
    }

    #[test]
    fn debug_shows_no_byte() {
        assert_eq!(format!("{:?}", MasterKey::new(&[7; 32]).unwrap()), "MasterKey(..)");
    }
}
