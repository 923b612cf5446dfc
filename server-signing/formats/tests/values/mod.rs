//! Arbitrary values of every type.

#![allow(unreachable_pub, reason = "a module of a test binary")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::str::FromStr;

use der::asn1::{Any, BitString};
use der::flagset::FlagSet;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tw4s_formats::operation::{
    Certificates, GenerateSignerKeyPair, KeySpecification, ListSigners, ListSignersResult, PageSize, SigningResult,
};
use tw4s_formats::{
    AlgorithmIdentifierOwned, CertificationRequest, Claims, CompactExtension, CompactExtensions,
    CompactGroupAssociation, CompactIdentityToken, CompactLongRoleAssociation, CompactRoleAssociation,
    CompactShortRoleAssociation, Credential, Digest, DirectoryString, ErrorResponse, ErrorType, Exact, HashAlgorithm,
    IssuerSerial, KeyUsage, KeyUsages, LevelOfAssurance, List, MessageSignature, Name, ObjectIdentifier, Octets,
    OidArc, Open, PeerBody, PeerMessage, PublicKeyTbs, Request, Response, Sad, SadTbs, SerialNumber, SetOf,
    SignatureAlgorithm, Signed, SignedIdentityToken, SignedPublicKey, StringKind, SubjectPublicKeyInfoOwned, Text,
    Time, V1, WrappedKey, WrappedKeyMetadata, WrappedKeyTbs, request_info,
};

pub fn token() -> impl Strategy<Value = SignedIdentityToken> {
    (compact_token(), issuer_serial(), identifier(), octets(1..=1024), option::of(oid())).prop_map(
        |(data, signer, signature_algorithm, signature, token_type)| SignedIdentityToken {
            data: Exact::new(data).unwrap(),
            signer,
            signature_algorithm,
            signature,
            token_type,
        },
    )
}

fn compact_token() -> impl Strategy<Value = CompactIdentityToken> {
    (directory_string(), time(), time(), vec(group(), 0..3), token_extensions()).prop_map(
        |(user_id, not_before, not_after, groups, extensions)| CompactIdentityToken {
            user_id,
            not_before,
            not_after,
            group_associations: set_of(groups),
            extensions,
        },
    )
}

fn group() -> impl Strategy<Value = CompactGroupAssociation> {
    (octets(0..=64), vec(role(), 0..4), extensions()).prop_map(|(id, roles, extensions)| CompactGroupAssociation {
        id,
        role_associations: set_of(roles),
        extensions,
    })
}

fn role() -> impl Strategy<Value = CompactRoleAssociation> {
    let short = (octets(0..=64), extensions())
        .prop_map(|(short_id, extensions)| CompactShortRoleAssociation { short_id, extensions })
        .prop_map(CompactRoleAssociation::Short);
    let long = (directory_string(), directory_string(), extensions())
        .prop_map(|(app, role, extensions)| CompactLongRoleAssociation { app, role, extensions })
        .prop_map(CompactRoleAssociation::Long);
    prop_oneof![short, long]
}

fn extensions() -> impl Strategy<Value = CompactExtensions> {
    vec((oid(), open()).prop_map(|(oid, data)| CompactExtension { oid, data }), 0..3).prop_map(set_of)
}

fn token_extensions() -> impl Strategy<Value = CompactExtensions> {
    prop_oneof![extensions(), claims().prop_map(|claims| claims.to_extensions(&OidArc::default()).unwrap())]
}

pub fn claims() -> impl Strategy<Value = Claims> {
    let level = prop::sample::select(LevelOfAssurance::ALL);
    (option::of(spki()), option::of(text()), option::of(level), option::of(any::<[u8; 16]>()))
        .prop_map(|(sad_key, scope, level, jti)| Claims { sad_key, scope, level, jti })
}

pub fn sad() -> impl Strategy<Value = Sad> {
    let hashes = vec(octets(0..=128), 1..20).prop_map(|hashes| List::new(hashes).unwrap());
    (token(), directory_string(), identifier(), hashes, octets(1..=1024)).prop_map(
        |(identity_token, key_id, hash_algorithm, tbs_hash_values, signature)| Sad {
            tbs: Exact::new(SadTbs { identity_token, key_id, hash_algorithm, tbs_hash_values }).unwrap(),
            signature,
        },
    )
}

pub fn hash_algorithm() -> impl Strategy<Value = HashAlgorithm> {
    prop_oneof![digest().prop_map(HashAlgorithm::Digest), signature_algorithm().prop_map(HashAlgorithm::Signature)]
}

fn digest() -> impl Strategy<Value = Digest> {
    prop::sample::select(&Digest::ALL[..])
}

fn signature_algorithm() -> impl Strategy<Value = SignatureAlgorithm> {
    prop_oneof![
        digest().prop_map(SignatureAlgorithm::RsaPkcs1),
        (digest(), prop_oneof![Just(20), 0_u16..=990])
            .prop_map(|(digest, salt_len)| SignatureAlgorithm::RsaPss { digest, salt_len }),
        digest().prop_map(SignatureAlgorithm::Ecdsa),
        Just(SignatureAlgorithm::Ed25519),
    ]
}

