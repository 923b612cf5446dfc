//! AES and HMAC with the published test cases, and every length rule.

use sks_core::crypto::symmetric::{MAX_PADDED, SymmetricError, check_lengths, crypt, fits, hmac};
use sks_wire::algorithm::{Algorithm, Class};

const CBC: [Algorithm; 3] = [Algorithm::Aes128Cbc, Algorithm::Aes192Cbc, Algorithm::Aes256Cbc];
const IV: &str = "000102030405060708090a0b0c0d0e0f";
/// SP 800-38A, F.1 and F.2: keys of the three lengths.
const KEYS: [&str; 3] = [
    "2b7e151628aed2a6abf7158809cf4f3c",
    "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
];
/// The first two blocks of the clear text there.
const CLEAR: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

#[test]
fn ecb_as_in_sp800_38a() {
    let expected = [
        "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf",
        "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eef",
        "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870",
    ];
    for (key, expected) in KEYS.iter().zip(expected) {
        let run = |encrypt, data: &str| {
            let result = crypt(Algorithm::AesEcbNopad, encrypt, &unhex(key), &[], &unhex(data)).unwrap();
            hex::encode(result.expose())
        };
        assert_eq!(run(true, CLEAR), expected);
        assert_eq!(run(false, expected), CLEAR);
    }
}

#[test]
fn cbc_as_in_sp800_38a() {
    let expected = [
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
        "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a",
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
    ];
    for ((algorithm, key), expected) in CBC.into_iter().zip(KEYS).zip(expected) {
        let encrypted = crypt(algorithm, true, &unhex(key), &unhex(IV), &unhex(CLEAR)).unwrap();
        assert_eq!(hex::encode(&encrypted.expose()[..32]), expected);
        assert_eq!(encrypted.len(), 48, "a whole block of padding");
        let clear = crypt(algorithm, false, &unhex(key), &unhex(IV), encrypted.expose()).unwrap();
        assert_eq!(hex::encode(clear.expose()), CLEAR);
    }
}

#[test]
fn padding_is_added_and_taken_away_at_every_length() {
    let key = [7; 32];
    for len in 0..=33 {
        let data = vec![9; len];
        for (algorithm, iv) in [(Algorithm::Aes256Cbc, &[1; 16][..]), (Algorithm::AesEcbPkcs5, &[])] {
            let encrypted = crypt(algorithm, true, &key, iv, &data).unwrap();
            assert_eq!(encrypted.len(), (len / 16 + 1) * 16);
            assert_eq!(crypt(algorithm, false, &key, iv, encrypted.expose()).unwrap().expose(), data);
        }
    }
}

#[test]
fn every_wrong_padding_is_refused() {
    let key = [7; 16];
    let decrypt = |clear: &[u8; 16]| {
        let encrypted = crypt(Algorithm::AesEcbNopad, true, &key, &[], clear).unwrap();
        crypt(Algorithm::AesEcbPkcs5, false, &key, &[], encrypted.expose())
    };
    for last in (0..=0).chain(17..=255) {
        assert_eq!(decrypt(&[last; 16]), Err(SymmetricError::Padding), "count {last}");
    }
    for count in 1..=16_u8 {
        let mut good = [0xee; 16];
        good[usize::from(16 - count)..].fill(count);
        assert_eq!(decrypt(&good).unwrap().expose(), &good[..usize::from(16 - count)]);
        for wrong in usize::from(16 - count)..15 {
            let mut bad = good;
            bad[wrong] ^= 0x40;
            assert_eq!(decrypt(&bad), Err(SymmetricError::Padding), "count {count}, byte {wrong}");
        }
    }
}

