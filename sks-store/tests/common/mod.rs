//! The records of the fixture stores. Frozen: version 1 must read back as these for ever.

use sks_core::ports::KeySpec;
use sks_core::record::{
    Address, Counter, Extension, Identity, Key, Material, ObjectKind, Pending, PinGroup, PinPolicy, PukPolicy, Record,
    Session,
};
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use sks_wire::types::{
    BaseType, BiometricProtection, DeletePolicy, ExportPolicy, Format, Grouping, Id, InputMethod, KeyUsage,
};

/// In every secret field but PINs and PUKs.
pub(crate) const SECRET: &[u8] = b"Recognisable secret of the store";
/// The PIN and the PUK.
pub(crate) const PIN: &[u8] = b"recognisable-pin-81726354";
/// In fields that are no secret, and sealed all the same.
pub(crate) const PUBLIC: &[u8] = b"https://issuer.example.com/recognisable";

/// Every kind of record, every table, and every value of every vocabulary.
pub(crate) fn records() -> Vec<(Address, Record)> {
    let mut all = vec![
        (
            Address::Identity,
            Record::Identity(Identity { private_key: secret(0), certificates: vec![PUBLIC.to_vec(), vec![0x30; 700]] }),
        ),
        (Address::Session(1), Record::Session(session())),
        (Address::ClientSessionId(id("_client-session")), Record::Number(1)),
        (Address::OpenSession(1), Record::Time(0x0102_0304_0506_0708)),
        (Address::Pending(1, 3), Record::Pending(Pending { owner: 1, new_key: Some(4) })),
        (Address::Pending(1, 5), Record::Pending(Pending { owner: 2, new_key: None })),
        (Address::SessionKey(1, 0xFFFF_FFFE), Record::Mark),
        (Address::Material(1), Record::Material(Material::Private(secret(138)))),
        (Address::Material(2), Record::Material(Material::Symmetric(secret(0)))),
        // RSA-4096, and so long that durable keeps it in pieces.
        (Address::Material(3), Record::Material(Material::Private(secret(2400)))),
        (Address::Extension(1, 4), extension(BaseType::Extension, 20_000)),
        (Address::PukPolicy(6), puk_policy()),
        (
            Address::PinGroup(1),
            Record::PinGroup(PinGroup { policy: 5, signature: true, pin: Secret::from(PIN), error_count: 2 }),
        ),
        (Address::PolicyGroup(5, 1), Record::Mark),
        (Address::GroupKey(1, 1), Record::Mark),
        (Address::PukPin(6, 5), Record::Mark),
    ];
    let counters = [Counter::Provisioning, Counter::Key, Counter::PinPolicy, Counter::PukPolicy, Counter::Change];
    all.extend((7..).zip(counters).map(|(value, counter)| (Address::Counter(counter), Record::Number(value))));
    let kinds = [ObjectKind::Key, ObjectKind::PinPolicy, ObjectKind::PukPolicy];
    all.extend((1..).zip(kinds).map(|(value, kind)| (Address::Name(1, kind, id("Näme.1")), Record::Number(value))));
    all.extend((0..).zip(BaseType::ALL).map(|(index, base)| (Address::Extension(2, index), extension(*base, 0))));
    all.extend((0..6).map(|nth| (Address::Key(u32::from(nth) + 1), key(nth))));
    all.extend((0..4).map(|nth| (Address::PinPolicy(u32::from(nth) + 1), pin_policy(nth))));
    all
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn secret(more: usize) -> Secret {
    Secret::new([SECRET, &vec![0x55; more]].concat())
}

fn text() -> String {
    String::from_utf8(PUBLIC.to_vec()).unwrap()
}

/// The value of a vocabulary, from the start again after its last.
fn pick<T: Copy>(all: &[T], nth: u8) -> T {
    *all.iter().cycle().nth(usize::from(nth)).unwrap()
}

fn session() -> Session {
    Session {
        open: true,
        session_key: secret(0),
        mac_sequence_counter: 0x0102,
        session_key_uses: 0x0304,
        session_key_limit: 0xFFFF,
        client_session_id: id("_client-session"),
        server_session_id: id("S.1"),
        issuer_uri: text(),
        updatable: true,
        client_time: [1, 2, 3, 4, 5, 6, 7, 8],
        session_life_time: 10_000,
    }
}

fn extension(base_type: BaseType, more: usize) -> Record {
    Record::Extension(Extension { base_type, qualifier: b"image/png".to_vec(), data: secret(more) })
}

fn puk_policy() -> Record {
    Record::PukPolicy(PukPolicy {
        session: 1,
        id: id("PUK.1"),
        puk: Secret::from(PIN),
        format: Format::Binary,
        retry_limit: 0,
        error_count: 1,
    })
}

fn pin_policy(nth: u8) -> Record {
    Record::PinPolicy(PinPolicy {
        session: 1,
        id: id("PIN.1"),
        puk_policy: (nth == 0).then_some(6),
        user_defined: nth == 0,
        user_modifiable: nth == 1,
        format: pick(Format::ALL, nth),
        retry_limit: 3,
        grouping: pick(Grouping::ALL, nth),
        pattern_restrictions: 0x1F,
        min_length: 4,
        max_length: 100,
        input_method: pick(InputMethod::ALL, nth),
    })
}

fn key(nth: u8) -> Record {
    Record::Key(Key {
        session: 1,
        provisioned: nth == 0,
        id: id("Key.1"),
        pin_group: (nth == 0).then_some(1),
        biometric_protection: pick(BiometricProtection::ALL, nth),
        private_key_backup: nth == 1,
        export_policy: pick(ExportPolicy::ALL, nth),
        updatable: nth == 2,
        delete_policy: pick(DeletePolicy::ALL, nth),
        enable_pin_caching: nth == 3,
        import_private_key: nth == 4,
        key_usage: pick(KeyUsage::ALL, nth),
        friendly_name: "Ännas Schlüssel".to_owned(),
        spec: if nth == 0 { KeySpec::Rsa { bits: 4096, exponent: 0x1_0000_0001 } } else { KeySpec::P256 },
        public_key: PUBLIC.to_vec(),
        restored: nth == 5,
        certificates: if nth == 1 { Vec::new() } else { vec![PUBLIC.to_vec(), vec![0x30; 500]] },
        endorsed_algorithms: if nth == 0 { version_1_algorithms() } else { Vec::new() },
        extension_types: if nth == 2 { vec![text()] } else { Vec::new() },
        replaces: (nth == 3).then_some(2),
    })
}

/// In the order of their codes; not `Algorithm::ALL`, which grows.
fn version_1_algorithms() -> Vec<Algorithm> {
    vec![
        Algorithm::Aes128Cbc,
        Algorithm::Aes192Cbc,
        Algorithm::Aes256Cbc,
        Algorithm::AesEcbNopad,
        Algorithm::AesEcbPkcs5,
        Algorithm::HmacSha1,
        Algorithm::HmacSha256,
        Algorithm::Rsa15,
        Algorithm::RsaOaepSha1,
        Algorithm::RsaOaepSha256,
        Algorithm::Ecdh,
        Algorithm::RsaSha1,
        Algorithm::RsaSha256,
        Algorithm::RsaSha384,
        Algorithm::RsaSha512,
        Algorithm::RsaPssSha1,
        Algorithm::RsaPssSha256,
        Algorithm::RsaPssSha384,
        Algorithm::RsaPssSha512,
        Algorithm::EcdsaSha256,
        Algorithm::EcdsaSha384,
        Algorithm::EcdsaSha512,
        Algorithm::Sk1,
        Algorithm::Ka1,
        Algorithm::P256,
    ]
}
