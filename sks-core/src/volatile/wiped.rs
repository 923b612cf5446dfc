//! What a volatile session held is wiped when it is removed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::os::unix::fs::FileExt;

use sks_wire::Secret;
use sks_wire::types::{BaseType, Format, Id};
use zeroize::ZeroizeOnDrop;

use super::*;
use crate::record::{Extension, Identity, Pending, PinGroup, PinPolicy, PukPolicy};

/// What of a record is secret. All fields are named here, so that a new one does not compile before it is on one side or
/// the other; and a secret that would not be wiped does not compile either.
fn secrets(record: &Record) -> Vec<&Secret> {
    fn wiped<T: ZeroizeOnDrop>(secret: &T) -> Vec<&T> {
        vec![secret]
    }
    match record {
        Record::Identity(Identity { private_key, certificates: _ }) => wiped(private_key),
        Record::Session(Session {
            session_key,
            open: _,
            mac_sequence_counter: _,
            session_key_uses: _,
            session_key_limit: _,
            client_session_id: _,
            server_session_id: _,
            issuer_uri: _,
            updatable: _,
            client_time: _,
            session_life_time: _,
        }) => wiped(session_key),
        Record::Material(Material::Private(secret) | Material::Symmetric(secret)) => wiped(secret),
        Record::Extension(Extension { data, base_type: _, qualifier: _ }) => wiped(data),
        Record::PukPolicy(PukPolicy { puk, session: _, id: _, format: _, retry_limit: _, error_count: _ }) => {
            wiped(puk)
        }
        Record::PinGroup(PinGroup { pin, policy: _, signature: _, error_count: _ }) => wiped(pin),
        Record::Number(_) | Record::Time(_) | Record::Mark => Vec::new(),
        Record::Pending(Pending { owner: _, new_key: _ }) => Vec::new(),
        Record::Key(Key {
            session: _,
            provisioned: _,
            id: _,
            pin_group: _,
            biometric_protection: _,
            private_key_backup: _,
            export_policy: _,
            updatable: _,
            delete_policy: _,
            enable_pin_caching: _,
            import_private_key: _,
            key_usage: _,
            friendly_name: _,
            spec: _,
            public_key: _,
            restored: _,
            certificates: _,
            endorsed_algorithms: _,
            extension_types: _,
            replaces: _,
        }) => Vec::new(),
        Record::PinPolicy(PinPolicy {
            session: _,
            id: _,
            puk_policy: _,
            user_defined: _,
            user_modifiable: _,
            format: _,
            retry_limit: _,
            grouping: _,
            pattern_restrictions: _,
            min_length: _,
            max_length: _,
            input_method: _,
        }) => Vec::new(),
    }
}

const SECRET: [u8; 256] = [0xA5; 256];

/// A record of each kind that has a secret.
fn records() -> Vec<(Address, Record)> {
    let secret = || Secret::from(&SECRET[..]);
    let id = || Id::new("Id").unwrap();
    let session = Session {
        open: true,
        session_key: secret(),
        mac_sequence_counter: 0,
        session_key_uses: 0,
        session_key_limit: 1,
        client_session_id: id(),
        server_session_id: id(),
        issuer_uri: "https://issuer.example.com".into(),
        updatable: false,
        client_time: [0; 8],
        session_life_time: 1,
    };
    let extension = Extension { base_type: BaseType::EncryptedExtension, qualifier: Vec::new(), data: secret() };
    let puk =
        PukPolicy { session: 1, id: id(), puk: secret(), format: Format::Numeric, retry_limit: 3, error_count: 0 };
    vec![
        (Address::Identity, Record::Identity(Identity { private_key: secret(), certificates: Vec::new() })),
        (Address::Session(1), Record::Session(session)),
        (Address::Material(1), Record::Material(Material::Private(secret()))),
        (Address::Material(2), Record::Material(Material::Symmetric(secret()))),
        (Address::Extension(1, 0), Record::Extension(extension)),
        (Address::PukPolicy(1), Record::PukPolicy(puk)),
        (
            Address::PinGroup(1),
            Record::PinGroup(PinGroup { policy: 1, signature: false, pin: secret(), error_count: 0 }),
        ),
    ]
}

/// Whether the secret is at this place of this process' memory. Its first bytes may be the allocator's by now.
fn is_at(place: usize) -> bool {
    let mut bytes = [0; SECRET.len()];
    let memory = File::open("/proc/self/mem").unwrap();
    let read = memory.read_exact_at(&mut bytes, u64::try_from(place).unwrap());
    read.is_ok() && bytes.split_at(64).1 == SECRET.split_at(64).1
}

#[test]
fn a_session_that_is_removed_leaves_no_secret_in_memory() {
    let (volatile, memory) = (Volatile::default(), Arc::new(Memory::default()));
    let mut places = Vec::new();
    for (at, record) in records() {
        let found = secrets(&record);
        assert_eq!(found.len(), 1, "{at:?}");
        places.extend(found.iter().map(|secret| secret.expose().as_ptr().addr()));
        memory.put(at, record).unwrap();
    }
    volatile.open.lock().insert(1, memory);
    assert!(places.iter().all(|place| is_at(*place)), "as long as it is open");
    volatile.remove(1);
    assert!(!places.iter().any(|place| is_at(*place)));
}
