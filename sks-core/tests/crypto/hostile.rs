//! Input that is no key, or no sound one: none of it may load, and none may panic.

use sks_core::crypto::{PeerKeyError, certificate, engine, peer_key};
use sks_core::ports::{Crypto, CryptoError, KeySpec};

use crate::engines::engines;
use crate::fixtures::{bytes, key, spki};
use crate::vectors::vectors;

/// How every engine answers; AwsLc alone may call the smaller keys unsupported.
fn refused(pkcs8: &[u8], what: &str) {
    for (engine, crypto) in engines() {
        match crypto.load(pkcs8).err() {
            Some(CryptoError::BadKey | CryptoError::Unsupported) => {}
            other => panic!("{engine}, {what}: {other:?}"),
        }
    }
}

#[test]
fn truncated_and_lengthened_keys_do_not_load() {
    for name in ["rsa-1024", "rsa-2048", "p256"] {
        let whole = key(name);
        for len in (0..whole.len()).step_by(3).chain([whole.len() - 1]) {
            refused(&whole[..len], &format!("{name} cut to {len}"));
        }
        refused(&[whole.as_slice(), &[0]].concat(), "a trailing byte");
    }
    refused(&[], "nothing");
    refused(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], "a huge length");
}

/// A flipped bit either makes another key that every engine takes for the same, or it is refused by all. In RSA keys
/// no bit can be flipped: the eight numbers hold each other; in EC keys the public key holds the private one.
#[test]
fn flipped_bits_do_not_load() {
    for (name, step) in [("rsa-1024", 37), ("rsa-2048", 53), ("p256", 1)] {
        let whole = key(name);
        for bit in (0..whole.len() * 8).step_by(step) {
            let mut bad = whole.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            refused(&bad, &format!("{name}, bit {bit}"));
        }
    }
}

#[test]
fn other_kinds_and_sizes_do_not_load() {
    for name in ["rsa-1536", "rsa-2056", "rsa-2048-3primes", "p384", "ed25519", "p256-explicit"] {
        for (engine, crypto) in engines() {
            assert_eq!(crypto.load(&key(name)).err(), Some(CryptoError::Unsupported), "{engine}, {name}");
        }
    }
}

/// The eight numbers of an RSA key and where they begin, from the fixed layout of what OpenSSL writes.
fn numbers(pkcs8: &[u8]) -> Vec<std::ops::Range<usize>> {
    // SEQUENCE, version, algorithm, OCTET STRING, SEQUENCE, version; lengths of two bytes all along.
    let mut at = 4 + 3 + 15 + 4 + 4 + 3;
    let mut found = Vec::new();
    while at < pkcs8.len() {
        let (header, len) = match pkcs8[at + 1] {
            0x82 => (4, usize::from(u16::from_be_bytes([pkcs8[at + 2], pkcs8[at + 3]]))),
            0x81 => (3, usize::from(pkcs8[at + 2])),
            short => (2, usize::from(short)),
        };
        found.push(at + header..at + header + len);
        at += header + len;
    }
    found
}

#[test]
fn every_number_of_an_rsa_key_counts() {
    for name in ["rsa-1024", "rsa-2048"] {
        let whole = key(name);
        let numbers = numbers(&whole);
        assert_eq!(numbers.len(), 8);
        for (index, number) in numbers.iter().enumerate() {
            // The last byte but one: the number stays odd or even, and as long as it was.
            let mut bad = whole.clone();
            let at = if number.len() > 3 { number.end - 2 } else { number.start };
            bad[at] ^= 0x10;
            refused(&bad, &format!("{name}, number {index}"));
        }
    }
}

/// n, e, d and the rest of one key with the primes of another.
#[test]
fn the_primes_of_another_key_do_not_fit() {
    let (ours, other) = (key("rsa-2048"), key("rsa-2048-e3"));
    let (to, from) = (numbers(&ours), numbers(&other));
    for index in [3, 4] {
        assert_eq!(to[index].len(), from[index].len());
        let mut bad = ours.clone();
        bad[to[index].clone()].copy_from_slice(&other[from[index].clone()]);
        refused(&bad, "a wrong prime");
    }
    let mut twice = ours.clone();
    let (p, q) = (to[3].clone(), to[4].clone());
    twice[q].copy_from_slice(&ours[p]);
    refused(&twice, "a prime twice");
    let mut swapped = ours.clone();
    swapped[to[3].clone()].copy_from_slice(&ours[to[4].clone()]);
    swapped[to[4].clone()].copy_from_slice(&ours[to[3].clone()]);
    refused(&swapped, "swapped primes with the old CRT numbers");
}

