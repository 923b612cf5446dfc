//! Every engine against values that neither of them made: OpenSSL's, and the implicit rejection draft's.

use sks_core::crypto::engine;
use sks_core::ports::{Crypto, CryptoError};
use sks_wire::algorithm::Algorithm;

use crate::engines::engines;
use crate::fixtures::{Counting, bytes, json, key};

#[test]
fn pkcs1_signatures_are_those_of_openssl() {
    let cases = json("tests/keys/openssl.json");
    for case in cases["signatures"].as_array().unwrap() {
        let algorithm = match case["hash"].as_str().unwrap() {
            "sha1" => Algorithm::RsaSha1,
            "sha256" => Algorithm::RsaSha256,
            "sha384" => Algorithm::RsaSha384,
            _ => Algorithm::RsaSha512,
        };
        for (engine, crypto) in engines() {
            let Ok(key) = crypto.load(&key(case["key"].as_str().unwrap())) else { continue };
            match key.sign(algorithm, &bytes(&case["digest"]), &Counting::new(1)) {
                Err(CryptoError::Unsupported) => assert_eq!(engine, "AwsLc"),
                signature => assert_eq!(signature.unwrap(), bytes(&case["signature"]), "{engine}, {case}"),
            }
        }
    }
}

#[test]
fn decrypts_what_openssl_encrypted() {
    let cases = json("tests/keys/openssl.json");
    for case in cases["ciphertexts"].as_array().unwrap() {
        let algorithm = match case["algorithm"].as_str().unwrap() {
            "rsa-1_5" => Algorithm::Rsa15,
            "oaep-sha1" => Algorithm::RsaOaepSha1,
            _ => Algorithm::RsaOaepSha256,
        };
        for (engine, crypto) in engines() {
            let Ok(key) = crypto.load(&key(case["key"].as_str().unwrap())) else { continue };
            match key.decrypt(algorithm, &bytes(&case["data"]), &Counting::new(1)) {
                Err(CryptoError::Unsupported) => assert_eq!(engine, "AwsLc"),
                clear => assert_eq!(clear.unwrap().expose(), bytes(&case["clear"]), "{engine}, {case}"),
            }
        }
    }
}

#[test]
fn agrees_with_openssl() {
    let case = &json("tests/keys/openssl.json")["agreement"];
    for (engine, crypto) in engines() {
        let shared = crypto.load(&key("p256")).unwrap().agree(&bytes(&case["peer"])).unwrap();
        assert_eq!(shared.expose(), bytes(&case["shared"]), "{engine}");
    }
}

/// draft-irtf-cfrg-rsa-guidance-10, appendix B: right and wrong padding, with the plain text that must come out.
#[test]
fn rejects_implicitly_as_the_draft_says() {
    for section in json("tests/keys/implicit-rejection.json")["keys"].as_array().unwrap() {
        let key = engine().load(&bytes(&section["pkcs8"])).unwrap();
        for case in section["cases"].as_array().unwrap() {
            let clear = key.decrypt(Algorithm::Rsa15, &bytes(&case["ciphertext"]), &Counting::new(1)).unwrap();
            assert_eq!(clear.expose(), bytes(&case["clear"]), "{}", case["id"]);
        }
    }
}
