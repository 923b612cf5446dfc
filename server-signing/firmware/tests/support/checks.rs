//! The checks of a signing, each with a test that fails when the check is removed. They run with each crypto module.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPssSaltLength,
    VerificationAlgorithm,
};
use tw4s_firmware::{FirmwareError, KeyOrder, KeySpec, MasterKey, SoftwareModule};
use tw4s_formats::{
    AlgorithmIdentifierOwned, CertificationRequest, Claims, CompactExtension, Digest, Exact, Format, HashAlgorithm,
    KeyUsages, ObjectIdentifier, Octets, OidArc, Open, SetOf, SignatureAlgorithm, Signed, SignedPublicKey,
    SubjectPublicKeyInfoOwned, WrappedKey,
};

use super::idp::{Idp, Pair, verifies};
use super::{OTHER_USER, SAM, SPECS, USER, World, compact, hash, spki};

/// Hands the names of all checks to a macro.
macro_rules! for_each_check {
    ($macro:ident) => {
        $macro! {
            signs_what_is_right_with_each_key
            signs_with_each_digest
            signs_with_pss_at_the_salt_length_named
            signs_a_batch_in_its_order
            takes_sad_keys_of_each_kind
            refuses_a_token_of_a_signer_who_is_not_imported
            refuses_a_token_whose_signature_is_wrong
            refuses_a_token_whose_algorithm_is_not_its_signers
            refuses_a_token_whose_signer_is_not_registered
            refuses_a_sad_that_another_key_signed
            refuses_a_sad_whose_key_is_missing_doubled_or_weak
            refuses_hashes_of_another_length
            refuses_an_unknown_algorithm
            refuses_a_wrapped_key_that_was_tampered_with
            refuses_a_wrapped_key_of_another_sam
            refuses_a_wrapped_key_whose_algorithm_is_swapped
            refuses_another_key_than_the_sad_names
            refuses_another_user
            refuses_an_algorithm_that_the_key_does_not_have
            the_first_error_in_the_order_wins
            refuses_what_is_no_sad
            a_new_key_comes_with_its_papers
            keys_of_each_kind_are_made
            verifies_tokens_alone
            verifies_message_credentials
        }
    };
}

pub(crate) type Check = (&'static str, fn(&World));

macro_rules! list {
    ($($name:ident)*) => {
        /// All of them, for a test that runs them in one process.
        pub(crate) const ALL: &[Check] = &[$((stringify!($name), $name)),*];
    };
}

for_each_check!(list);

fn verification(spec: KeySpec, digest: Digest) -> &'static dyn VerificationAlgorithm {
    match (spec, digest) {
        (KeySpec::P256, Digest::Sha256) => &ECDSA_P256_SHA256_ASN1,
        (KeySpec::P256, Digest::Sha384) => &ECDSA_P256_SHA384_ASN1,
        (KeySpec::P256, Digest::Sha512) => &ECDSA_P256_SHA512_ASN1,
        (KeySpec::P384, Digest::Sha256) => &ECDSA_P384_SHA256_ASN1,
        (KeySpec::P384, Digest::Sha384) => &ECDSA_P384_SHA384_ASN1,
        (KeySpec::P384, Digest::Sha512) => &ECDSA_P384_SHA512_ASN1,
        (KeySpec::P521, Digest::Sha256) => &ECDSA_P521_SHA256_ASN1,
        (KeySpec::P521, Digest::Sha384) => &ECDSA_P521_SHA384_ASN1,
        (KeySpec::P521, Digest::Sha512) => &ECDSA_P521_SHA512_ASN1,
        (_, Digest::Sha256) => &RSA_PKCS1_2048_8192_SHA256,
        (_, Digest::Sha384) => &RSA_PKCS1_2048_8192_SHA384,
        (_, Digest::Sha512) => &RSA_PKCS1_2048_8192_SHA512,
    }
}

pub(crate) fn signs_what_is_right_with_each_key(world: &World) {
    for spec in SPECS {
        let signing = world.signing(spec);
        let signatures = world.firmware.sign(world.admit(&signing).unwrap()).unwrap();
        let algorithm = verification(spec, spec.default_algorithm().digest().unwrap());
        assert_eq!(signatures.len(), 1);
        assert!(verifies(&spki(world.key(spec).1), algorithm, b"document", &signatures[0]), "{spec:?}");
    }
}

