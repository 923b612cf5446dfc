#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::prelude::*;
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;

use super::*;
use crate::samples;
use crate::schema::write::{PAD, algorithm_code};

fn encoded(at: &Address, record: &Record) -> Vec<u8> {
    let mut writer = Writer::new(0);
    assert!(encode(at, record, &mut writer));
    writer.into_bytes()
}

proptest! {
    #[test]
    fn records_round_trip((at, record) in samples::entry()) {
        prop_assert_eq!(decode(&at, &encoded(&at, &record)), Ok(record));
    }

    #[test]
    fn cut_or_longer_records_are_refused((at, record) in samples::entry(), cut in any::<prop::sample::Index>()) {
        let mut bytes = encoded(&at, &record);
        let cut = bytes.get(..cut.index(bytes.len())).unwrap();
        prop_assert!(decode(&at, cut).is_err());
        bytes.push(0);
        let kind = decode(&at, &bytes).unwrap_err().kind;
        prop_assert_eq!(kind, Kind::Trailing);
    }

    #[test]
    fn newer_versions_are_refused((at, record) in samples::entry(), version in 2u8..) {
        let mut bytes = encoded(&at, &record);
        *bytes.first_mut().unwrap() = version;
        prop_assert_eq!(decode(&at, &bytes), Err(Fault { kind: Kind::Version(version), at: 0 }));
    }

    /// What is read as a record is written as the same bytes, and nothing panics.
    #[test]
    fn any_bytes_are_refused_or_canonical(
        (at, record) in samples::entry(), changes in vec(any::<(prop::sample::Index, u8)>(), 1..4)
    ) {
        let mut bytes = encoded(&at, &record);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            *bytes.get_mut(place).unwrap() = value;
        }
        if let Ok(record) = decode(&at, &bytes) {
            prop_assert_eq!(encoded(&at, &record), bytes);
        }
    }

    #[test]
    fn garbage_never_panics(at in samples::address(), mut bytes in vec(any::<u8>(), 1..80)) {
        *bytes.first_mut().unwrap() = VERSION;
        let _ = decode(&at, &bytes);
    }
}

#[test]
fn records_are_taken_at_their_own_addresses_only() {
    let mut writer = Writer::new(0);
    assert!(!encode(&Address::Key(1), &Record::Mark, &mut writer));
    assert!(!encode(&Address::Counter(sks_core::record::Counter::Key), &Record::Time(1), &mut writer));
}

/// All PINs and PUKs of the text, 0 to 100 bytes, take the same space.
#[test]
fn size_does_not_tell_the_length_of_a_pin() {
    let sizes: Vec<usize> = [0, 1, 4, 99, 100, PAD - 1]
        .into_iter()
        .map(|length| {
            let pin = Secret::new(vec![b'1'; length]);
            let group = PinGroup { policy: 1, signature: false, pin, error_count: 0 };
            encoded(&Address::PinGroup(1), &Record::PinGroup(group)).len()
        })
        .collect();
    assert!(sizes.iter().all(|size| Some(size) == sizes.first()), "{sizes:?}");
}

#[test]
fn padding_that_was_not_written_is_refused() {
    let group = PinGroup { policy: 1, signature: false, pin: Secret::new(b"1563".to_vec()), error_count: 0 };
    let at = Address::PinGroup(1);
    let mut bytes = encoded(&at, &Record::PinGroup(group));
    let last = bytes.len() - 2;
    *bytes.get_mut(last).unwrap() = 1;
    assert_eq!(decode(&at, &bytes).unwrap_err().kind, Kind::Padding);
}

#[test]
fn algorithms_have_codes_of_their_own() {
    let mut codes: Vec<u8> = Algorithm::ALL.iter().map(|algorithm| algorithm_code(*algorithm)).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Algorithm::ALL.len());
}
