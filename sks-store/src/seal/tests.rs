#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use sks_core::record::Address;
use sks_wire::Secret;

use super::*;
use crate::master::PassphraseCost;

const TEXT: &[u8] = b"a record";

fn sealer(passphrase: &str, salt: u8) -> Sealer {
    let cost = PassphraseCost { memory_kib: 8, passes: 1 };
    let master = MasterKey::derive(&Secret::new(passphrase.into()), &[9; 32], cost).unwrap();
    Sealer::new(&master, &[salt; 32])
}

fn sealed(sealer: &Sealer, place: &Place) -> Vec<u8> {
    let mut writer = Writer::new(HEAD);
    writer.raw(TEXT);
    sealer.seal(place, writer).unwrap()
}

#[test]
fn opens_what_it_sealed() {
    let (sealer, place) = (sealer("a", 1), Place::from(&Address::Key(7)));
    let value = sealed(&sealer, &place);
    assert_eq!(value.len(), HEAD + TEXT.len() + TAG);
    assert_ne!(value, sealed(&sealer, &place), "the nonce is new each time");
    assert_eq!(sealer.open(&place, value).unwrap().plain(), TEXT);
}

#[test]
fn refuses_each_flipped_bit() {
    let (sealer, place) = (sealer("a", 1), Place::from(&Address::Key(7)));
    let value = sealed(&sealer, &place);
    for at in 0..value.len() {
        for bit in 0..8 {
            let mut bad = value.clone();
            *bad.get_mut(at).unwrap() ^= 1 << bit;
            let fault = sealer.open(&place, bad).unwrap_err();
            assert_eq!(at == 0, matches!(fault, SealFault::Version(_)), "byte {at}");
        }
    }
}

#[test]
fn refuses_truncated_and_longer_values() {
    let (sealer, place) = (sealer("a", 1), Place::from(&Address::Key(7)));
    let mut value = sealed(&sealer, &place);
    for end in 0..value.len() {
        assert!(sealer.open(&place, value.get(..end).unwrap().to_vec()).is_err(), "{end} bytes");
    }
    value.push(0);
    assert_eq!(sealer.open(&place, value).unwrap_err(), SealFault::Forged);
}

#[test]
fn refuses_another_place_another_key_and_another_store() {
    let (right, place) = (sealer("a", 1), Place::from(&Address::Key(7)));
    let value = sealed(&right, &place);
    for elsewhere in [Address::Key(8), Address::Material(7), Address::PinPolicy(7)] {
        assert_eq!(right.open(&Place::from(&elsewhere), value.clone()).unwrap_err(), SealFault::Forged);
    }
    assert_eq!(sealer("b", 1).open(&place, value.clone()).unwrap_err(), SealFault::Forged);
    assert_eq!(sealer("a", 2).open(&place, value).unwrap_err(), SealFault::Forged);
}