pub(crate) fn signs_with_each_digest(world: &World) {
    for spec in SPECS {
        for digest in Digest::ALL {
            let mut signing = world.signing(spec);
            signing.algorithm = HashAlgorithm::Digest(digest);
            signing.hashes = vec![hash(digest, b"document")];
            let signatures = world.firmware.sign(world.admit(&signing).unwrap()).unwrap();
            let valid = verifies(&spki(world.key(spec).1), verification(spec, digest), b"document", &signatures[0]);
            assert!(valid, "{spec:?} {digest:?}");
        }
    }
}

pub(crate) fn signs_with_pss_at_the_salt_length_named(world: &World) {
    const fn salt(parameters: RsaParameters, len: u16) -> RsaParameters {
        parameters.with_pss_salt_length(RsaPssSaltLength::Custom(len))
    }
    let cases: [(Digest, u16, &'static RsaParameters); 6] = [
        (Digest::Sha256, 222, &const { salt(RSA_PSS_2048_8192_SHA256, 222) }),
        (Digest::Sha256, 32, &const { salt(RSA_PSS_2048_8192_SHA256, 32) }),
        (Digest::Sha256, 20, &const { salt(RSA_PSS_2048_8192_SHA256, 20) }),
        (Digest::Sha256, 0, &const { salt(RSA_PSS_2048_8192_SHA256, 0) }),
        (Digest::Sha384, 206, &const { salt(RSA_PSS_2048_8192_SHA384, 206) }),
        (Digest::Sha512, 190, &const { salt(RSA_PSS_2048_8192_SHA512, 190) }),
    ];
    for (digest, salt_len, parameters) in cases {
        let mut signing = world.signing(KeySpec::Rsa2048);
        signing.algorithm = HashAlgorithm::Signature(SignatureAlgorithm::RsaPss { digest, salt_len });
        signing.hashes = vec![hash(digest, b"document")];
        let signatures = world.firmware.sign(world.admit(&signing).unwrap()).unwrap();
        let valid = verifies(&spki(world.key(KeySpec::Rsa2048).1), parameters, b"document", &signatures[0]);
        assert!(valid, "{digest:?} {salt_len}");
    }
}

pub(crate) fn signs_a_batch_in_its_order(world: &World) {
    let mut signing = world.signing(KeySpec::P256);
    let documents: Vec<Vec<u8>> = (0..20_u8).map(|number| vec![number; 3]).collect();
    signing.hashes = documents.iter().map(|document| hash(Digest::Sha256, document)).collect();
    let signatures = world.firmware.sign(world.admit(&signing).unwrap()).unwrap();
    assert_eq!(signatures.len(), documents.len());
    let key = spki(world.key(KeySpec::P256).1);
    for (document, signature) in documents.iter().zip(&signatures) {
        assert!(verifies(&key, &ECDSA_P256_SHA256_ASN1, document, signature));
    }
}

pub(crate) fn takes_sad_keys_of_each_kind(world: &World) {
    for pair in [Pair::p256(), Pair::p384(), Pair::p521(), Pair::rsa(), Pair::ed25519()] {
        let mut signing = world.signing(KeySpec::P256);
        signing.claims.sad_key = Some(pair.spki());
        signing.sad_key = &pair;
        world.admit(&signing).unwrap();
    }
}

pub(crate) fn refuses_a_token_of_a_signer_who_is_not_imported(world: &World) {
    let mut signing = world.signing(KeySpec::P256);
    signing.idp = &world.stranger;
    signing.registered.push(world.stranger.certificate.clone());
    assert_eq!(world.refusal(&signing), FirmwareError::UnknownSigner);
}

pub(crate) fn refuses_a_token_whose_signature_is_wrong(world: &World) {
    let signing = world.signing(KeySpec::P256);
    // Twice, because what verified is remembered.
    for _ in 0..2 {
        world.admit(&signing).unwrap();
        let mut tbs = signing.tbs();
        let mut signature = tbs.identity_token.signature.as_bytes().to_vec();
        *signature.last_mut().unwrap() ^= 1;
        tbs.identity_token.signature = Octets::new(signature).unwrap();
        let refused = world.admit_sad(&signing, &signing.sad_of(tbs)).unwrap_err();
        assert_eq!(refused, FirmwareError::TokenSignature);

        let mut tbs = signing.tbs();
        let other = Claims { jti: Some([8; 16]), ..signing.claims.clone() };
        tbs.identity_token.data = Exact::new(compact(USER, &other)).unwrap();
        let refused = world.admit_sad(&signing, &signing.sad_of(tbs)).unwrap_err();
        assert_eq!(refused, FirmwareError::TokenSignature, "other data");
    }
}

pub(crate) fn refuses_a_token_whose_algorithm_is_not_its_signers(world: &World) {
    let mut signing = world.signing(KeySpec::P256);
    signing.idp = &world.rsa_idp;
    world.admit(&signing).unwrap();
    let oid = |text| AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap(text), parameters: None };
    let known = |algorithm: SignatureAlgorithm| algorithm.to_identifier().unwrap();
    for algorithm in [
        oid("1.2.840.113549.1.1.5"),
        oid("1.2.840.113549.1.1.4"),
        oid("1.2.840.10045.4.1"),
        known(SignatureAlgorithm::Ecdsa(Digest::Sha256)),
        known(SignatureAlgorithm::RsaPkcs1(Digest::Sha384)),
        known(SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len: 32 }),
        known(SignatureAlgorithm::Ed25519),
    ] {
        let mut tbs = signing.tbs();
        tbs.identity_token.signature_algorithm = algorithm.clone();
        let refused = world.admit_sad(&signing, &signing.sad_of(tbs)).unwrap_err();
        assert_eq!(refused, FirmwareError::TokenSignature, "{}", algorithm.oid);
    }
    let mut tbs = signing.tbs();
    let signature = world.rsa_idp.pair.sign_pss(tbs.identity_token.data.der());
    tbs.identity_token.signature = Octets::new(signature).unwrap();
    let pss = SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len: 222 };
    tbs.identity_token.signature_algorithm = known(pss);
    world.admit_sad(&signing, &signing.sad_of(tbs)).unwrap();
}

