//! The samples of ../samples, found by glob: `ok-*` is read and gives the same bytes back, `bad-<kind>--<reason>` is
//! refused for that kind of reason.
//!
//! samples/make.py makes them with asn1tools from the ASN.1, without this crate's encoder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a sample that cannot be read must fail the test"
)]

mod common;

use std::collections::BTreeSet;

use common::{Sample, folders, samples};
use der::ErrorKind;
use tw4s_formats::operation::{
    CreateNewPrivilegedUser, CreateNewSigner, DeleteSignerKeyPair, GenerateSignerKeyPair, GenerateSignerKeyPairResult,
    ListSigners, ListSignersResult, Message, MessageType, Operation, SignerMaintenance, Signing, SigningResult, Void,
};
use tw4s_formats::{
    CertificationRequest, Error, Format, HashAlgorithm, IssuerSerial, KeyKind, Kind, MessageSignature, OidArc,
    PeerMessage, Sad, SignedIdentityToken, SignedPublicKey, SubjectPublicKeyInfoOwned, WrappedKey,
};

type Reader = fn(&[u8]) -> Result<Vec<u8>, Error>;

/// Each folder, and how its samples are read: to the bytes that they are written as again.
#[rustfmt::skip]
const READERS: &[(&str, Reader)] = &[
    ("algorithm", algorithm),
    ("claims", claims),
    ("create-new-privileged-user", message::<CreateNewPrivilegedUser>),
    ("create-new-signer", message::<CreateNewSigner>),
    ("csr", request),
    ("delete-signer-key-pair", message::<DeleteSignerKeyPair>),
    ("generate-signer-key-pair", message::<GenerateSignerKeyPair>),
    ("generate-signer-key-pair-result", again::<GenerateSignerKeyPairResult>),
    ("issuer-serial", again::<IssuerSerial>),
    ("key", key),
    ("list-signers", message::<ListSigners>),
    ("list-signers-result", again::<ListSignersResult>),
    ("message-signature", again::<MessageSignature>),
    ("peer", again::<PeerMessage>),
    ("sad", again::<Sad>),
    ("signed-public-key", again::<SignedPublicKey>),
    ("signer-maintenance", message::<SignerMaintenance>),
    ("signing", message::<Signing>),
    ("signing-result", again::<SigningResult>),
    ("token", again::<SignedIdentityToken>),
    ("void", again::<Void>),
    ("wrapped-key", again::<WrappedKey>),
];

#[test]
fn every_folder_has_a_reader_and_every_reader_good_and_bad_samples() {
    let read: BTreeSet<_> = READERS.iter().map(|(folder, _)| (*folder).to_owned()).collect();
    assert_eq!(read, folders());
    for folder in read {
        for good in ["ok-", "bad-"] {
            assert!(samples(&folder).iter().any(|sample| sample.name.starts_with(good)), "{folder}: no {good}");
        }
    }
}

#[test]
fn good_samples_are_read_and_give_the_same_bytes() {
    for (folder, read) in READERS {
        for sample in samples(folder).iter().filter(|sample| sample.name.starts_with("ok-")) {
            let label = format!("{folder}/{}", sample.name);
            assert_eq!(read(&sample.bytes).unwrap_or_else(|e| panic!("{label}: {e}")), sample.bytes, "{label}");
        }
    }
}

