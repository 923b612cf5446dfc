//! Slots and tokens: a slot for the keys without a PIN, and one for each group of keys that share a PIN.
//!
//! Source: PKCS#11 2.40, "Slot and token management functions".

use std::collections::HashMap;

use cryptoki_sys::{
    CK_FLAGS, CK_SLOT_INFO, CK_TOKEN_INFO, CK_VERSION, CKF_LOGIN_REQUIRED, CKF_PROTECTED_AUTHENTICATION_PATH,
    CKF_REMOVABLE_DEVICE, CKF_RNG, CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED,
    CKF_TOKEN_INITIALIZED, CKF_TOKEN_PRESENT, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_INITIALIZED,
    CKF_USER_PIN_LOCKED,
};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use sks_wire::limit;
use sks_wire::method::get_key_protection_info::{Request, Response};
use sks_wire::types::{InputMethod, KeyHandle, protection};

use crate::error::Result;
use crate::listing::{Listing, Slot};
use crate::module::Module;

/// CK_UNAVAILABLE_INFORMATION.
const UNAVAILABLE: u64 = u64::MAX;
/// manufacturerID.
const MANUFACTURER: &str = "SKS";
const VERSION: CK_VERSION = CK_VERSION { major: 0, minor: 1 };

/// The slot ids that this process knows. An id never means another group: it goes with the group's keys, even when the
/// key that gave it its number is deleted.
#[derive(Default)]
pub(crate) struct SlotNames(Mutex<Known>);

#[derive(Default)]
struct Known {
    of_key: HashMap<u32, u64>,
    local: Option<u64>,
}

impl SlotNames {
    /// The slots of keys, each given as handle, group and whether the group is the local issuer's.
    pub(crate) fn assign(&self, keys: impl Iterator<Item = (u32, u32, bool)>) -> Vec<u64> {
        let keys: Vec<_> = keys.collect();
        let mut known = self.0.lock();
        let mut of_group: HashMap<u32, u64> = HashMap::from([(0, 0)]);
        for (handle, group, _) in &keys {
            if let (true, Some(slot)) = (*group != 0, known.of_key.get(handle)) {
                of_group.insert(*group, *slot);
            }
        }
        let mut slots = Vec::with_capacity(keys.len());
        for (handle, group, is_local) in keys {
            let slot = match is_local && group != 0 {
                true => *known.local.get_or_insert(u64::from(group)),
                false => *of_group.entry(group).or_insert(u64::from(group)),
            };
            known.of_key.insert(handle, slot);
            slots.push(slot);
        }
        slots
    }
}

/// C_GetSlotInfo.
pub(crate) fn slot_info(module: &Module, slot: u64) -> Result<CK_SLOT_INFO> {
    module.check_slot(slot)?;
    let present = module.slots(false).contains(&(slot, true));
    Ok(CK_SLOT_INFO {
        slotDescription: padded(&format!("SKS slot {slot}")),
        manufacturerID: padded(MANUFACTURER),
        flags: CKF_REMOVABLE_DEVICE | if present { CKF_TOKEN_PRESENT } else { 0 },
        hardwareVersion: VERSION,
        firmwareVersion: VERSION,
    })
}

/// C_GetTokenInfo.
pub(crate) fn token_info(module: &Module, id: u64) -> Result<CK_TOKEN_INFO> {
    let listing = module.present(id)?;
    let empty = Slot::default();
    let slot = listing.slots.get(&id).unwrap_or(&empty);
    let (mut flags, lengths) = pin_flags(module, slot)?;
    flags |= CKF_RNG | CKF_TOKEN_INITIALIZED;
    let sessions = module.sessions.lock();
    let open = sessions.values().filter(|session| session.slot == id);
    let (all, writing) = open.fold((0, 0), |(all, writing), s| (all + 1, writing + u64::from(s.read_write)));
    Ok(CK_TOKEN_INFO {
        label: padded(&label(id, slot)),
        manufacturerID: padded(MANUFACTURER),
        model: padded("SKS"),
        serialNumber: serial(&listing, id),
        flags,
        ulMaxSessionCount: 0,
        ulSessionCount: all,
        ulMaxRwSessionCount: 0,
        ulRwSessionCount: writing,
        ulMaxPinLen: lengths.1,
        ulMinPinLen: lengths.0,
        ulTotalPublicMemory: UNAVAILABLE,
        ulFreePublicMemory: UNAVAILABLE,
        ulTotalPrivateMemory: UNAVAILABLE,
        ulFreePrivateMemory: UNAVAILABLE,
        hardwareVersion: VERSION,
        firmwareVersion: VERSION,
        utcTime: [b' '; 16],
    })
}