pub(crate) fn refuses_a_token_whose_signer_is_not_registered(world: &World) {
    let mut signing = world.signing(KeySpec::P256);
    signing.registered = vec![world.rsa_idp.certificate.clone()];
    assert_eq!(world.refusal(&signing), FirmwareError::UnregisteredSigner);
    signing.registered = Vec::new();
    assert_eq!(world.refusal(&signing), FirmwareError::UnregisteredSigner);
    // Another certificate of the same name and number is not it.
    signing.registered = vec![Idp::new("IdP", Pair::p256()).certificate];
    assert_eq!(world.refusal(&signing), FirmwareError::UnregisteredSigner);
}

pub(crate) fn refuses_a_sad_that_another_key_signed(world: &World) {
    let other = Pair::p256();
    let mut signing = world.signing(KeySpec::P256);
    signing.sad_key = &other;
    assert_eq!(world.refusal(&signing), FirmwareError::SadSignature);

    // Signed, and then changed: another hash.
    let signing = world.signing(KeySpec::P256);
    let mut changed = signing.clone();
    changed.hashes = vec![hash(Digest::Sha256, b"another document")];
    let right = tw4s_formats::Sad::parse(&signing.sad()).unwrap();
    let tbs = Exact::new(changed.tbs()).unwrap();
    let sad = tw4s_formats::Sad { tbs, signature: right.signature }.to_bytes().unwrap();
    assert_eq!(world.admit_sad(&signing, &sad).unwrap_err(), FirmwareError::SadSignature);
}

