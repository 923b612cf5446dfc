//! The engines against each other, on the same keys.
//!
//! With the feature `aws-lc` there are three: RustCrypto, AwsLc and the one that the token uses. Without it the last
//! is RustCrypto by another name, and the tests still say what every engine must do.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::pkcs8::DecodePublicKey;
use rsa::traits::{PaddingScheme, SignatureScheme};
use rsa::{Oaep, Pkcs1v15Encrypt, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use sks_core::crypto::{RustCrypto, engine};
use sks_core::ports::{Crypto, CryptoError, KeySpec, PrivateKey};
use sks_wire::algorithm::{Algorithm, Class};

use crate::fixtures::{Counting, key, spki};

/// Every engine that is built in; the complete one first.
pub(crate) fn engines() -> Vec<(&'static str, Box<dyn Crypto>)> {
    vec![
        ("RustCrypto", Box::new(RustCrypto) as Box<dyn Crypto>),
        #[cfg(feature = "aws-lc")]
        ("AwsLc", Box::new(sks_core::crypto::AwsLc)),
        ("Preferred", Box::new(engine())),
    ]
}

const RSA_KEYS: [&str; 7] =
    ["rsa-1024", "rsa-1024-e3", "rsa-2048", "rsa-2048-e3", "rsa-2048-e33bits", "rsa-3072", "rsa-4096"];

/// The same key in every engine that takes it.
fn loaded(name: &str) -> Vec<(&'static str, Box<dyn PrivateKey>)> {
    let load = |crypto: &dyn Crypto| match crypto.load(&key(name)) {
        Err(CryptoError::Unsupported) => None,
        loaded => Some(loaded.unwrap()),
    };
    engines().into_iter().filter_map(|(engine, crypto)| Some((engine, load(&*crypto)?))).collect()
}

/// The hash of a text, as the algorithm wants it.
fn hash(algorithm: Algorithm, text: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::RsaSha1 | Algorithm::RsaPssSha1 => Sha1::digest(text).to_vec(),
        Algorithm::RsaSha384 | Algorithm::RsaPssSha384 | Algorithm::EcdsaSha384 => Sha384::digest(text).to_vec(),
        Algorithm::RsaSha512 | Algorithm::RsaPssSha512 | Algorithm::EcdsaSha512 => Sha512::digest(text).to_vec(),
        _ => Sha256::digest(text).to_vec(),
    }
}

fn signatures() -> impl Iterator<Item = Algorithm> {
    Algorithm::ALL.iter().copied().filter(|algorithm| algorithm.class() == Class::Signature)
}

pub(crate) fn verify_ecdsa(spki: &[u8], hash: &[u8], signature: &[u8]) {
    let public = p256::ecdsa::VerifyingKey::from_public_key_der(spki).unwrap();
    public.verify_prehash(hash, &p256::ecdsa::DerSignature::from_bytes(signature).unwrap()).unwrap();
}

fn verify(algorithm: Algorithm, spki: &[u8], hash: &[u8], signature: &[u8]) {
    let rsa = || RsaPublicKey::from_public_key_der(spki).unwrap();
    match algorithm {
        Algorithm::RsaSha1 => Pkcs1v15Sign::new::<Sha1>().verify(&rsa(), hash, signature).unwrap(),
        Algorithm::RsaSha256 => Pkcs1v15Sign::new::<Sha256>().verify(&rsa(), hash, signature).unwrap(),
        Algorithm::RsaSha384 => Pkcs1v15Sign::new::<Sha384>().verify(&rsa(), hash, signature).unwrap(),
        Algorithm::RsaSha512 => Pkcs1v15Sign::new::<Sha512>().verify(&rsa(), hash, signature).unwrap(),
        // The verifier is told the salt's length: any other is refused.
        Algorithm::RsaPssSha1 => Pss::<Sha1>::new().verify(&rsa(), hash, signature).unwrap(),
        Algorithm::RsaPssSha256 => Pss::<Sha256>::new().verify(&rsa(), hash, signature).unwrap(),
        Algorithm::RsaPssSha384 => Pss::<Sha384>::new().verify(&rsa(), hash, signature).unwrap(),
        Algorithm::RsaPssSha512 => Pss::<Sha512>::new().verify(&rsa(), hash, signature).unwrap(),
        _ => verify_ecdsa(spki, hash, signature),
    }
}

