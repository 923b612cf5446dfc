//! Administrators: who may initialise the firmware and import identity providers. Two at once, under dual control.

mod change;

use std::collections::BTreeSet;
use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use der::Sequence;
use subtle::ConstantTimeEq;
use tw4s_formats::{Octets, Text};
use zeroize::Zeroizing;

pub use change::Changes;

use crate::error::StateError;

/// A name with its credential: `LogonPass=<user>,<credential>`.
pub struct Logon {
    name: String,
    credential: Zeroizing<Vec<u8>>,
}

impl Logon {
    /// Takes both.
    #[must_use]
    pub fn new(name: impl Into<String>, credential: Zeroizing<Vec<u8>>) -> Self {
        Self { name: name.into(), credential }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn credential(&self) -> &[u8] {
        &self.credential
    }
}

impl fmt::Debug for Logon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logon").field("name", &self.name).finish_non_exhaustive()
    }
}

/// ```text
/// Administrator ::= SEQUENCE { name UTF8String, salt OCTET STRING (SIZE(16)), verifier OCTET STRING (SIZE(32)) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(crate) struct Administrator {
    name: Text,
    salt: Octets<16, 16>,
    /// argon2id v1.3 of the credential.
    verifier: Octets<32, 32>,
}

/// How many administrators must agree.
pub(crate) fn quorum(dual_control: bool) -> usize {
    if dual_control { 2 } else { 1 }
}

/// Makes the records of the first administrators.
///
/// # Errors
/// [`StateError::Administrators`], [`StateError::Failed`].
pub(crate) fn enrol(logons: &[Logon], dual_control: bool) -> Result<Vec<Administrator>, StateError> {
    let names: BTreeSet<&str> = logons.iter().map(Logon::name).collect();
    let sound = |logon: &Logon| CREDENTIAL_LENGTHS.contains(&logon.credential.len());
    if names.len() != logons.len()
        || !(quorum(dual_control)..=MAX_ADMINISTRATORS).contains(&names.len())
        || !logons.iter().all(sound)
    {
        return Err(StateError::Administrators);
    }
    logons.iter().map(record).collect()
}

fn record(logon: &Logon) -> Result<Administrator, StateError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| StateError::Failed("the source of random numbers"))?;
    let verifier = stretch(logon.credential(), &salt)?;
    Ok(Administrator {
        name: Text::new(logon.name()).map_err(|_| StateError::Administrators)?,
        salt: Octets::new(salt).map_err(|_| StateError::Administrators)?,
        verifier: Octets::new(verifier.as_slice()).map_err(|_| StateError::Administrators)?,
    })
}

/// Whether as many different administrators as must agree are here with their credentials. One wrong credential, or an
/// unknown name, spoils the rest.
pub(crate) fn authenticate(administrators: &[Administrator], logons: &[Logon], dual_control: bool) -> bool {
    if logons.len() > MAX_ADMINISTRATORS {
        return false;
    }
    let mut present = BTreeSet::new();
    let mut all_right = true;
    for logon in logons {
        let known = administrators.iter().find(|administrator| administrator.name.as_str() == logon.name());
        // An unknown name costs as much time as a known one.
        let salt = known.map_or(&[0; 16][..], |administrator| administrator.salt.as_bytes());
        let stretched = stretch(logon.credential(), salt).ok();
        let right = known.zip(stretched).is_some_and(|(administrator, stretched)| {
            administrator.verifier.as_bytes().ct_eq(stretched.as_slice()).into()
        });
        all_right &= right;
        present.insert(logon.name());
    }
    all_right && present.len() >= quorum(dual_control)
}

fn stretch(credential: &[u8], salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, StateError> {
    let failed = |_| StateError::Failed("argon2id");
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(failed)?;
    let mut out = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(credential, salt, &mut *out).map_err(failed)?;
    Ok(out)
}

/// RFC 9106 4, the second recommended choice, with one lane.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
/// Bytes of a credential: an empty one protects nothing, a longer one is a wrong file.
pub(crate) const CREDENTIAL_LENGTHS: std::ops::RangeInclusive<usize> = 1..=1024;
/// Two, one for each who is away, and room.
pub(crate) const MAX_ADMINISTRATORS: usize = 8;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn logon(name: &str, credential: &str) -> Logon {
        Logon::new(name, Zeroizing::new(credential.as_bytes().to_vec()))
    }

    #[test]
    fn two_different_administrators_with_their_credentials_are_needed() {
        let [anna, bert] = ["anna", "bert"].map(|name| move |credential| logon(name, credential));
        let known = enrol(&[anna("one"), bert("two")], true).unwrap();
        assert!(authenticate(&known, &[anna("one"), bert("two")], true));
        assert!(!authenticate(&known, &[anna("one")], true), "one of two");
        assert!(authenticate(&known, &[anna("one")], false), "one, without dual control");
        assert!(!authenticate(&known, &[anna("one"), anna("one")], true), "one twice");
        assert!(!authenticate(&known, &[anna("one"), bert("one")], true), "a wrong credential");
        assert!(!authenticate(&known, &[anna("two"), bert("two")], true), "a wrong one before the right one");
        assert!(!authenticate(&known, &[anna("one"), logon("carl", "two")], true), "an unknown name");
        assert!(!authenticate(&known, &[], false), "nobody");
    }

    #[test]
    fn dual_control_enrols_two_or_more() {
        assert!(enrol(&[logon("anna", "one")], true).is_err());
        assert!(enrol(&[logon("anna", "one"), logon("anna", "two")], true).is_err());
        assert!(enrol(&[logon("anna", "one"), logon("bert", "")], true).is_err());
        assert!(enrol(&[], false).is_err());
        let long = |length| enrol(&[logon("anna", "one"), logon("bert", &"x".repeat(length))], true);
        assert!(long(1025).is_err() && long(1024).is_ok());
        let nine: Vec<Logon> = (0..9).map(|number| logon(&format!("n{number}"), "one")).collect();
        assert!(enrol(&nine, true).is_err());
        assert!(enrol(&[logon("anna", "one"), logon("anna", "two")], false).is_err(), "which credential is it?");
    }

    /// Nobody sees from the file that two have the same credential, and no table serves for two of them.
    #[test]
    fn equal_credentials_have_unequal_records() {
        let known = enrol(&[logon("anna", "one"), logon("bert", "one")], true).unwrap();
        let [anna, bert] = known.as_slice() else { panic!("two") };
        assert!(anna.salt != bert.salt && anna.verifier != bert.verifier);
    }

    /// Each costs the time and the memory of a guess.
    #[test]
    fn more_logons_than_there_can_be_administrators_are_not_looked_at() {
        let known = enrol(&[logon("anna", "one"), logon("bert", "two")], true).unwrap();
        let mut logons: Vec<Logon> = (0..8).map(|_| logon("anna", "one")).collect();
        logons.push(logon("bert", "two"));
        assert!(!authenticate(&known, &logons, true));
    }

    #[test]
    fn debug_shows_no_credential() {
        assert_eq!(format!("{:?}", logon("anna", "secret")), r#"Logon { name: "anna", .. }"#);
    }
}