#[test]
fn private_numbers_out_of_range_do_not_load() {
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
    for scalar in [vec![0; 32], order, vec![0xff; 32]] {
        for name in ["p256-no-public", "p256"] {
            let mut bad = key(name);
            let at = if name == "p256" { 36 } else { 35 };
            bad[at..at + 32].copy_from_slice(&scalar);
            refused(&bad, name);
        }
    }
}

#[test]
fn peer_keys_are_told_apart_by_what_is_wrong() {
    let good = spki("p256");
    assert!(peer_key(&good).is_ok());
    assert_eq!(certificate::spec_of(&good), Ok(KeySpec::P256));
    for name in ["p384", "rsa-2048", "rsa-1024", "p256-explicit"] {
        assert_eq!(peer_key(&spki(name)).err(), Some(PeerKeyError::Algorithm), "{name}");
    }
    let with = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        bad
    };
    assert_eq!(peer_key(&with(12, 2)).err(), Some(PeerKeyError::Algorithm), "another kind of key");
    assert_eq!(peer_key(&with(22, 6)).err(), Some(PeerKeyError::Algorithm), "another curve");
    let without_curve = [&[0x30, 0x4f, 0x30, 0x09][..], &good[4..13], &good[23..]].concat();
    assert_eq!(peer_key(&without_curve).err(), Some(PeerKeyError::Algorithm), "no curve");

    let compressed = spki("p256-compressed");
    let infinity = [&[0x30, 0x19][..], &good[2..23], &[0x03, 0x02, 0x00, 0x00]].concat();
    let hybrid = with(26, 6);
    let malformed: [(&str, Vec<u8>); 8] = [
        ("nothing", vec![]),
        ("a trailing byte", [good.as_slice(), &[0]].concat()),
        ("compressed", compressed),
        ("infinity", infinity),
        ("hybrid", hybrid),
        ("unused bits", with(25, 1)),
        ("off the curve", with(90, good[90] ^ 1)),
        ("x over the field's prime", [&good[..27], &[0xff; 64]].concat()),
    ];
    for (what, bad) in malformed {
        assert_eq!(peer_key(&bad).err(), Some(PeerKeyError::Malformed), "{what}");
        for (engine, crypto) in engines() {
            let key = crypto.load(&key("p256")).unwrap();
            assert_eq!(key.agree(&bad).err(), Some(CryptoError::BadKey), "{engine}, {what}");
        }
    }
    for len in 0..good.len() {
        assert_eq!(peer_key(&good[..len]).err(), Some(PeerKeyError::Malformed), "cut to {len}");
    }
}

#[test]
fn no_flipped_bit_of_a_peer_key_passes() {
    let good = spki("p256");
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(peer_key(&bad).is_err(), "bit {bit}");
    }
}

#[test]
fn certificates_are_whole_or_refused() {
    let good = bytes(&vectors()["certificates"][0]);
    for len in (0..good.len()).step_by(7) {
        assert_eq!(certificate::public_key_of(&good[..len]), Err(CryptoError::BadKey));
    }
    assert_eq!(certificate::public_key_of(&[good.as_slice(), &[0]].concat()), Err(CryptoError::BadKey));
    assert_eq!(certificate::public_key_of(&[good.as_slice(), &good].concat()), Err(CryptoError::BadKey));
    assert_eq!(certificate::public_key_of(&spki("p256")), Err(CryptoError::BadKey));
}

#[test]
fn public_keys_have_a_kind_or_are_refused() {
    assert_eq!(certificate::spec_of(&spki("rsa-2048")), Ok(KeySpec::Rsa { bits: 2048, exponent: 65537 }));
    assert_eq!(certificate::spec_of(&spki("rsa-2048-e3")), Ok(KeySpec::Rsa { bits: 2048, exponent: 3 }));
    assert_eq!(certificate::spec_of(&spki("p384")), Err(CryptoError::Unsupported));
    assert_eq!(certificate::spec_of(&spki("p256-compressed")), Err(CryptoError::BadKey));
    assert_eq!(certificate::spec_of(b"key"), Err(CryptoError::BadKey));
    let key = engine().load(&key("rsa-3072")).unwrap();
    assert_eq!(certificate::spec_of(key.public_key()), Ok(key.spec()));
}