pub(crate) fn refuses_a_sad_whose_key_is_missing_doubled_or_weak(world: &World) {
    let mut signing = world.signing(KeySpec::P256);
    signing.claims.sad_key = None;
    assert_eq!(world.refusal(&signing), FirmwareError::SadSignature, "missing");

    let mut tbs = signing.tbs();
    let key = |pair: &Pair| {
        let data = Open::from_value(&pair.spki()).unwrap();
        CompactExtension { oid: OidArc::default().sad_key(), data }
    };
    let mut doubled = compact(USER, &signing.claims);
    doubled.extensions = SetOf::new(vec![key(&world.sad_key), key(&Pair::p256())]).unwrap();
    let data = Exact::new(doubled).unwrap();
    tbs.identity_token.signature = Octets::new(world.idp.pair.sign(data.der())).unwrap();
    tbs.identity_token.data = data;
    let refused = world.admit_sad(&signing, &signing.sad_of(tbs)).unwrap_err();
    assert_eq!(refused, FirmwareError::SadSignature, "doubled");

    // OpenSSL's: aws-lc-rs makes none. The signature does not matter, as it is not looked at.
    signing.claims.sad_key = Some(rsa_1024());
    assert_eq!(world.refusal(&signing), FirmwareError::SadSignature, "weak");
}

pub(crate) fn refuses_hashes_of_another_length(world: &World) {
    for spec in SPECS {
        let good = world.signing(spec);
        let digest = spec.default_algorithm().digest().unwrap();
        for bad in [vec![], vec![1; digest.size() - 1], vec![1; digest.size() + 1]] {
            let mut signing = good.clone();
            signing.hashes.push(bad);
            assert_eq!(world.refusal(&signing), FirmwareError::HashLength, "{spec:?}");
        }
    }
}

pub(crate) fn refuses_an_unknown_algorithm(world: &World) {
    let signing = world.signing(KeySpec::Rsa2048);
    // SHA-1, MD5, sha1WithRSAEncryption, RSASSA-PSS with SHA-1 by default.
    for oid in ["1.3.14.3.2.26", "1.2.840.113549.2.5", "1.2.840.113549.1.1.5", "1.2.840.113549.1.1.10"] {
        let mut tbs = signing.tbs();
        tbs.hash_algorithm = AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap(oid), parameters: None };
        let refused = world.admit_sad(&signing, &signing.sad_of(tbs)).unwrap_err();
        assert_eq!(refused, FirmwareError::HashLength, "{oid}");
    }
    let mut signing = world.signing(KeySpec::P256);
    signing.algorithm = HashAlgorithm::Signature(SignatureAlgorithm::Ed25519);
    assert_eq!(world.refusal(&signing), FirmwareError::HashLength);
}

pub(crate) fn refuses_a_wrapped_key_that_was_tampered_with(world: &World) {
    for spec in SPECS {
        let signing = world.signing(spec);
        world.admit(&signing).unwrap();
        let good = signing.wrapped_key.clone().unwrap();
        assert!(world.firmware.verify_wrapped_key(&good));
        for at in (0..good.len()).step_by(7) {
            let mut tampered = good.clone();
            tampered[at] ^= 1;
            assert!(!world.firmware.verify_wrapped_key(&tampered));
            let tampered = super::Signing { wrapped_key: Some(tampered), ..signing.clone() };
            assert_eq!(world.refusal(&tampered), FirmwareError::WrappedKey, "byte {at}");
        }
        for bytes in [vec![], vec![0x30, 0], vec![0xff; 100], vec![0; 20_000]] {
            let wrapped_key = Some(bytes);
            assert_eq!(world.refusal(&super::Signing { wrapped_key, ..signing.clone() }), FirmwareError::WrappedKey);
        }
    }
}

pub(crate) fn refuses_a_wrapped_key_of_another_sam(world: &World) {
    let master = MasterKey::new(&[0x43; 32]).unwrap();
    let other = World::new(&master, || Box::new(SoftwareModule::new(&master).unwrap()));
    let mut signing = world.signing(KeySpec::P256);
    signing.wrapped_key = Some(other.key(KeySpec::P256).1.wrapped_key.clone());
    assert_eq!(world.refusal(&signing), FirmwareError::WrappedKey);

    // The metadata are under the signature: nobody else makes it right.
    let ours = WrappedKey::parse(&world.key(KeySpec::P256).1.wrapped_key).unwrap();
    assert_eq!(ours.tbs.metadata.sam_id.as_str(), SAM);
    let forger = Pair::p256();
    let signature = forger.sign(ours.tbs.der());
    let forged = Signed::new(ours.tbs, ours.signature_algorithm, signature).unwrap();
    signing.wrapped_key = Some(forged.to_bytes().unwrap());
    assert_eq!(world.refusal(&signing), FirmwareError::WrappedKey);
}