#[test]
fn bad_samples_are_refused_for_their_reason_inside_their_bytes() {
    let mut wrong = Vec::new();
    for (folder, read) in READERS {
        for sample in samples(folder) {
            let Some(expected) = sample.name.strip_prefix("bad-").and_then(|name| name.split_once("--")) else {
                assert!(sample.name.starts_with("ok-"), "{folder}/{}: neither ok nor bad", sample.name);
                continue;
            };
            let label = format!("{folder}/{}", sample.name);
            let Err(error) = read(&sample.bytes) else {
                wrong.push(format!("{label}: accepted"));
                continue;
            };
            if word(error.kind) != expected.0 || error.at > sample.bytes.len() {
                wrong.push(format!("{label}: {error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sizes_are_those_of_the_ruling() {
    let sizes = ["ok-1-hash", "ok-3-hashes", "ok-100-hashes"].map(|name| sample("sad", name).bytes.len());
    assert_eq!(sizes, [608, 677, 3976]);
}

#[test]
fn a_token_cut_short_anywhere_is_refused() {
    let bytes = sample("token", "ok-full").bytes;
    for end in 0..bytes.len() {
        assert!(SignedIdentityToken::parse(&bytes[..end]).is_err(), "{end}");
    }
}

#[test]
fn no_refusal_shows_content() {
    for (folder, read) in READERS {
        for sample in samples(folder) {
            let Err(error) = read(&sample.bytes) else { continue };
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("7d2f6f0a") && shown.len() < 300, "{folder}/{}: {shown}", sample.name);
        }
    }
}

/// A token is a bearer's: whoever reads it in a log must not be able to present it.
#[test]
fn debug_shows_no_signature_and_no_wrapped_key() {
    let shown = [
        format!("{:?}", Sad::parse(&sample("sad", "ok-1-hash").bytes).unwrap()),
        format!("{:?}", WrappedKey::parse(&sample("wrapped-key", "ok-p256").bytes).unwrap()),
        format!("{:?}", PeerMessage::parse(&sample("peer", "ok-signing-with-token").bytes).unwrap()),
    ];
    for shown in shown {
        assert!(shown.contains(" bytes)"), "{shown}");
        assert!(!shown.contains("90, 90, 90, 90") && !shown.contains("0, 0, 0, 0"), "{shown}");
    }
}

fn again<T: Format>(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    T::parse(bytes)?.to_bytes()
}

fn message<T: Operation>(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let message = Message::parse(T::TYPE, bytes)?;
    assert_eq!(message.message_type(), T::TYPE);
    assert_eq!(MessageType::from_name(T::TYPE.name()), Ok(T::TYPE));
    message.to_bytes()
}

/// Goes by way of a SAD's field, where the identifiers stand.
fn algorithm(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let identifier = der::Decode::from_der(bytes)?;
    let algorithm = HashAlgorithm::from_identifier(&identifier)?;
    assert_eq!(HashAlgorithm::from_identifier(&algorithm.to_identifier()?)?, algorithm);
    Ok(der::Encode::to_der(&identifier)?)
}

fn claims(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let arc = OidArc::default();
    let token = SignedIdentityToken::parse(bytes)?;
    let claims = token.data.claims(&arc)?;
    let foreign = token.data.extensions.iter().any(|e| e.oid == arc.arc().push_arc(99).unwrap());
    assert!(foreign || claims.to_extensions(&arc)? == token.data.extensions);
    token.to_bytes()
}

fn request(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let request = CertificationRequest::parse(bytes)?;
    request.check_structure()?;
    request.to_bytes()
}

fn key(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let key = SubjectPublicKeyInfoOwned::parse(bytes)?;
    KeyKind::of(&key)?;
    key.to_bytes()
}

fn sample(folder: &str, name: &str) -> Sample {
    samples(folder).into_iter().find(|sample| sample.name == name).expect(name)
}

/// A refusal, in the words of the file names.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::TooLong { .. } => "too-long",
        Kind::NotDer => "not-der",
        Kind::Trailing => "trailing",
        Kind::Depth => "depth",
        Kind::NotCanonical => "not-canonical",
        Kind::DuplicateExtension => "duplicate",
        Kind::Algorithm => "algorithm",
        Kind::Vocabulary => "vocabulary",
        Kind::Attribute => "attribute",
        Kind::Field(kind) => match kind {
            ErrorKind::Length { .. } => "length",
            ErrorKind::Value { .. } => "value",
            ErrorKind::SetOrdering => "set-order",
            ErrorKind::TagUnexpected { .. } => "tag",
            ErrorKind::TagUnknown { .. } => "unknown-tag",
            ErrorKind::TrailingData { .. } => "trailing",
            ErrorKind::Incomplete { .. } => "incomplete",
            ErrorKind::Noncanonical { .. } => "not-canonical-tag",
            ErrorKind::Overlength => "overlength",
            other => panic!("no word for {other:?}"),
        },
        other => panic!("no word for {other:?}"),
    }
}
