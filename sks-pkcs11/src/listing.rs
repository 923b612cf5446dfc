//! What the token holds: its keys and the slots that they fall into, as of one getChangeCount.
//!
//! Keys of open sessions are not there yet, so they are left out. Slots are the groups of keys that share a PIN
//! (getKeyGroup), and slot 0 for the keys without one; the groups of the local issuer's `user-pin` policies are one slot
//! together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use sks_client::Error;
use sks_issuer::{Accepted, DeviceError, Trust, local};
use sks_wire::method::{
    Method, decode_response, encode_request, enumerate_keys, enumerate_provisioning_sessions, get_change_count,
    get_device_info, get_extension_object, get_key_group, get_key_protection_info,
};
use sks_wire::types::{Enumerated, KeyHandle, NO_HANDLE, ProvisioningHandle};
use zeroize::Zeroizing;

use crate::object::{ID_EXTENSION, Kept, Key, LENGTH_EXTENSION, Object, PublicPart};
use crate::slot::SlotNames;
use crate::token::Token;

/// What the token holds.
#[derive(Clone)]
pub(crate) struct Listing {
    /// getChangeCount before the keys were listed.
    pub(crate) count: u32,
    /// [`Token::breaks`] at that time.
    breaks: u32,
    /// Who the token is.
    pub(crate) device: Arc<Device>,
    /// Keys by handle.
    pub(crate) keys: HashMap<u32, Arc<Key>>,
    /// Slots by id.
    pub(crate) slots: BTreeMap<u64, Slot>,
}

/// Who the token is: what it tells, and what its certificate says to an issuer, read when that is first needed.
pub(crate) struct Device {
    pub(crate) told: get_device_info::Response,
    accepted: OnceLock<Accepted>,
}

impl Device {
    /// The device as the local issuer's: any is.
    pub(crate) fn accepted(&self) -> Result<&Accepted, DeviceError> {
        if let Some(accepted) = self.accepted.get() {
            return Ok(accepted);
        }
        let accepted = Trust::Any.accept_device(&self.told, SystemTime::now())?;
        Ok(self.accepted.get_or_init(|| accepted))
    }
}

/// The keys of a slot.
#[derive(Clone, Default)]
pub(crate) struct Slot {
    /// Ascending by handle.
    pub(crate) keys: Vec<Arc<Key>>,
    /// The lowest key of each PIN group, ascending; empty in slot 0.
    pub(crate) groups: Vec<Arc<Key>>,
    objects: OnceLock<Objects>,
    /// Places in `objects`, by CKA_ID.
    by_id: OnceLock<HashMap<Vec<u8>, Vec<usize>>>,
}

/// The objects of a slot's keys. A CA's certificate is there once, whatever the number of keys under it.
#[derive(Clone, Default)]
struct Objects {
    all: Vec<Object>,
    authorities: HashSet<Vec<u8>>,
}

impl Objects {
    fn add(&mut self, key: &Arc<Key>) {
        let Self { all, authorities } = self;
        all.extend(Object::of_key(key).into_iter().filter(|object| object.is_first(authorities)));
    }
}

fn index(by_id: &mut HashMap<Vec<u8>, Vec<usize>>, objects: &[Object], from: usize) {
    for (at, object) in objects.iter().enumerate().skip(from) {
        if let Some(id) = object.id() {
            by_id.entry(id).or_default().push(at);
        }
    }
}

impl Slot {
    /// The objects of its keys.
    pub(crate) fn objects(&self) -> &[Object] {
        let objects = self.objects.get_or_init(|| {
            let mut objects = Objects::default();
            self.keys.iter().for_each(|key| objects.add(key));
            objects
        });
        &objects.all
    }