pub(crate) fn refuses_a_wrapped_key_whose_algorithm_is_swapped(world: &World) {
    let mut signing = world.signing(KeySpec::P256);
    let ours = WrappedKey::parse(&world.key(KeySpec::P256).1.wrapped_key).unwrap();
    let other = SignatureAlgorithm::Ecdsa(Digest::Sha384).to_identifier().unwrap();
    let swapped = Signed::new(ours.tbs, other, ours.signature.as_bytes()).unwrap();
    signing.wrapped_key = Some(swapped.to_bytes().unwrap());
    assert_eq!(world.refusal(&signing), FirmwareError::WrappedKey);
}

pub(crate) fn refuses_another_key_than_the_sad_names(world: &World) {
    let mut signing = world.signing(KeySpec::P256);
    signing.wrapped_key = Some(world.key(KeySpec::P384).1.wrapped_key.clone());
    assert_eq!(world.refusal(&signing), FirmwareError::KeyMismatch);
    let mut signing = world.signing(KeySpec::P256);
    signing.key_id = "ffffffff-ffff-4fff-bfff-ffffffffffff".to_owned();
    assert_eq!(world.refusal(&signing), FirmwareError::KeyMismatch);
}

pub(crate) fn refuses_another_user(world: &World) {
    let good = world.signing(KeySpec::P256);
    let mut token = good.clone();
    token.token_user = OTHER_USER.to_owned();
    assert_eq!(world.refusal(&token), FirmwareError::UserMismatch, "the token's user");
    let mut credential = good.clone();
    credential.user = OTHER_USER.to_owned();
    assert_eq!(world.refusal(&credential), FirmwareError::UserMismatch, "the credential's user");
    // Both agree, but the key is another's.
    let mut both = token;
    both.user = OTHER_USER.to_owned();
    assert_eq!(world.refusal(&both), FirmwareError::UserMismatch, "the wrapped key's user");
}

pub(crate) fn refuses_an_algorithm_that_the_key_does_not_have(world: &World) {
    let pss = |salt_len| SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len };
    let pkcs1 = SignatureAlgorithm::RsaPkcs1(Digest::Sha256);
    let ecdsa = SignatureAlgorithm::Ecdsa(Digest::Sha256);
    let cases = [
        (KeySpec::P256, pkcs1),
        (KeySpec::P256, pss(32)),
        (KeySpec::P384, pkcs1),
        (KeySpec::Rsa2048, ecdsa),
        (KeySpec::Rsa2048, pss(223)),
    ];
    for (spec, algorithm) in cases {
        let mut signing = world.signing(spec);
        signing.algorithm = HashAlgorithm::Signature(algorithm);
        signing.hashes = vec![hash(Digest::Sha256, b"document")];
        assert_eq!(world.refusal(&signing), FirmwareError::Algorithm, "{spec:?} {algorithm:?}");
    }
}

