//! The bounds that no sample reaches: of what is written, of open types, and of keys and names that are put together.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use der::asn1::{Any, BitString, OctetString};
use der::{Decode, Encode, Tag};
use tw4s_formats::limit::{MAX_ASSOCIATIONS, MAX_SALT_LEN, MAX_TEXT_LEN, MAX_TOKEN_LEN};
use tw4s_formats::{
    APP_REMOTE_SIGNATURE, AlgorithmIdentifierOwned, CompactGroupAssociation, CompactIdentityToken,
    CompactLongRoleAssociation, CompactRoleAssociation, CompactShortRoleAssociation, Digest, DirectoryString, Error,
    Format, IssuerSerial, KeyKind, KeyUsage, KeyUsages, Kind, Name, ObjectIdentifier, Octets, Open, ROLE_SIGNER,
    SerialNumber, SetOf, SignatureAlgorithm, SubjectPublicKeyInfoOwned, Text, Time, request_info,
};

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: Kind) {
    assert_eq!(result.unwrap_err().kind, kind);
}

/// An identifier, with some of its bytes replaced.
fn patched(algorithm: SignatureAlgorithm, old: &[u8], new: &[u8]) -> AlgorithmIdentifierOwned {
    let der = algorithm.to_identifier().unwrap().to_der().unwrap();
    let at = der.windows(old.len()).position(|window| window == old).unwrap();
    let patched = [der.get(..at).unwrap(), new, der.get(at + old.len()..).unwrap()].concat();
    AlgorithmIdentifierOwned::from_der(&patched).unwrap()
}

#[test]
fn a_salt_is_990_bytes_at_most() {
    let pss = |salt_len| SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len };
    let longest = pss(MAX_SALT_LEN);
    assert_eq!(SignatureAlgorithm::from_identifier(&longest.to_identifier().unwrap()), Ok(longest));
    refused(pss(MAX_SALT_LEN + 1).to_identifier(), Kind::Algorithm);
    let longer = patched(longest, &[2, 2, 0x03, 0xDE], &[2, 2, 0x03, 0xDF]);
    refused(SignatureAlgorithm::from_identifier(&longer), Kind::Algorithm);
}

#[test]
fn a_mask_is_mgf1_s() {
    let pss = SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len: 32 };
    let mgf1 = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8").to_der().unwrap();
    let other = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.9").to_der().unwrap();
    refused(SignatureAlgorithm::from_identifier(&patched(pss, &mgf1, &other)), Kind::Algorithm);
}

fn token(groups: Vec<CompactGroupAssociation>) -> CompactIdentityToken {
    CompactIdentityToken {
        user_id: DirectoryString::new("user").unwrap(),
        not_before: Time::from_unix(0).unwrap(),
        not_after: Time::from_unix(1).unwrap(),
        group_associations: SetOf::new(groups).unwrap(),
        extensions: SetOf::default(),
    }
}

fn group(id: &[u8], roles: Vec<CompactRoleAssociation>) -> CompactGroupAssociation {
    let role_associations = SetOf::new(roles).unwrap();
    CompactGroupAssociation { id: Octets::new(id).unwrap(), role_associations, extensions: SetOf::default() }
}

fn role(app: &str, role: &str) -> CompactRoleAssociation {
    CompactRoleAssociation::Long(CompactLongRoleAssociation {
        app: DirectoryString::new(app).unwrap(),
        role: DirectoryString::new(role).unwrap(),
        extensions: SetOf::default(),
    })
}

/// What would not be read is not written.
#[test]
fn nothing_longer_than_its_format_is_written() {
    let ids = 0..u16::try_from(MAX_ASSOCIATIONS).unwrap();
    let groups = ids.map(|id| group(&[&id.to_be_bytes()[..], &[0; 62]].concat(), Vec::new())).collect();
    refused(token(groups).to_bytes(), Kind::TooLong { max: MAX_TOKEN_LEN });
}

#[test]
fn nothing_that_is_not_der_is_written() {
    let oid = ObjectIdentifier::new_unwrap("1.2.3");
    let parameters = Some(Any::new(Tag::Sequence, [0xFF]).unwrap());
    let subject_public_key = BitString::from_bytes(&[1]).unwrap();
    let key = SubjectPublicKeyInfoOwned { algorithm: AlgorithmIdentifierOwned { oid, parameters }, subject_public_key };
    refused(key.to_bytes(), Kind::NotDer);
}

/// Row 4: the long roles of all groups, for one application.
#[test]
fn roles_are_the_long_ones_of_the_application() {
    let short = CompactShortRoleAssociation { short_id: Octets::new([7]).unwrap(), extensions: SetOf::default() };
    let token = token(vec![
        group(&[1], vec![role(APP_REMOTE_SIGNATURE, ROLE_SIGNER), CompactRoleAssociation::Short(short)]),
        group(&[2], vec![role("Mail", "Postmaster"), role(APP_REMOTE_SIGNATURE, "Other")]),
    ]);
    assert_eq!(token.roles(APP_REMOTE_SIGNATURE).collect::<Vec<_>>(), [ROLE_SIGNER, "Other"]);
    assert_eq!(token.roles("Mail").collect::<Vec<_>>(), ["Postmaster"]);
    assert_eq!(token.roles("mail").count(), 0);
}