    /// The objects with this CKA_ID.
    pub(crate) fn with_id<'a>(&'a self, id: &[u8]) -> impl Iterator<Item = &'a Object> {
        let objects = self.objects();
        let by_id = self.by_id.get_or_init(|| {
            let mut by_id = HashMap::new();
            index(&mut by_id, objects, 0);
            by_id
        });
        by_id.get(id).into_iter().flatten().filter_map(|at| objects.get(*at))
    }

    /// Adds a key above those that are there, also to what was computed of them.
    fn add(&mut self, key: Arc<Key>) {
        if let Some(objects) = self.objects.get_mut() {
            let from = objects.all.len();
            objects.add(&key);
            if let Some(by_id) = self.by_id.get_mut() {
                index(by_id, &objects.all, from);
            }
        }
        if key.group == key.handle {
            self.groups.push(Arc::clone(&key));
        }
        self.keys.push(key);
    }

    /// Takes a key away. What was computed of the keys is computed again when it is asked for: a CA's certificate may
    /// have been shown with this key.
    fn remove(&mut self, handle: u32) {
        self.keys.retain(|key| key.handle != handle);
        self.groups.retain(|key| key.handle != handle);
        self.objects = OnceLock::new();
        self.by_id = OnceLock::new();
    }
}

/// The present count.
fn count(token: &Token) -> Result<u32, Error> {
    Ok(token.call(&get_change_count::Request {})?.count)
}

impl Listing {
    /// Lists the token. `last` is the listing before, whose parsed certificates are kept.
    pub(crate) fn take(token: &Token, names: &SlotNames, last: Option<&Listing>) -> Result<Self, Error> {
        // First these two: what changes while the list is made raises them, and the next look finds out.
        let breaks = token.breaks();
        let count = count(token)?;
        let device = match last {
            Some(last) if last.breaks == breaks => Arc::clone(&last.device),
            _ => {
                let told = token.call(&get_device_info::Request {})?;
                Arc::new(Device { told, accepted: OnceLock::new() })
            }
        };
        let mut listing =
            Self { count, breaks, device, keys: HashMap::new(), slots: BTreeMap::from([(0, Slot::default())]) };
        let issuers = issuers(token)?;
        let found = keys(token)?;
        let groups = ask(token, &found, |key_handle| get_key_group::Request { key_handle })?;
        let policies = ask(token, &found, |key_handle| get_key_protection_info::Request { key_handle })?;
        let mut kept = kept(token, &found)?;
        let mut told = Vec::with_capacity(found.len());
        for (((handle, key), group), policy) in found.into_iter().zip(groups).zip(policies) {
            // Gone since, or not there yet.
            let (Some(group), Some(policy)) = (group, policy) else { continue };
            let issuer = issuers.get(&key.provisioning_handle.0).cloned().unwrap_or_default();
            told.push(Told { handle, key, group, policy, issuer, kept: kept.remove(&handle).unwrap_or_default() });
        }
        listing.add(names, told, last);
        Ok(listing)
    }

    /// Whether the token still holds this.
    pub(crate) fn is_current(&self, token: &Token) -> Result<bool, Error> {
        Ok(count(token)? == self.count && self.is_unbroken(token))
    }

    /// Whether no connection has ended since: behind the socket is the same token.
    pub(crate) fn is_unbroken(&self, token: &Token) -> bool {
        self.breaks == token.breaks()
    }

    /// Whether a key is one of the token's, by its handle and certificates.
    pub(crate) fn holds(&self, key: &Key) -> bool {
        self.keys.get(&key.handle).is_some_and(|own| own.certificates == key.certificates)
    }

    /// Adds a key that this process has made as the local issuer, and tells whether that is all that has changed since.
    /// If not, nothing is added: the token is to be listed anew.
    pub(crate) fn add_made(&mut self, token: &Token, names: &SlotNames, made: &Made) -> bool {
        let ours = self.count == made.since && self.is_unbroken(token);
        let Some((count, told)) = made.told().filter(|(count, _)| ours && *count == made.after()) else { return false };
        self.count = count;
        self.add(names, vec![told], None);
        true
    }

