//! Every type, both ways: a value gives bytes that give the value; bytes that are accepted give the same bytes, and no
//! bytes panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
mod values;

use std::fmt::Debug;

use common::{folders, samples};
use der::Encode;
use proptest::prelude::*;
use tw4s_formats::operation::{
    CreateNewPrivilegedUser, CreateNewSigner, DeleteSignerKeyPair, GenerateSignerKeyPair, GenerateSignerKeyPairResult,
    ListSigners, ListSignersResult, SignerMaintenance, Signing, SigningResult, Void,
};
use tw4s_formats::{
    CertificationRequest, CompactIdentityToken, Error, Format, HashAlgorithm, IssuerSerial, KeyKind, MessageSignature,
    OidArc, PeerBody, PeerMessage, Sad, SadTbs, SignedIdentityToken, SignedPublicKey, SubjectPublicKeyInfoOwned, Text,
    WrappedKey,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tokens(value in values::token()) {
        there_and_back(&value);
        there_and_back(&*value.data);
        there_and_back(&value.signer);
        prop_assert_eq!(value.data.der(), value.data.to_bytes().unwrap());
    }

    #[test]
    fn a_sad_has_its_token_and_no_other_bytes(sad in values::sad(), other in values::token()) {
        let der = sad.tbs.identity_token.to_bytes().unwrap();
        prop_assert!(sad.has_token(&der));
        for end in [0, 1, 2, der.len() / 2, der.len() - 1] {
            prop_assert!(!sad.has_token(&der[..end]), "the first {end} bytes");
        }
        prop_assert!(!sad.has_token(&[&der[..], &sad.tbs.key_id.to_der().unwrap()].concat()), "and what follows");
        prop_assert_eq!(sad.has_token(&other.to_bytes().unwrap()), other == sad.tbs.identity_token);
    }

    #[test]
    fn claims(value in values::claims()) {
        let arc = OidArc::default();
        prop_assert_eq!(tw4s_formats::Claims::from_extensions(&value.to_extensions(&arc).unwrap(), &arc), Ok(value));
    }

    #[test]
    fn sads(value in values::sad()) {
        there_and_back(&value);
        there_and_back(&*value.tbs);
        there_and_back(&Signing::new(&value).unwrap());
        prop_assert_eq!(Signing::new(&value).unwrap().sad(), Ok(value));
    }

    #[test]
    fn algorithms(value in values::hash_algorithm()) {
        prop_assert_eq!(HashAlgorithm::from_identifier(&value.to_identifier().unwrap()), Ok(value));
    }

    #[test]
    fn signed_objects(wrapped in values::wrapped_key(), public in values::signed_public_key(), csr in values::request()) {
        there_and_back(&wrapped);
        there_and_back(&public);
        there_and_back(&csr);
        prop_assert!(csr.check_structure().unwrap().is_some());
        let result = GenerateSignerKeyPairResult::new(&public).unwrap();
        there_and_back(&result);
        prop_assert_eq!(result.public_key(), Ok(public));
    }

    #[test]
    fn peer_messages(value in values::peer_message()) {
        there_and_back(&value);
        if let PeerBody::Request(request) = &value.body {
            let signed = value.signed_bytes(request).unwrap();
            prop_assert!(signed.ends_with(request.message.as_bytes()));
            request.credential.open(&OidArc::default()).unwrap();
        }
    }

    #[test]
    fn message_signatures(value in values::message_signature()) {
        there_and_back(&value);
    }

    #[test]
    fn operations(
        userid in values::text(),
        certificates in values::certificates(),
        generate in values::generate(),
        list in values::list_signers(),
        listed in values::list_signers_result(),
        signed in values::signing_result(),
    ) {
        there_and_back(&CreateNewPrivilegedUser { userid: userid.clone(), certificates: certificates.clone() });
        there_and_back(&CreateNewSigner { userid: userid.clone(), certificates: certificates.clone() });
        there_and_back(&SignerMaintenance { userid: userid.clone(), certificates });
        there_and_back(&DeleteSignerKeyPair { keyid: userid });
        there_and_back(&generate);
        there_and_back(&list);
        there_and_back(&listed);
        there_and_back(&signed);
        there_and_back(&Void {});
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_never_panic_and_are_kept_if_accepted(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        all(&bytes);
    }

    #[test]
    fn mutated_samples_never_panic_and_are_kept_if_accepted(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 1..4),
    ) {
        SAMPLES.with(|samples| {
            let mut bytes = which.get(samples).clone();
            for (at, change) in &changes {
                if !bytes.is_empty() {
                    apply(&mut bytes, at, change);
                }
            }
            all(&bytes);
        });
    }
}