/// Row 7.
#[test]
fn a_set_holds_nothing_twice() {
    let [one, two] = [1, 2].map(|byte| OctetString::new([byte]).unwrap());
    assert!(SetOf::<_, 3>::new(vec![two.clone(), one.clone()]).is_ok());
    refused(SetOf::<_, 3>::new(vec![two.clone(), one, two]), Kind::Field(der::ErrorKind::SetOrdering));
}

#[test]
fn a_text_has_its_length_and_no_control_character() {
    for (text, fits) in [("", false), ("a", true), ("a\n", false), ("a\u{85}", false)] {
        assert_eq!(Text::<1>::new(text).is_ok(), fits, "{text:?}");
    }
    assert!(Text::<1>::new("a".repeat(MAX_TEXT_LEN)).is_ok());
    assert!(Text::<1>::new("a".repeat(MAX_TEXT_LEN + 1)).is_err());
}

fn serial(number: u8) -> SerialNumber {
    SerialNumber::new(&[number]).unwrap()
}

/// Who signed is named by both, or by none.
#[test]
fn an_issuer_serial_names_issuer_and_serial() {
    let name: Name = "CN=CA".parse().unwrap();
    let named = IssuerSerial::new(name.clone(), serial(1)).unwrap();
    assert!(named.names(&name, &serial(1)));
    assert!(!named.names(&name, &serial(2)));
    assert!(!named.names(&"CN=Other".parse().unwrap(), &serial(1)));
}

#[test]
fn an_empty_name_names_nobody() {
    let empty = Name::default();
    assert!(IssuerSerial::new(empty.clone(), serial(1)).is_err());
    let key = key("1.3.101.112", None, &[1; 32]);
    assert!(request_info(empty, key, KeyUsage(KeyUsages::NonRepudiation.into())).is_err());
}

fn key(oid: &str, parameters: Option<Any>, bytes: &[u8]) -> SubjectPublicKeyInfoOwned {
    let algorithm = AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap(oid), parameters };
    SubjectPublicKeyInfoOwned { algorithm, subject_public_key: BitString::from_bytes(bytes).unwrap() }
}

#[test]
fn an_ed25519_key_has_32_bytes() {
    assert_eq!(KeyKind::of(&key("1.3.101.112", None, &[1; 32])), Ok(KeyKind::Ed25519));
    for len in [0, 31, 33] {
        refused(KeyKind::of(&key("1.3.101.112", None, &vec![1; len])), Kind::Algorithm);
    }
}

/// RFC 4055 1.2: NULL, and nothing else.
#[test]
fn an_rsa_key_s_parameters_are_null() {
    let rsa = [&[0x30, 0x82, 0x01, 0x08, 2, 0x82, 0x01, 0x01, 0][..], &[0xC5; 256], &[2, 1, 3]].concat();
    let oid = "1.2.840.113549.1.1.1";
    assert_eq!(KeyKind::of(&key(oid, Some(Any::null()), &rsa)), Ok(KeyKind::Rsa { bits: 2048 }));
    for parameters in [None, Some(Any::encode_from(&ObjectIdentifier::new_unwrap("1.2.3")).unwrap())] {
        refused(KeyKind::of(&key(oid, parameters, &rsa)), Kind::Algorithm);
    }
}

#[test]
fn an_open_type_is_one_element_no_longer_than_a_token() {
    let octets = |len: u16| [&[4, 0x82][..], &len.to_be_bytes(), &vec![0; usize::from(len)]].concat();
    let longest = u16::try_from(MAX_TOKEN_LEN).unwrap() - 4;
    let bytes = octets(longest);
    let open = Open::new(bytes.clone()).unwrap();
    assert_eq!(Open::from_der(&bytes).as_ref(), Ok(&open));
    refused(Open::new(octets(longest + 1)), Kind::TooLong { max: MAX_TOKEN_LEN });
    assert!(Open::from_der(&octets(longest + 1)).is_err());
    refused(Open::new([5, 0, 0]), Kind::Trailing);
    refused(Open::new([4, 0x81, 1, 0]), Kind::NotDer);
}

/// X.690 8.1.2.4 and 8.1.3.5: forms that no length of ours needs, and that would read as something else.
#[test]
fn tags_and_lengths_in_long_forms_are_refused() {
    refused(Open::new([&[0x9F, 31][..], &[0; 31]].concat()), Kind::NotDer);
    let length = [0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0x80];
    refused(Open::new([&[4][..], &length, &[0; 128]].concat()), Kind::NotDer);
}