    /// Takes a key away, as of a new count. Nothing is done if others are named after it: the token is to be listed
    /// anew.
    pub(crate) fn remove(&mut self, key: &Key, count: u32) {
        let Some(slot) = self.slots.get_mut(&key.slot) else { return };
        if key.group == key.handle
            && slot.keys.iter().any(|other| other.group == key.group && other.handle != key.handle)
        {
            return;
        }
        slot.remove(key.handle);
        if slot.keys.is_empty() && key.slot != 0 {
            self.slots.remove(&key.slot);
        }
        self.keys.remove(&key.handle);
        self.count = count;
    }

    /// Adds keys, ascending and above those that are there.
    fn add(&mut self, names: &SlotNames, told: Vec<Told>, last: Option<&Listing>) {
        let mut listed = Vec::with_capacity(told.len());
        for Told { handle, key, group, policy, issuer, kept } in told {
            let public = last.and_then(|last| last.keys.get(&handle)).and_then(|old| old.public_part_of(&key));
            let public = public.unwrap_or_else(|| Arc::new(PublicPart::default()));
            listed.push(Key::new(handle, key, &group, policy, issuer, kept, public));
        }
        let slots = names.assign(listed.iter().map(|key| (key.handle, key.group, key.is_users())));
        for (mut key, slot) in listed.into_iter().zip(slots) {
            key.slot = slot;
            let key = Arc::new(key);
            self.slots.entry(slot).or_default().add(Arc::clone(&key));
            self.keys.insert(key.handle, key);
        }
    }
}

/// What the token tells of a key.
struct Told {
    handle: u32,
    key: enumerate_keys::Key,
    group: get_key_group::Response,
    policy: get_key_protection_info::Response,
    /// IssuerURI of its session.
    issuer: Arc<str>,
    kept: Kept,
}

/// A key that this process has made as the local issuer, and what the token told of it then.
pub(crate) struct Made {
    /// [`Listing::count`] before its session.
    pub(crate) since: u32,
    pub(crate) handle: KeyHandle,
    /// To [`questions`].
    pub(crate) answers: Vec<Zeroizing<Vec<u8>>>,
    pub(crate) kept: Kept,
}

impl Made {
    /// The count if nobody else has changed anything meanwhile: the session's close alone has raised it.
    fn after(&self) -> u32 {
        self.since.wrapping_add(1)
    }

    /// The count, and what is told of the key; none if there is no answer.
    fn told(&self) -> Option<(u32, Told)> {
        let [count, key, group, policy] = self.answers.as_slice() else { return None };
        let Enumerated::Next { handle, item: key } = answer::<enumerate_keys::Request>(key)?.next else { return None };
        let told = Told {
            handle,
            key,
            group: answer::<get_key_group::Request>(group)?,
            policy: answer::<get_key_protection_info::Request>(policy)?,
            issuer: Arc::from(local::ISSUER_URI),
            kept: self.kept.clone(),
        };
        Some((answer::<get_change_count::Request>(count)?.count, told))
    }
}

/// What is to be asked of a key that was just made: the count, and what [`Told`] holds.
pub(crate) fn questions(key_handle: KeyHandle) -> [Zeroizing<Vec<u8>>; 4] {
    let before = KeyHandle(key_handle.0.checked_sub(1).filter(|before| *before != 0).unwrap_or(NO_HANDLE));
    [
        encode_request(&get_change_count::Request {}),
        encode_request(&enumerate_keys::Request { key_handle: before }),
        encode_request(&get_key_group::Request { key_handle }),
        encode_request(&get_key_protection_info::Request { key_handle }),
    ]
}

/// An answer, if it is not a refusal.
fn answer<M: Method>(bytes: &[u8]) -> Option<M::Response> {
    decode_response::<M>(bytes).ok()?.ok()
}