#[test]
fn a_key_of_one_engine_is_the_same_in_every_other() {
    for name in RSA_KEYS.into_iter().chain(["p256", "p256-no-public", "p256-compressed"]) {
        let keys = loaded(name);
        assert!(keys.len() >= 2, "{name}: RustCrypto and the token take it");
        let file = if name.starts_with("p256") { key("p256") } else { key(name) };
        for (engine, loaded) in keys {
            assert_eq!(loaded.pkcs8().unwrap().expose(), file, "{engine} writes {name} as OpenSSL does");
            assert_eq!(loaded.public_key(), sks_spki(&file), "{engine}, {name}");
        }
    }
    for name in ["rsa-1024", "rsa-2048", "rsa-2048-e3", "p256"] {
        assert_eq!(engine().load(&key(name)).unwrap().public_key(), spki(name), "{name}");
    }
}

/// The public key as the crates p256 and rsa write it.
fn sks_spki(pkcs8: &[u8]) -> Vec<u8> {
    use p256::pkcs8::{DecodePrivateKey, EncodePublicKey};
    match p256::SecretKey::from_pkcs8_der(pkcs8) {
        Ok(key) => key.public_key().to_public_key_der().unwrap().into_vec(),
        Err(_) => {
            let key = rsa::RsaPrivateKey::from_pkcs8_der(pkcs8).unwrap();
            key.to_public_key().to_public_key_der().unwrap().into_vec()
        }
    }
}

#[test]
fn signatures_of_every_engine_verify_and_pkcs1_ones_are_identical() {
    let rng = Counting::new(1);
    for name in ["rsa-1024", "rsa-2048", "rsa-2048-e3", "rsa-3072", "p256"] {
        for algorithm in signatures() {
            let hash = hash(algorithm, name.as_bytes());
            let mut seen = Vec::new();
            for (engine, key) in loaded(name) {
                let signature = match key.sign(algorithm, &hash, &rng) {
                    Err(CryptoError::Unsupported) if engine == "AwsLc" => {
                        assert!(!key.fits(algorithm));
                        continue;
                    }
                    Err(CryptoError::Unfit) => {
                        assert!(!key.fits(algorithm), "{engine}, {name}, {algorithm:?}");
                        continue;
                    }
                    signature => signature.unwrap(),
                };
                assert!(key.fits(algorithm), "{engine}, {name}, {algorithm:?}");
                verify(algorithm, key.public_key(), &hash, &signature);
                seen.push(signature);
            }
            if matches!(
                algorithm,
                Algorithm::RsaSha1 | Algorithm::RsaSha256 | Algorithm::RsaSha384 | Algorithm::RsaSha512
            ) {
                assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{name}, {algorithm:?}");
            } else {
                assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{name}, {algorithm:?} is randomized");
            }
            let fits = loaded(name)[0].1.fits(algorithm);
            assert_eq!(fits, seen.len() >= 2, "{name}, {algorithm:?}: the complete engine and the token sign");
        }
    }
}

#[test]
fn which_algorithms_fit_which_key() {
    for (_, crypto) in engines() {
        let Ok(rsa) = crypto.load(&key("rsa-1024")) else { continue };
        let fitting: Vec<_> = Algorithm::ALL.iter().filter(|algorithm| rsa.fits(**algorithm)).collect();
        assert_eq!(fitting.len(), 7, "all RSA signatures but PSS with SHA-512: {fitting:?}");
        assert!(!rsa.fits(Algorithm::RsaPssSha512));
        let ec = crypto.load(&key("p256")).unwrap();
        let fitting: Vec<_> = Algorithm::ALL.iter().filter(|algorithm| ec.fits(**algorithm)).collect();
        assert_eq!(fitting, [&Algorithm::EcdsaSha256, &Algorithm::EcdsaSha384, &Algorithm::EcdsaSha512]);
    }
}

