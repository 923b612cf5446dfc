//! Many synthetic keys, written as the core would write them: for benchmarks and tests of a large store.

use sks_core::ports::{KeySpec, Store, StoreError, Txn};
use sks_core::record::{Address, Counter, Key, Material, PinGroup, PinPolicy, Record, Session};
use sks_wire::Secret;
use sks_wire::types::{BiometricProtection, DeletePolicy, ExportPolicy, Format, Grouping, Id, InputMethod, KeyUsage};

/// What every key is a copy of. A benchmark that uses the keys gives a real pair and certificate.
#[derive(Clone, Debug)]
pub struct Template {
    /// Kind of the key.
    pub spec: KeySpec,
    /// PKCS#8.
    pub private_key: Secret,
    /// SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// The End-Entity Certificate, DER.
    pub certificate: Vec<u8>,
    /// The PIN of every key, each with its own counter; or none.
    pub pin: Option<Secret>,
}

impl Template {
    /// Of the sizes of a P-256 key with a certificate of 500 bytes, and of no use as a key.
    #[must_use]
    pub fn of_no_use() -> Self {
        Self {
            spec: KeySpec::P256,
            private_key: Secret::new(vec![0x5A; 138]),
            public_key: vec![0xA5; 91],
            certificate: vec![0xC3; 500],
            pin: Some(Secret::new(b"1563".to_vec())),
        }
    }
}

/// Adds `count` keys to a store, `per_session` to a closed session, with one PIN policy if they have PINs, and returns their handles,
/// ascending. The handles continue the store's counters.
///
/// # Errors
/// [`StoreError`]. The sessions before the one that failed may be there.
pub fn fill(store: &dyn Store, template: &Template, count: u32, per_session: u32) -> Result<Vec<u32>, StoreError> {
    let mut handles = Vec::new();
    let per_session = per_session.max(1);
    let mut left = count;
    while left > 0 {
        let mut txn = store.begin()?;
        // Some 5,000 records of 5 MiB a transaction: one wait for the disk, and little memory.
        let mut room = 1000.max(per_session);
        while left > 0 && room >= per_session.min(left) {
            let keys = per_session.min(left);
            session(&mut *txn, template, keys, &mut handles)?;
            left -= keys;
            room -= keys;
        }
        txn.commit()?;
    }
    Ok(handles)
}

fn session(txn: &mut dyn Txn, template: &Template, keys: u32, handles: &mut Vec<u32>) -> Result<(), StoreError> {
    let session = raise(txn, Counter::Provisioning)?;
    let client_session_id = id(format!("_fill-{session:08x}"))?;
    txn.put(Address::ClientSessionId(client_session_id.clone()), Record::Number(session))?;
    txn.put(Address::Session(session), Record::Session(closed_session(session, client_session_id)?))?;
    let policy = if template.pin.is_some() { raise(txn, Counter::PinPolicy)? } else { 0 };
    if policy != 0 {
        txn.put(Address::PinPolicy(policy), Record::PinPolicy(pin_policy(session)?))?;
    }
    for _ in 0..keys {
        let handle = raise(txn, Counter::Key)?;
        txn.put(Address::Key(handle), Record::Key(key(template, session, handle)?))?;
        txn.put(Address::Material(handle), Record::Material(Material::Private(template.private_key.clone())))?;
        txn.put(Address::SessionKey(session, handle), Record::Mark)?;
        if let Some(pin) = &template.pin {
            let group = PinGroup { policy, signature: false, pin: pin.clone(), error_count: 0 };
            txn.put(Address::PinGroup(handle), Record::PinGroup(group))?;
            txn.put(Address::PolicyGroup(policy, handle), Record::Mark)?;
            txn.put(Address::GroupKey(handle, handle), Record::Mark)?;
        }
        handles.push(handle);
    }
    raise(txn, Counter::Change)?;
    Ok(())
}

fn raise(txn: &mut dyn Txn, counter: Counter) -> Result<u32, StoreError> {
    let at = Address::Counter(counter);
    let next = match txn.get(&at)? {
        Some(Record::Number(last)) => last.checked_add(1).ok_or(StoreError::Full)?,
        _ => 1,
    };
    txn.put(at, Record::Number(next))?;
    Ok(next)
}

fn closed_session(handle: u32, client_session_id: Id) -> Result<Session, StoreError> {
    Ok(Session {
        open: false,
        session_key: Secret::new(vec![0x5C; 32]),
        mac_sequence_counter: 3,
        session_key_uses: 9,
        session_key_limit: 50,
        client_session_id,
        server_session_id: id(format!("_server-{handle:08x}"))?,
        issuer_uri: "https://issuer.example.com/provisioning".to_owned(),
        updatable: true,
        client_time: 1_270_512_000_000u64.to_be_bytes(),
        session_life_time: 10_000,
    })
}

fn pin_policy(session: u32) -> Result<PinPolicy, StoreError> {
    Ok(PinPolicy {
        session,
        id: id("PIN.1".to_owned())?,
        puk_policy: None,
        user_defined: true,
        user_modifiable: true,
        format: Format::Numeric,
        retry_limit: 3,
        grouping: Grouping::None,
        pattern_restrictions: 0,
        min_length: 4,
        max_length: 8,
        input_method: InputMethod::Any,
    })
}

fn key(template: &Template, session: u32, handle: u32) -> Result<Key, StoreError> {
    Ok(Key {
        session,
        provisioned: true,
        id: id(format!("Key.{handle}"))?,
        pin_group: template.pin.as_ref().map(|_| handle),
        biometric_protection: BiometricProtection::None,
        private_key_backup: false,
        export_policy: ExportPolicy::NonExportable,
        updatable: true,
        delete_policy: DeletePolicy::None,
        enable_pin_caching: false,
        import_private_key: false,
        key_usage: KeyUsage::Signature,
        friendly_name: format!("Key {handle}"),
        spec: template.spec,
        public_key: template.public_key.clone(),
        restored: false,
        certificates: vec![template.certificate.clone()],
        endorsed_algorithms: Vec::new(),
        extension_types: Vec::new(),
        replaces: None,
    })
}

fn id(text: String) -> Result<Id, StoreError> {
    Id::new(&text).map_err(|error| StoreError::Failed(error.to_string()))
}