/// Known ones and any others.
fn identifier() -> impl Strategy<Value = AlgorithmIdentifierOwned> {
    prop_oneof![
        hash_algorithm().prop_map(|algorithm| algorithm.to_identifier().unwrap()),
        (oid(), option::of(Just(Any::null())))
            .prop_map(|(oid, parameters)| AlgorithmIdentifierOwned { oid, parameters }),
    ]
}

pub fn issuer_serial() -> impl Strategy<Value = IssuerSerial> {
    (name(), serial()).prop_map(|(name, serial)| IssuerSerial::new(name, serial).unwrap())
}

fn serial() -> impl Strategy<Value = SerialNumber> {
    vec(any::<u8>(), 1..19).prop_map(|bytes| SerialNumber::new(&bytes).unwrap())
}

fn name() -> impl Strategy<Value = Name> {
    "[A-Za-z][A-Za-z0-9 ]{0,30}[A-Za-z0-9]".prop_map(|cn| Name::from_str(&format!("C=DE,OU=a+CN={cn}")).unwrap())
}

pub fn wrapped_key() -> impl Strategy<Value = WrappedKey> {
    let metadata = (text(), spki(), identifier(), time(), text(), text()).prop_map(
        |(user_id, spki, algorithm, created_at, sam_id, module_key_id)| WrappedKeyMetadata {
            user_id,
            spki,
            algorithm,
            created_at,
            sam_id,
            module_key_id,
        },
    );
    let tbs = (text(), octets(1..=3000), metadata).prop_map(|(key_id, cm_wrapped_key, metadata)| WrappedKeyTbs {
        version: V1,
        key_id,
        cm_wrapped_key,
        metadata,
    });
    signed(tbs)
}

pub fn signed_public_key() -> impl Strategy<Value = SignedPublicKey> {
    let tbs = (text(), text(), spki(), time());
    signed(tbs.prop_map(|(key_id, user_id, spki, time)| PublicKeyTbs { key_id, user_id, spki, time }))
}

fn signed<T: der::Encode + std::fmt::Debug>(tbs: impl Strategy<Value = T>) -> impl Strategy<Value = Signed<T>> {
    (tbs, identifier(), vec(any::<u8>(), 1..1024))
        .prop_map(|(tbs, algorithm, signature)| Signed::new(Exact::new(tbs).unwrap(), algorithm, signature).unwrap())
}

pub fn request() -> impl Strategy<Value = CertificationRequest> {
    (name(), spki(), 1_u16..512, identifier(), vec(any::<u8>(), 1..512)).prop_map(
        |(subject, key, usage, algorithm, signature)| {
            let usage = KeyUsage(FlagSet::<KeyUsages>::new_truncated(usage));
            Signed::new(request_info(subject, key, usage).unwrap(), algorithm, signature).unwrap()
        },
    )
}

fn spki() -> impl Strategy<Value = SubjectPublicKeyInfoOwned> {
    (identifier(), vec(any::<u8>(), 0..600)).prop_map(|(algorithm, key)| SubjectPublicKeyInfoOwned {
        algorithm,
        subject_public_key: BitString::from_bytes(&key).unwrap(),
    })
}

pub fn peer_message() -> impl Strategy<Value = PeerMessage> {
    let credential = prop_oneof![
        token().prop_map(|token| Credential::identity_token(&token, &OidArc::default()).unwrap()),
        message_signature().prop_map(|value| Credential::message_signature(&value, &OidArc::default()).unwrap()),
        (oid(), open()).prop_map(|(credential_type, value)| Credential { credential_type, value }),
    ];
    let request = (text(), octets(0..=500), credential)
        .prop_map(|(message_type, message, credential)| Request { message_type, message, credential })
        .prop_map(|request| PeerBody::Request(Box::new(request)));
    let error = (prop::sample::select(ErrorType::ALL), "[ -~]{0,100}", option::of(octets(1..=64))).prop_map(
        |(error_type, detail, audit_ref)| ErrorResponse { error_type, detail: Text::new(detail).unwrap(), audit_ref },
    );
    let response = prop_oneof![octets(0..=500).prop_map(Response::Result), error.prop_map(Response::Error)]
        .prop_map(|response| PeerBody::Response(Box::new(response)));
    let body = prop_oneof![request, response, Just(PeerBody::Ping), Just(PeerBody::Pong)];
    (any::<[u8; 16]>(), time(), body).prop_map(|(id, sent_at, body)| PeerMessage::new(id, sent_at, body).unwrap())
}

pub fn message_signature() -> impl Strategy<Value = MessageSignature> {
    (issuer_serial(), identifier(), octets(1..=1024))
        .prop_map(|(cert, signature_algorithm, signature)| MessageSignature { cert, signature_algorithm, signature })
}