/// The IssuerURI of each session.
fn issuers(token: &Token) -> Result<HashMap<u32, Arc<str>>, Error> {
    let mut found = HashMap::new();
    let mut after = NO_HANDLE;
    loop {
        let request =
            |handle| enumerate_provisioning_sessions::Request { provisioning_handle: ProvisioningHandle(handle) };
        let mut end = false;
        for answer in token.call_all(&guesses(after).map(request).collect::<Vec<_>>())? {
            match answer?.next {
                Enumerated::Next { handle, item } => {
                    found.insert(handle, Arc::from(String::from_utf8_lossy(&item.issuer_uri.0).as_ref()));
                    after = if after == NO_HANDLE { handle } else { after.max(handle) };
                }
                Enumerated::End => end = true,
            }
        }
        if end {
            return Ok(found);
        }
    }
}

/// The keys of closed sessions, ascending.
fn keys(token: &Token) -> Result<Vec<(u32, enumerate_keys::Key)>, Error> {
    let mut found: BTreeMap<u32, enumerate_keys::Key> = BTreeMap::new();
    let mut after = NO_HANDLE;
    loop {
        let request = |handle| enumerate_keys::Request { key_handle: KeyHandle(handle) };
        let mut end = false;
        for answer in token.call_all(&guesses(after).map(request).collect::<Vec<_>>())? {
            match answer?.next {
                Enumerated::Next { handle, item } => {
                    after = if after == NO_HANDLE { handle } else { after.max(handle) };
                    if !item.x509_certificate.0.is_empty() {
                        found.insert(handle, item);
                    }
                }
                Enumerated::End => end = true,
            }
        }
        if end {
            return Ok(found.into_iter().collect());
        }
    }
}

/// How many handles are asked for at once. Handles are dealt out in a row, so the key after the last one mostly has the
/// next number; where it has not, the same key is told again.
const AHEAD: u32 = 32;

/// The inputs of the next enumeration calls: the first alone tells where the handles begin.
fn guesses(after: u32) -> std::ops::RangeInclusive<u32> {
    if after == NO_HANDLE { NO_HANDLE..=NO_HANDLE } else { after..=after.saturating_add(AHEAD).min(NO_HANDLE - 1) }
}

/// One answer for each key; none for one that the token has no more.
fn ask<M: sks_wire::Method>(
    token: &Token,
    keys: &[(u32, enumerate_keys::Key)],
    request: impl Fn(KeyHandle) -> M,
) -> Result<Vec<Option<M::Response>>, Error> {
    let requests: Vec<M> = keys.iter().map(|(handle, _)| request(KeyHandle(*handle))).collect();
    let answers = token.call_all(&requests)?;
    answers
        .into_iter()
        .map(|answer| match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        })
        .collect()
}

/// What the module's own extension objects say, by key.
fn kept(token: &Token, keys: &[(u32, enumerate_keys::Key)]) -> Result<HashMap<u32, Kept>, Error> {
    let own = |told: &enumerate_keys::Key| {
        let has = |wanted: &&str| told.extension_type.0.iter().any(|kind| kind.0 == wanted.as_bytes());
        [ID_EXTENSION, LENGTH_EXTENSION].into_iter().filter(has).collect::<Vec<_>>()
    };
    let all: Vec<(u32, &str)> =
        keys.iter().flat_map(|(handle, told)| own(told).into_iter().map(|kind| (*handle, kind))).collect();
    let request = |(handle, kind): &(u32, &str)| get_extension_object::Request {
        key_handle: KeyHandle(*handle),
        extension_type: kind.as_bytes().to_vec(),
    };
    let answers = token.call_all(&all.iter().map(request).collect::<Vec<_>>())?;
    let mut found: HashMap<u32, Kept> = HashMap::new();
    for ((handle, kind), answer) in all.into_iter().zip(answers) {
        match answer {
            Ok(object) => found.entry(handle).or_default().take(kind, object.extension_data.0.expose()),
            // Gone since.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