#[test]
fn operations_that_do_not_fit_are_refused() {
    let rng = Counting::new(1);
    for (engine, crypto) in engines() {
        let (rsa, ec) = (crypto.load(&key("rsa-2048")).unwrap(), crypto.load(&key("p256")).unwrap());
        assert_eq!(rsa.sign(Algorithm::RsaSha256, &[0; 31], &rng), Err(CryptoError::Unfit), "{engine}: hash length");
        assert_eq!(ec.sign(Algorithm::EcdsaSha384, &[0; 32], &rng), Err(CryptoError::Unfit), "{engine}: hash length");
        assert_eq!(rsa.sign(Algorithm::EcdsaSha256, &[0; 32], &rng), Err(CryptoError::Unfit));
        assert_eq!(ec.sign(Algorithm::RsaSha256, &[0; 32], &rng), Err(CryptoError::Unfit));
        assert_eq!(ec.sign(Algorithm::Rsa15, &[0; 32], &rng), Err(CryptoError::Unfit));
        assert_eq!(rsa.agree(&spki("p256")), Err(CryptoError::Unfit));
        assert_eq!(ec.decrypt(Algorithm::RsaOaepSha1, &[0; 256], &rng), Err(CryptoError::Unfit));
        assert_eq!(rsa.decrypt(Algorithm::RsaSha256, &[0; 256], &rng), Err(CryptoError::Unfit));
        assert_eq!(rsa.decrypt(Algorithm::RsaOaepSha1, &[0; 255], &rng), Err(CryptoError::BadData));
        assert_eq!(ec.agree(&spki("p384")), Err(CryptoError::BadKey));
    }
}

#[test]
fn every_engine_decrypts_what_was_encrypted() {
    let rng = Counting::new(1);
    let mut crate_rng = CrateRng(Counting::new(7));
    for name in ["rsa-1024", "rsa-2048", "rsa-2048-e3"] {
        for (engine, private) in loaded(name) {
            let public = RsaPublicKey::from_public_key_der(private.public_key()).unwrap();
            for clear in [&b""[..], b"x", b"a secret of some length"] {
                let block = Oaep::<Sha1>::new().encrypt(&mut crate_rng, &public, clear).unwrap();
                assert_eq!(private.decrypt(Algorithm::RsaOaepSha1, &block, &rng).unwrap().expose(), clear);
                assert_eq!(private.decrypt(Algorithm::RsaOaepSha256, &block, &rng), Err(CryptoError::BadData));
                let block = Oaep::<Sha256>::new().encrypt(&mut crate_rng, &public, clear).unwrap();
                assert_eq!(private.decrypt(Algorithm::RsaOaepSha256, &block, &rng).unwrap().expose(), clear);
                let block = Pkcs1v15Encrypt.encrypt(&mut crate_rng, &public, clear).unwrap();
                match private.decrypt(Algorithm::Rsa15, &block, &rng) {
                    Err(CryptoError::Unsupported) => assert_eq!(engine, "AwsLc"),
                    decrypted => assert_eq!(decrypted.unwrap().expose(), clear, "{engine}, {name}"),
                }
            }
        }
    }
}

/// Synthetic plain texts depend on key and data: not on the engine, the random numbers or the try.
#[test]
fn wrong_pkcs1_padding_gives_the_same_synthetic_text_everywhere() {
    for name in ["rsa-1024", "rsa-2048"] {
        let keys: Vec<_> = loaded(name).into_iter().filter(|(engine, _)| *engine != "AwsLc").collect();
        let size = keys[0].1.public_key().len() / 128 * 128;
        let ascending: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        // The last two are not below the modulus.
        let blocks = [vec![0; size], ascending, vec![0xff; size], [vec![0xff; size - 1], vec![0xfe]].concat()];
        let mut texts = Vec::new();
        for data in &blocks {
            let decrypt = |key: &dyn PrivateKey, start| {
                key.decrypt(Algorithm::Rsa15, data, &Counting::new(start)).unwrap().expose().to_vec()
            };
            let first = decrypt(&*keys[0].1, 1);
            assert!(first.len() <= size - 11);
            for (engine, key) in &keys {
                assert_eq!(decrypt(&**key, 1), first, "{engine}");
                assert_eq!(decrypt(&**key, 1000), first, "{engine}: other random numbers");
            }
            texts.push(first);
        }
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), blocks.len(), "{name}: every block has its own text");
        for (_, key) in &keys {
            assert_eq!(key.decrypt(Algorithm::RsaOaepSha1, &blocks[2], &Counting::new(1)), Err(CryptoError::BadData));
        }
    }
}

