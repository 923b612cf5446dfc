#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::samples;

proptest! {
    #[test]
    fn places_round_trip(address in samples::address()) {
        let place = Place::from(&address);
        prop_assert_eq!(place.address(), Ok(address));
        prop_assert_eq!(&Place::raw(place.tree(), place.key()), &place);
    }

    #[test]
    fn keys_sort_as_addresses_do(one in samples::address(), other in samples::address()) {
        let (here, there) = (Place::from(&one), Place::from(&other));
        let raw = |place: &Place| (place.tree(), place.key().to_vec());
        prop_assert_eq!(raw(&here).cmp(&raw(&there)), one.cmp(&other));
    }

    /// What is read as an address is written as the same bytes, and nothing panics.
    #[test]
    fn any_key_is_refused_or_canonical(tree in 0u8..20, key in vec(any::<u8>(), 0..12)) {
        let place = Place::raw(Tree(tree), &key);
        if let Ok(address) = place.address() {
            prop_assert_eq!(Place::from(&address), place);
        }
    }

    #[test]
    fn cut_or_longer_keys_are_refused(address in samples::address()) {
        let place = Place::from(&address);
        let text = matches!(address, Address::ClientSessionId(_) | Address::Name(..));
        let longer = [place.key(), &[0]].concat();
        prop_assert!(Place::raw(place.tree(), &longer).address().is_err());
        if let (false, Some((_, cut))) = (text, place.key().split_last()) {
            prop_assert!(Place::raw(place.tree(), cut).address().is_err());
        }
    }
}

#[test]
fn trees_are_numbered_in_order_and_named_once() {
    for (at, (number, name)) in TABLES.iter().enumerate() {
        assert_eq!(usize::from(*number), at);
        assert_eq!(TABLES.iter().filter(|(_, other)| other == name).count(), 1);
    }
}

#[test]
fn descriptions_name_table_and_handle() {
    assert_eq!(describe(&Place::from(&Address::PolicyGroup(7, 9))), "PolicyGroup(7, 9)");
    assert_eq!(describe(&Place::raw(Tree(KEY), &[1, 2])), "Key (key 0102)");
    assert_eq!(describe(&Place::raw(Tree(99), &[])), "unknown table (key )");
}
