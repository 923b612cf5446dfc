//! Addresses and records for tests: any that the types allow.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
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

/// Handles whose bytes sort differently when a byte is taken for the whole.
pub(crate) fn handle() -> impl Strategy<Value = u32> {
    prop_oneof![0..3u32, 254..258u32, 65535..65538u32, any::<u32>()]
}

pub(crate) fn id() -> impl Strategy<Value = Id> {
    "[A-Za-z_é][A-Za-z0-9._é-]{0,15}".prop_map(|text| Id::new(&text).unwrap())
}

pub(crate) fn address() -> impl Strategy<Value = Address> {
    let counters =
        [Counter::Provisioning, Counter::Key, Counter::PinPolicy, Counter::PukPolicy, Counter::Change].to_vec();
    let kinds = [ObjectKind::Key, ObjectKind::PinPolicy, ObjectKind::PukPolicy].to_vec();
    let two = || (handle(), handle());
    prop_oneof![
        Just(Address::Identity),
        select(counters).prop_map(Address::Counter),
        handle().prop_map(Address::Session),
        id().prop_map(Address::ClientSessionId),
        handle().prop_map(Address::OpenSession),
        (handle(), select(kinds), id()).prop_map(|(session, kind, id)| Address::Name(session, kind, id)),
        two().prop_map(|(a, b)| Address::Pending(a, b)),
        two().prop_map(|(a, b)| Address::SessionKey(a, b)),
        handle().prop_map(Address::Key),
        handle().prop_map(Address::Material),
        (handle(), any::<u16>()).prop_map(|(key, index)| Address::Extension(key, index)),
        handle().prop_map(Address::PinPolicy),
        handle().prop_map(Address::PukPolicy),
        handle().prop_map(Address::PinGroup),
        two().prop_map(|(a, b)| Address::PolicyGroup(a, b)),
        two().prop_map(|(a, b)| Address::GroupKey(a, b)),
        two().prop_map(|(a, b)| Address::PukPin(a, b)),
    ]
}

/// An address with a record that belongs there.
pub(crate) fn entry() -> impl Strategy<Value = (Address, Record)> {
    address().prop_flat_map(|address| {
        let record = record(&address);
        (Just(address), record)
    })
}

pub(crate) fn record(at: &Address) -> BoxedStrategy<Record> {
    match at {
        Address::Identity => (secret(), vec(bytes(), 0..3))
            .prop_map(|(private_key, certificates)| Record::Identity(Identity { private_key, certificates }))
            .boxed(),
        Address::Counter(_) | Address::ClientSessionId(_) | Address::Name(..) => {
            any::<u32>().prop_map(Record::Number).boxed()
        }
        Address::OpenSession(_) => any::<u64>().prop_map(Record::Time).boxed(),
        Address::SessionKey(..) | Address::PolicyGroup(..) | Address::GroupKey(..) | Address::PukPin(..) => {
            Just(Record::Mark).boxed()
        }
        Address::Session(_) => session().prop_map(Record::Session).boxed(),
        Address::Pending(..) => (any::<u32>(), any::<Option<u32>>())
            .prop_map(|(owner, new_key)| Record::Pending(Pending { owner, new_key }))
            .boxed(),
        Address::Key(_) => key().prop_map(Record::Key).boxed(),
        Address::Material(_) => {
            prop_oneof![secret().prop_map(Material::Private), secret().prop_map(Material::Symmetric)]
                .prop_map(Record::Material)
                .boxed()
        }
        Address::Extension(..) => (select(BaseType::ALL), bytes(), secret())
            .prop_map(|(base_type, qualifier, data)| Record::Extension(Extension { base_type, qualifier, data }))
            .boxed(),
        Address::PinPolicy(_) => pin_policy().prop_map(Record::PinPolicy).boxed(),
        Address::PukPolicy(_) => (any::<u32>(), id(), secret(), select(Format::ALL), any::<(u8, u8)>())
            .prop_map(|(session, id, puk, format, (retry_limit, error_count))| {
                Record::PukPolicy(PukPolicy { session, id, puk, format, retry_limit, error_count })
            })
            .boxed(),
        Address::PinGroup(_) => (any::<u32>(), any::<bool>(), secret(), any::<u8>())
            .prop_map(|(policy, signature, pin, error_count)| {
                Record::PinGroup(PinGroup { policy, signature, pin, error_count })
            })
            .boxed(),
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 250..1200)]
}

fn secret() -> impl Strategy<Value = Secret> {
    prop_oneof![bytes(), (126..131usize).prop_map(|length| vec![7; length])].prop_map(Secret::new)
}

fn session() -> impl Strategy<Value = Session> {
    let numbers = any::<(u16, u16, u16, [u8; 8], u32)>();
    (any::<(bool, bool)>(), secret(), numbers, id(), id(), ".{0,20}").prop_map(
        |((open, updatable), session_key, numbers, client_session_id, server_session_id, issuer_uri)| Session {
            open,
            session_key,
            mac_sequence_counter: numbers.0,
            session_key_uses: numbers.1,
            session_key_limit: numbers.2,
            client_session_id,
            server_session_id,
            issuer_uri,
            updatable,
            client_time: numbers.3,
            session_life_time: numbers.4,
        },
    )
}

fn key() -> impl Strategy<Value = Key> {
    let flags = any::<(bool, bool, bool, bool, bool, bool)>();
    let choices =
        (select(BiometricProtection::ALL), select(ExportPolicy::ALL), select(DeletePolicy::ALL), select(KeyUsage::ALL));
    let spec = prop_oneof![
        Just(KeySpec::P256),
        any::<(u16, u64)>().prop_map(|(bits, exponent)| KeySpec::Rsa { bits, exponent })
    ];
    let handles = any::<(u32, Option<u32>, Option<u32>)>();
    let lists = (vec(bytes(), 0..3), vec(select(Algorithm::ALL), 0..4), vec(".{0,9}", 0..3));
    (flags, choices, spec, handles, lists, (id(), ".{0,20}", bytes())).prop_map(
        |(flags, choices, spec, handles, lists, (id, friendly_name, public_key))| Key {
            session: handles.0,
            provisioned: flags.0,
            id,
            pin_group: handles.1,
            biometric_protection: choices.0,
            private_key_backup: flags.1,
            export_policy: choices.1,
            updatable: flags.2,
            delete_policy: choices.2,
            enable_pin_caching: flags.3,
            import_private_key: flags.4,
            key_usage: choices.3,
            friendly_name,
            spec,
            public_key,
            restored: flags.5,
            certificates: lists.0,
            endorsed_algorithms: lists.1,
            extension_types: lists.2,
            replaces: handles.2,
        },
    )
}

fn pin_policy() -> impl Strategy<Value = PinPolicy> {
    let numbers = any::<(u8, u8, u8, u8)>();
    let choices = (select(Format::ALL), select(Grouping::ALL), select(InputMethod::ALL));
    (any::<u32>(), id(), any::<Option<u32>>(), any::<(bool, bool)>(), choices, numbers).prop_map(
        |(session, id, puk_policy, flags, choices, numbers)| PinPolicy {
            session,
            id,
            puk_policy,
            user_defined: flags.0,
            user_modifiable: flags.1,
            format: choices.0,
            retry_limit: numbers.0,
            grouping: choices.1,
            pattern_restrictions: numbers.1,
            min_length: numbers.2,
            max_length: numbers.3,
            input_method: choices.2,
        },
    )
}