/// What the token tells of the PINs of a slot's groups now; counters are not part of the change count.
pub(crate) fn protections(module: &Module, slot: &Slot) -> Result<Vec<Response>> {
    let requests: Vec<Request> = slot.groups.iter().map(|key| Request { key_handle: KeyHandle(key.handle) }).collect();
    Ok(module.token.call_all(&requests)?.into_iter().filter_map(std::result::Result::ok).collect())
}

/// The flags that tell of the PINs, and the PIN's least and greatest length.
fn pin_flags(module: &Module, slot: &Slot) -> Result<(CK_FLAGS, (u64, u64))> {
    let states = protections(module, slot)?;
    if slot.groups.is_empty() {
        return Ok((0, (0, u64::from(limit::PIN))));
    }
    let mut flags = CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED;
    let has = |state: &Response, bit| state.protection_status & bit != 0;
    let tries = |state: &Response| u64::from(state.retry_limit.saturating_sub(state.pin_error_count));
    if states.iter().all(|state| has(state, protection::PIN_LOCKED)) {
        flags |= CKF_USER_PIN_LOCKED;
    }
    for state in &states {
        if state.pin_error_count > 0 && !has(state, protection::PIN_LOCKED) {
            flags |= CKF_USER_PIN_COUNT_LOW | if tries(state) == 1 { CKF_USER_PIN_FINAL_TRY } else { 0 };
        }
        if has(state, protection::PUK_LOCKED) {
            flags |= CKF_SO_PIN_LOCKED;
        } else if state.puk_error_count > 0 {
            let last = state.puk_retry_limit.saturating_sub(state.puk_error_count) == 1;
            flags |= CKF_SO_PIN_COUNT_LOW | if last { CKF_SO_PIN_FINAL_TRY } else { 0 };
        }
        if state.input_method.get() == Ok(InputMethod::TrustedGui) {
            flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
        }
    }
    let least = states.iter().map(|state| u64::from(state.min_length)).max();
    let most = states.iter().map(|state| u64::from(state.max_length)).min();
    Ok((flags, (least.unwrap_or(0), most.unwrap_or(u64::from(limit::PIN)))))
}

/// The FriendlyName of the only key, else the issuer's host and the policy's ID.
fn label(id: u64, slot: &Slot) -> String {
    match slot.keys.as_slice() {
        _ if id == 0 => "SKS".to_owned(),
        [] => format!("SKS {id}"),
        [only] => only.label.clone(),
        [first, ..] => format!("{} {}", host(&first.issuer), first.pin_policy_id),
    }
}

/// The host of a URI; of one that has none, such as a URN, what follows its last colon: NSS names a certificate "token:label"
/// and takes the first colon for the end of the token's name.
fn host(uri: &str) -> &str {
    let Some((_, after)) = uri.split_once("://") else {
        return uri.rsplit_once(':').map_or(uri, |(_, last)| last);
    };
    let authority = after.split(['/', '?', '#']).next().unwrap_or(after);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') { host } else { host.split(':').next().unwrap_or(host) }
}

/// The first 16 hexadecimal digits of SHA-256(device certificate, slot id as u32).
fn serial(listing: &Listing, slot: u64) -> [u8; 16] {
    let slot = u32::try_from(slot).unwrap_or(u32::MAX);
    let certificate = listing.device.told.x509_certificate.0.first().map(Vec::as_slice).unwrap_or_default();
    let digest = Sha256::new().chain_update(certificate).chain_update(slot.to_be_bytes()).finalize();
    padded(&digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// A text in a field of fixed size: cut at a character, filled with blanks.
pub(crate) fn padded<const N: usize>(text: &str) -> [u8; N] {
    let end = (0..=N.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let mut field = [b' '; N];
    field.iter_mut().zip(text.bytes().take(end)).for_each(|(to, from)| *to = from);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_a_character() {
        assert_eq!(&padded::<4>("abcé"), b"abc ");
        assert_eq!(&padded::<4>("ab"), b"ab  ");
    }

    #[test]
    fn hosts_are_found() {
        assert_eq!(host("https://user@ca.example.com:8443/x"), "ca.example.com");
        assert_eq!(host("urn:x-sks:local-issuer"), "local-issuer");
        assert_eq!(host("an issuer"), "an issuer");
    }

    #[test]
    fn a_slot_keeps_its_id_when_its_first_key_goes() {
        let names = SlotNames::default();
        assert_eq!(names.assign([(3, 3, false), (4, 3, false), (7, 0, false)].into_iter()), [3, 3, 0]);
        assert_eq!(names.assign([(4, 4, false), (7, 0, false), (8, 8, true)].into_iter()), [3, 0, 8]);
        assert_eq!(names.assign([(4, 4, false), (9, 9, true)].into_iter()), [3, 8]);
    }
}
