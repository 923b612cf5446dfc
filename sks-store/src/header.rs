//! The file `seal`: which kind of master key, the salt, and a value that tells a wrong key from damage.
//!
//! It is read before anything else is opened, so a wrong key touches nothing. Five lines of text:
//!
//! ```text
//! sks sealed store 1
//! salt <64 hex digits>
//! key file                                     or: key passphrase argon2id m=65536 t=3 p=1
//! check <64 hex digits>                        HKDF-SHA256(salt, master key, info "sks-store 1 key check" 00 || the lines before)
//! sum <16 hex digits>                          the first 8 bytes of SHA-256(the lines before)
//! ```

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::master::{MasterKey, PassphraseCost};
use crate::seal::expand;

/// The version of this file, of the key derivation and of the sealing.
pub(crate) const VERSION: u32 = 1;

/// No header is longer, in bytes.
pub(crate) const MAX_LEN: u64 = 1024;

const CHECK_INFO: &[u8] = b"sks-store 1 key check\0";

/// What kind of master key the store was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    File,
    Passphrase(PassphraseCost),
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Random; of the sealing key, and of argon2id.
    pub(crate) salt: [u8; 32],
    pub(crate) kind: KeyKind,
    check: [u8; 32],
}

/// Why a header was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    Newer(u32),
    Damaged(&'static str),
}

impl Header {
    pub(crate) fn new(salt: [u8; 32], kind: KeyKind, master: &MasterKey) -> Self {
        Self { salt, kind, check: check(&salt, kind, master) }
    }

    /// Whether this is the key that the store was made with.
    pub(crate) fn admits(&self, master: &MasterKey) -> bool {
        check(&self.salt, self.kind, master).ct_eq(&self.check).into()
    }

    pub(crate) fn encode(&self) -> String {
        let mut text = top(&self.salt, self.kind);
        text.push_str(&format!("check {}\n", hex::encode(self.check)));
        let sum = Sha256::digest(&text);
        text.push_str(&format!("sum {}\n", hex::encode(sum.first_chunk::<8>().unwrap_or(&[0; 8]))));
        text
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let text = std::str::from_utf8(bytes).map_err(|_| HeaderFault::Damaged("it is not text"))?;
        let mut lines = text.split('\n');
        let version = lines.next().and_then(|line| line.strip_prefix("sks sealed store ")).and_then(number);
        match version {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => return Err(HeaderFault::Newer(newer)),
            _ => return Err(HeaderFault::Damaged("its first line is not that of a sealed store")),
        }
        let header = Self::fields(&mut lines).ok_or(HeaderFault::Damaged("a line of it cannot be read"))?;
        // Everything else is compared: order, spelling, the sum.
        if header.encode().as_bytes() != bytes {
            return Err(HeaderFault::Damaged("its sum does not fit"));
        }
        Ok(header)
    }

    fn fields<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        let salt = array(lines.next()?.strip_prefix("salt ")?)?;
        let kind = match lines.next()?.strip_prefix("key ")? {
            "file" => KeyKind::File,
            passphrase => {
                let mut words = passphrase.strip_prefix("passphrase argon2id m=")?.split(" t=");
                let memory_kib = number(words.next()?)?;
                let passes = number(words.next()?.strip_suffix(" p=1")?)?;
                let cost = PassphraseCost { memory_kib, passes };
                cost.is_bearable().then_some(KeyKind::Passphrase(cost))?
            }
        };
        let check = array(lines.next()?.strip_prefix("check ")?)?;
        Some(Self { salt, kind, check })
    }
}

/// The lines that the check covers.
fn top(salt: &[u8; 32], kind: KeyKind) -> String {
    let kind = match kind {
        KeyKind::File => "file".to_owned(),
        KeyKind::Passphrase(PassphraseCost { memory_kib, passes }) => {
            format!("passphrase argon2id m={memory_kib} t={passes} p=1")
        }
    };
    format!("sks sealed store {VERSION}\nsalt {}\nkey {kind}\n", hex::encode(salt))
}

fn check(salt: &[u8; 32], kind: KeyKind, master: &MasterKey) -> [u8; 32] {
    let mut check = [0; 32];
    expand(master, salt, &[CHECK_INFO, top(salt, kind).as_bytes()], &mut check);
    check
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn array(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use sks_wire::Secret;

    use super::*;

    const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 8, passes: 1 };

    fn master(text: &str) -> MasterKey {
        MasterKey::derive(&Secret::new(text.into()), &[1; 32], CHEAP).unwrap()
    }

    fn headers() -> [Header; 2] {
        [KeyKind::File, KeyKind::Passphrase(CHEAP)].map(|kind| Header::new([2; 32], kind, &master("right")))
    }

    #[test]
    fn round_trips_and_admits_its_key_alone() {
        for header in headers() {
            assert_eq!(Header::decode(header.encode().as_bytes()), Ok(header.clone()));
            assert!(header.admits(&master("right")));
            assert!(!header.admits(&master("wrong")));
        }
    }

    #[test]
    fn refuses_each_flipped_bit_and_each_prefix() {
        for header in headers() {
            let good = header.encode().into_bytes();
            assert!(good.len() < MAX_LEN as usize);
            for at in 0..good.len() {
                for bit in 0..8 {
                    let mut bad = good.clone();
                    *bad.get_mut(at).unwrap() ^= 1 << bit;
                    assert!(Header::decode(&bad).is_err(), "byte {at}, bit {bit}");
                }
                assert!(Header::decode(good.get(..at).unwrap()).is_err(), "{at} bytes");
            }
        }
    }

    #[test]
    fn names_a_newer_version() {
        for header in headers() {
            let newer = header.encode().replace("store 1", "store 2");
            assert_eq!(Header::decode(newer.as_bytes()), Err(HeaderFault::Newer(2)));
        }
    }

    #[test]
    fn refuses_a_cost_that_would_hang_the_daemon() {
        let huge = KeyKind::Passphrase(PassphraseCost { memory_kib: u32::MAX, passes: 1 });
        let header = Header::new([2; 32], huge, &master("right"));
        assert!(matches!(Header::decode(header.encode().as_bytes()), Err(HeaderFault::Damaged(_))));
    }
}