/// Everything is wrong at once; what is mended lets the next error through.
pub(crate) fn the_first_error_in_the_order_wins(world: &World) {
    let forger = Pair::p256();
    let good = world.signing(KeySpec::P256);
    let mut bad = good.clone();
    bad.idp = &world.stranger;
    bad.registered = Vec::new();
    bad.sad_key = &forger;
    bad.algorithm = HashAlgorithm::Signature(SignatureAlgorithm::RsaPkcs1(Digest::Sha256));
    bad.hashes = vec![vec![1; 31]];
    bad.wrapped_key = None;
    bad.key_id = "ffffffff-ffff-4fff-bfff-ffffffffffff".to_owned();
    bad.token_user = OTHER_USER.to_owned();
    assert_eq!(world.refusal(&bad), FirmwareError::UnknownSigner);
    bad.idp = &world.idp;
    let mut tbs = bad.tbs();
    tbs.identity_token.signature = Octets::new([1]).unwrap();
    assert_eq!(world.admit_sad(&bad, &bad.sad_of(tbs)).unwrap_err(), FirmwareError::TokenSignature);
    assert_eq!(world.refusal(&bad), FirmwareError::UnregisteredSigner);
    bad.registered = good.registered.clone();
    assert_eq!(world.refusal(&bad), FirmwareError::SadSignature);
    bad.sad_key = &world.sad_key;
    assert_eq!(world.refusal(&bad), FirmwareError::HashLength);
    bad.hashes = good.hashes.clone();
    assert_eq!(world.refusal(&bad), FirmwareError::NoKey);
    bad.wrapped_key = Some(vec![0x30, 0]);
    assert_eq!(world.refusal(&bad), FirmwareError::WrappedKey);
    bad.wrapped_key = good.wrapped_key.clone();
    assert_eq!(world.refusal(&bad), FirmwareError::KeyMismatch);
    bad.key_id = good.key_id.clone();
    assert_eq!(world.refusal(&bad), FirmwareError::UserMismatch);
    bad.token_user = USER.to_owned();
    assert_eq!(world.refusal(&bad), FirmwareError::Algorithm);
    bad.algorithm = good.algorithm;
    world.admit(&bad).unwrap();
}

pub(crate) fn refuses_what_is_no_sad(world: &World) {
    let signing = world.signing(KeySpec::P256);
    let sad = signing.sad();
    for bytes in [vec![], sad[1..].to_vec(), [&sad[..], &[0]].concat(), vec![0; 200_000]] {
        assert_eq!(world.admit_sad(&signing, &bytes).unwrap_err(), FirmwareError::Malformed);
    }
}

pub(crate) fn a_new_key_comes_with_its_papers(world: &World) {
    let sam_key = SubjectPublicKeyInfoOwned::parse(&world.firmware.status().signing_key).unwrap();
    for spec in SPECS {
        let (key_id, key) = world.key(spec);
        let wrapped = WrappedKey::parse(&key.wrapped_key).unwrap();
        let signature = wrapped.signature.as_bytes();
        assert!(verifies(&sam_key, &ECDSA_P256_SHA256_ASN1, wrapped.tbs.der(), signature));
        let metadata = &wrapped.tbs.metadata;
        assert_eq!((wrapped.tbs.key_id.as_str(), metadata.user_id.as_str()), (key_id, USER));
        assert_eq!(metadata.sam_id.as_str(), SAM);
        assert_eq!(metadata.module_key_id.as_str(), world.firmware.status().module_key_id);
        assert_eq!(SignatureAlgorithm::from_identifier(&metadata.algorithm), Ok(spec.default_algorithm()));

        let public = SignedPublicKey::parse(&key.public_key).unwrap();
        let signature = public.signature.as_bytes();
        assert!(verifies(&sam_key, &ECDSA_P256_SHA256_ASN1, public.tbs.der(), signature));
        assert_eq!((public.tbs.key_id.as_str(), public.tbs.user_id.as_str()), (key_id, USER));
        assert_eq!(public.tbs.spki, metadata.spki);
        assert_eq!(public.tbs.time, metadata.created_at);

        let csr = CertificationRequest::parse(&key.csr).unwrap();
        let algorithm = verification(spec, spec.default_algorithm().digest().unwrap());
        assert!(verifies(&metadata.spki, algorithm, csr.tbs.der(), csr.signature.as_bytes()), "{spec:?}");
        let usage = csr.check_structure().unwrap().unwrap();
        assert_eq!(usage.0, KeyUsages::NonRepudiation);
        assert_eq!(csr.tbs.public_key, metadata.spki);
        assert_eq!(csr.tbs.subject.to_string(), format!("CN={USER}"));
    }
}