thread_local! {
    /// The short ones, good and bad.
    static SAMPLES: Vec<Vec<u8>> = folders()
        .iter()
        .flat_map(|folder| samples(folder))
        .map(|sample| sample.bytes)
        .filter(|bytes| bytes.len() < 2000)
        .collect();
}

#[derive(Clone, Debug)]
enum Change {
    Set(u8),
    Flip(u8),
    Insert(u8),
    Remove,
    Cut,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<u8>().prop_map(Change::Set),
        (0_u8..8).prop_map(|bit| Change::Flip(1 << bit)),
        any::<u8>().prop_map(Change::Insert),
        Just(Change::Remove),
        Just(Change::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, at: &prop::sample::Index, change: &Change) {
    let at = at.index(bytes.len());
    match change {
        Change::Set(byte) => bytes[at] = *byte,
        Change::Flip(bit) => bytes[at] ^= bit,
        Change::Insert(byte) => bytes.insert(at, *byte),
        Change::Remove => drop(bytes.remove(at)),
        Change::Cut => bytes.truncate(at),
    }
}

/// Reads the bytes as everything.
fn all(bytes: &[u8]) {
    if let Some(token) = kept::<SignedIdentityToken>(bytes) {
        assert!(bytes.windows(token.data.der().len()).any(|window| window == token.data.der()));
        let _ = token.data.claims(&OidArc::default());
    }
    if let Some(sad) = kept::<Sad>(bytes) {
        assert!(bytes.windows(sad.tbs.der().len()).any(|window| window == sad.tbs.der()));
        let _ = sad.tbs.algorithm();
        let _ = sad.tbs.identity_token.data.claims(&OidArc::default());
    }
    if let Some(message) = kept::<PeerMessage>(bytes)
        && let PeerBody::Request(request) = &message.body
    {
        let _ = request.credential.open(&OidArc::default());
    }
    if let Some(request) = kept::<CertificationRequest>(bytes) {
        let _ = request.check_structure();
    }
    if let Some(key) = kept::<SubjectPublicKeyInfoOwned>(bytes) {
        let _ = KeyKind::of(&key);
    }
    kept::<CompactIdentityToken>(bytes);
    kept::<SadTbs>(bytes);
    kept::<IssuerSerial>(bytes);
    kept::<WrappedKey>(bytes);
    kept::<SignedPublicKey>(bytes);
    kept::<MessageSignature>(bytes);
    kept::<CreateNewPrivilegedUser>(bytes);
    kept::<GenerateSignerKeyPair>(bytes);
    kept::<GenerateSignerKeyPairResult>(bytes);
    kept::<DeleteSignerKeyPair>(bytes);
    kept::<Signing>(bytes);
    kept::<SigningResult>(bytes);
    kept::<ListSigners>(bytes);
    kept::<ListSignersResult>(bytes);
    kept::<Text>(bytes);
    kept::<Void>(bytes);
}

fn kept<T: Format>(bytes: &[u8]) -> Option<T> {
    match T::parse(bytes) {
        Ok(value) => {
            assert_eq!(value.to_bytes().expect("what was read can be written"), bytes);
            Some(value)
        }
        Err(Error { at, .. }) => {
            assert!(at <= bytes.len(), "a position outside the bytes");
            None
        }
    }
}

fn there_and_back<T: Format + PartialEq + Debug>(value: &T) {
    assert_eq!(T::parse(&value.to_bytes().expect("can be written")).as_ref(), Ok(value));
}