#[test]
fn every_engine_agrees_on_the_same_secret() {
    let rng = Counting::new(1);
    let fixed = loaded("p256");
    for (engine, crypto) in engines() {
        let fresh = crypto.generate(KeySpec::P256, &[1; 32], &rng).unwrap();
        let shared = fresh.agree(fixed[0].1.public_key()).unwrap();
        assert_eq!(shared.len(), 32);
        for (other, fixed) in &fixed {
            assert_eq!(fixed.agree(fresh.public_key()).unwrap(), shared, "{engine} and {other}");
        }
    }
}

#[test]
fn generated_keys_load_in_every_engine() {
    let rng = Counting::new(1);
    let rsa = |bits, exponent| KeySpec::Rsa { bits, exponent };
    for (engine, crypto) in engines() {
        for spec in [KeySpec::P256, rsa(1024, 65537), rsa(1024, 3), rsa(2048, 65537)] {
            let made = match crypto.generate(spec, &[1; 32], &rng) {
                Err(CryptoError::Unsupported) if engine == "AwsLc" => continue,
                made => made.unwrap(),
            };
            assert_eq!(made.spec(), spec, "{engine}");
            let pkcs8 = made.pkcs8().unwrap();
            for (other, crypto) in engines() {
                match crypto.load(pkcs8.expose()) {
                    Err(CryptoError::Unsupported) => assert_eq!(other, "AwsLc"),
                    loaded => {
                        let loaded = loaded.unwrap();
                        assert_eq!(loaded.spec(), spec, "{engine} to {other}");
                        assert_eq!(loaded.public_key(), made.public_key(), "{engine} to {other}");
                        assert_eq!(loaded.pkcs8().unwrap(), pkcs8, "{engine} to {other}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_issuers_seed_enters_a_key_but_does_not_make_it() {
    for (engine, crypto) in engines() {
        let key = |seed, start| {
            let key = crypto.generate(KeySpec::P256, &[seed; 32], &Counting::new(start)).unwrap();
            key.public_key().to_vec()
        };
        assert_eq!(key(1, 1), key(1, 1), "{engine}: nothing else enters");
        assert_ne!(key(1, 1), key(2, 1), "{engine}: the seed enters");
        assert_ne!(key(1, 1), key(1, 2), "{engine}: the token's own random numbers enter");
    }
}

#[test]
fn no_engine_makes_keys_that_it_cannot() {
    let rng = Counting::new(1);
    for (engine, crypto) in engines() {
        for (bits, exponent) in
            [(1024, 4), (1024, 1), (1024, 0), (1024, 1 << 33), (512, 3), (2047, 65537), (8192, 65537)]
        {
            let refused = crypto.generate(KeySpec::Rsa { bits, exponent }, &[0; 32], &rng).err();
            assert_eq!(refused, Some(CryptoError::Unsupported), "{engine}: {bits}, {exponent}");
        }
        let broken = crypto.generate(KeySpec::P256, &[0; 32], &crate::fixtures::Broken).err();
        assert_eq!(broken, Some(CryptoError::Failed), "{engine}");
    }
}

#[test]
fn without_random_numbers_rustcrypto_signs_nothing() {
    for (name, algorithm) in
        [("rsa-2048", Algorithm::RsaSha256), ("rsa-2048", Algorithm::RsaPssSha256), ("p256", Algorithm::EcdsaSha256)]
    {
        let key = RustCrypto.load(&key(name)).unwrap();
        let refused = key.sign(algorithm, &[0; 32], &crate::fixtures::Broken);
        assert_eq!(refused, Err(CryptoError::Failed), "{name}: no blinding, no salt, no nonce");
    }
}

/// The token's random numbers under the crates' trait.
struct CrateRng(Counting);

impl rsa::rand_core::TryRng for CrateRng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut out = [0; 4];
        self.try_fill_bytes(&mut out)?;
        Ok(u32::from_le_bytes(out))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut out = [0; 8];
        self.try_fill_bytes(&mut out)?;
        Ok(u64::from_le_bytes(out))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        sks_core::ports::Rng::fill(&self.0, out).unwrap();
        Ok(())
    }
}

impl rsa::rand_core::TryCryptoRng for CrateRng {}