pub(crate) fn keys_of_each_kind_are_made(world: &World) {
    for spec in [KeySpec::Rsa3072, KeySpec::Rsa4096] {
        let order = KeyOrder { key_id: "k", user_id: USER, spec, created: 1 };
        let key = world.firmware.generate(&order).unwrap();
        let mut signing = world.signing(KeySpec::Rsa2048);
        (signing.key_id, signing.wrapped_key) = ("k".to_owned(), Some(key.wrapped_key.clone()));
        let signatures = world.firmware.sign(world.admit(&signing).unwrap()).unwrap();
        assert_eq!(Some(signatures[0].len()), spec.modulus_len());
        assert!(verifies(&spki(&key), &RSA_PKCS1_2048_8192_SHA256, b"document", &signatures[0]));
    }
}

pub(crate) fn verifies_tokens_alone(world: &World) {
    let signing = world.signing(KeySpec::P256);
    let token = signing.token().to_bytes().unwrap();
    let firmware = &world.firmware;
    assert_eq!(firmware.verify_token(&token, Some(&signing.registered)), Ok(world.idp.certificate.clone()));
    assert_eq!(firmware.verify_token(&token, None), Ok(world.idp.certificate.clone()), "an unknown user");
    let none: &[Vec<u8>] = &[];
    assert_eq!(firmware.verify_token(&token, Some(none)), Err(FirmwareError::UnregisteredSigner));
    assert_eq!(firmware.verify_token(b"no token", None), Err(FirmwareError::Malformed));
    let mut wrong = signing.token();
    wrong.signature = Octets::new([1; 70]).unwrap();
    let wrong = wrong.to_bytes().unwrap();
    assert_eq!(firmware.verify_token(&wrong, Some(none)), Err(FirmwareError::TokenSignature));
    let stranger = world.stranger.token(USER, &signing.claims).to_bytes().unwrap();
    assert_eq!(firmware.verify_token(&stranger, None), Err(FirmwareError::UnknownSigner));
}

pub(crate) fn verifies_message_credentials(world: &World) {
    let message = b"Create_New_Signer";
    let identifier = |algorithm: SignatureAlgorithm| {
        let value = algorithm.to_identifier().unwrap();
        der::Encode::to_der(&value).unwrap()
    };
    for pair in [Pair::p256(), Pair::rsa()] {
        let idp = Idp::new("technical", pair);
        let (certificate, algorithm) = (&idp.certificate, identifier(idp.pair.algorithm()));
        let signature = idp.pair.sign(message);
        let verify = |algorithm: &[u8], message: &[u8]| {
            world.firmware.verify_message(certificate, algorithm, message, &signature)
        };
        assert_eq!(verify(&algorithm, message), Ok(()));
        assert_eq!(verify(&algorithm, b"Delete"), Err(FirmwareError::MessageSignature));
        assert_eq!(verify(b"?", message), Err(FirmwareError::Malformed));
    }
    // 1.2 names SHA-256 alone, and RSA means PKCS#1.
    let idp = Idp::new("technical", Pair::p384());
    let (algorithm, signature) = (identifier(idp.pair.algorithm()), idp.pair.sign(message));
    let refused = world.firmware.verify_message(&idp.certificate, &algorithm, message, &signature);
    assert_eq!(refused, Err(FirmwareError::MessageSignature));
    let idp = Idp::new("technical", Pair::rsa());
    let algorithm = identifier(SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len: 222 });
    let refused = world.firmware.verify_message(&idp.certificate, &algorithm, message, &idp.pair.sign_pss(message));
    assert_eq!(refused, Err(FirmwareError::MessageSignature));
}

pub(crate) fn rsa_1024() -> SubjectPublicKeyInfoOwned {
    SubjectPublicKeyInfoOwned::parse(&hex::decode(RSA_1024).unwrap()).unwrap()
}

/// A public key of 1024 bits.
const RSA_1024: &str = "\
    30819f300d06092a864886f70d010101050003818d0030818902818100af63ed697aece3c78348d640e0784109456f82b83c\
    d501165729305d3f63142564919a62623c86a31c6ef5167389096bd4173683bd0fd5eafa1220719695e69b4fa6976ba78212\
    b892ea928f1bd976375155626a8cf5968d54548d68dfe9147ad4dfce5b7584f24dbdd13c74f6e5381b4f20ec0e8beb7934be\
    0668f4e2c84e370203010001";