pub fn certificates() -> impl Strategy<Value = Certificates> {
    vec(octets(1..=200), 0..=16).prop_map(|certificates| List::new(certificates).unwrap())
}

pub fn generate() -> impl Strategy<Value = GenerateSignerKeyPair> {
    let specification = prop_oneof![
        oid().prop_map(|curve| KeySpecification::Ec { curve }),
        any::<u32>().prop_map(|bits| KeySpecification::Rsa { bits }),
    ];
    (text(), specification).prop_map(|(userid, specification)| {
        let message = GenerateSignerKeyPair::new(userid.as_str(), specification).unwrap();
        assert_eq!(message.specification(), Ok(specification));
        message
    })
}

pub fn list_signers() -> impl Strategy<Value = ListSigners> {
    (1_u16..=1000, option::of(text()))
        .prop_map(|(limit, after)| ListSigners { limit: PageSize::new(limit).unwrap(), after })
}

pub fn list_signers_result() -> impl Strategy<Value = ListSignersResult> {
    (vec(text(), 0..20), any::<bool>())
        .prop_map(|(userids, more)| ListSignersResult { userids: List::new(userids).unwrap(), more })
}

pub fn signing_result() -> impl Strategy<Value = SigningResult> {
    vec(octets(1..=512), 1..20).prop_map(|sigbin| SigningResult { sigbin: List::new(sigbin).unwrap() })
}

pub fn text() -> impl Strategy<Value = Text> {
    "[a-zA-Z0-9äß€𝄞 -]{1,40}".prop_map(|text| Text::new(text).unwrap())
}

fn directory_string() -> impl Strategy<Value = DirectoryString> {
    let units = |bytes: fn(char) -> Vec<u8>| move |text: String| text.chars().flat_map(bytes).collect::<Vec<u8>>();
    prop_oneof![
        "[a-zäu\u{308}€𝄞]{1,40}".prop_map(|text| DirectoryString::new(&text).unwrap()),
        "[A-Za-z0-9 '()+,./:=?-]{1,40}".prop_map(|text| DirectoryString::with_kind(
            StringKind::Printable,
            text.into_bytes()
        )
        .unwrap()),
        "[a-z\u{a0}-\u{ff}]{1,40}".prop_map(units(|c| vec![c as u8])).prop_map(|content| DirectoryString::with_kind(
            StringKind::Teletex,
            content
        )
        .unwrap()),
        "[a-zä€𝄞]{1,40}"
            .prop_map(units(|c| u32::from(c).to_be_bytes().to_vec()))
            .prop_map(|content| DirectoryString::with_kind(StringKind::Universal, content).unwrap()),
        "[a-zä€]{1,40}"
            .prop_map(units(|c| (c as u16).to_be_bytes().to_vec()))
            .prop_map(|content| DirectoryString::with_kind(StringKind::Bmp, content).unwrap()),
    ]
}

fn time() -> impl Strategy<Value = Time> {
    (0..=253_402_300_799_u64).prop_map(|seconds| {
        let time = Time::from_unix(seconds).unwrap();
        assert_eq!(time.unix(), seconds);
        time
    })
}

fn oid() -> impl Strategy<Value = ObjectIdentifier> {
    vec(any::<u32>(), 0..4).prop_map(|arcs| {
        let arc = ObjectIdentifier::new("1.2").unwrap();
        arcs.into_iter().fold(arc, |oid, arc| oid.push_arc(arc).unwrap())
    })
}

/// Nested elements of types known and unknown.
fn open() -> impl Strategy<Value = Open> {
    let leaf = prop_oneof![
        Just(vec![0x05, 0x00]),
        any::<u8>().prop_map(|byte| vec![0x04, 0x01, byte]),
        Just(vec![0x1C, 0x04, 0, 0, 0, b'Z']),
        Just(vec![0x9E, 0x00]),
    ];
    leaf.prop_recursive(4, 12, 3, |inner| {
        vec(inner, 0..3).prop_map(|parts| {
            let content = parts.concat();
            let mut element = vec![0x30, u8::try_from(content.len()).unwrap()];
            element.extend(content);
            element
        })
    })
    .prop_filter("lengths of one byte", |der| der.len() < 100)
    .prop_map(|der| Open::new(der).unwrap())
}

fn octets<const MIN: usize, const MAX: usize>(
    sizes: std::ops::RangeInclusive<usize>,
) -> impl Strategy<Value = Octets<MIN, MAX>> {
    vec(any::<u8>(), sizes).prop_map(|bytes| Octets::new(bytes).unwrap())
}

fn set_of<T: der::Encode + PartialEq, const MAX: usize>(mut items: Vec<T>) -> SetOf<T, MAX> {
    let mut once = Vec::new();
    while let Some(item) = items.pop() {
        if !once.contains(&item) {
            once.push(item);
        }
    }
    SetOf::new(once).unwrap()
}