#[test]
fn lengths_are_checked_before_anything_else() {
    let (iv, empty): ([u8; 16], [u8; 0]) = ([0; 16], []);
    for algorithm in CBC {
        for bad in [&iv[..15], &[0; 17], &empty] {
            assert_eq!(check_lengths(algorithm, true, bad, b"data"), Err(SymmetricError::Length));
        }
        assert_eq!(check_lengths(algorithm, true, &iv, &empty), Ok(()));
        assert_eq!(check_lengths(algorithm, true, &iv, &vec![0; MAX_PADDED]), Ok(()));
        assert_eq!(check_lengths(algorithm, true, &iv, &vec![0; MAX_PADDED + 1]), Err(SymmetricError::Length));
        assert_eq!(check_lengths(algorithm, false, &iv, &empty), Err(SymmetricError::Length));
        assert_eq!(check_lengths(algorithm, false, &iv, &[0; 31]), Err(SymmetricError::Length));
        assert_eq!(check_lengths(algorithm, false, &iv, &[0; 32]), Ok(()));
    }
    for algorithm in [Algorithm::AesEcbPkcs5, Algorithm::AesEcbNopad] {
        assert_eq!(check_lengths(algorithm, true, &iv, &[0; 16]), Err(SymmetricError::Length), "ECB has no IV");
        assert_eq!(check_lengths(algorithm, false, &empty, &[0; 15]), Err(SymmetricError::Length));
    }
    assert_eq!(check_lengths(Algorithm::AesEcbPkcs5, true, &empty, &[0; 15]), Ok(()));
    assert_eq!(check_lengths(Algorithm::AesEcbPkcs5, false, &empty, &empty), Err(SymmetricError::Length));
    assert_eq!(check_lengths(Algorithm::AesEcbNopad, true, &empty, &[0; 15]), Err(SymmetricError::Length));
    assert_eq!(check_lengths(Algorithm::AesEcbNopad, true, &empty, &empty), Ok(()));
    assert_eq!(check_lengths(Algorithm::AesEcbNopad, true, &empty, &vec![0; 65520]), Ok(()));
    assert_eq!(check_lengths(Algorithm::HmacSha1, true, &empty, &empty), Err(SymmetricError::Unfit));
    assert_eq!(crypt(Algorithm::Aes128Cbc, true, &[0; 16], &empty, b"x"), Err(SymmetricError::Length));
}

#[test]
fn key_lengths_fit_their_algorithms_only() {
    let lengths = |algorithm| (0..=128).filter(|len| fits(algorithm, *len)).collect::<Vec<_>>();
    for algorithm in Algorithm::ALL.iter().copied() {
        let expected: Vec<usize> = match algorithm {
            Algorithm::Aes128Cbc => vec![16],
            Algorithm::Aes192Cbc => vec![24],
            Algorithm::Aes256Cbc => vec![32],
            Algorithm::AesEcbNopad | Algorithm::AesEcbPkcs5 => vec![16, 24, 32],
            Algorithm::HmacSha1 | Algorithm::HmacSha256 => (1..=128).collect(),
            other => {
                assert!(!matches!(other.class(), Class::Hmac | Class::SymmetricEncryption));
                vec![]
            }
        };
        assert_eq!(lengths(algorithm), expected, "{}", algorithm.uri());
    }
    assert_eq!(crypt(Algorithm::Aes128Cbc, true, &[0; 32], &[0; 16], b"x"), Err(SymmetricError::Unfit));
    assert_eq!(hmac(Algorithm::HmacSha1, &[], b"x"), Err(SymmetricError::Unfit));
    assert_eq!(hmac(Algorithm::Aes128Cbc, &[0; 16], b"x"), Err(SymmetricError::Unfit));
}

/// RFC 2202 and RFC 4231, test case 2; RFC 4231, test case 6, with a key that is longer than a block.
#[test]
fn hmac_as_in_the_rfcs() {
    let run = |algorithm, key: &[u8], data: &[u8]| hex::encode(hmac(algorithm, key, data).unwrap());
    let data = b"what do ya want for nothing?";
    assert_eq!(run(Algorithm::HmacSha1, b"Jefe", data), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    assert_eq!(
        run(Algorithm::HmacSha256, b"Jefe", data),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(
        run(Algorithm::HmacSha256, &[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}
