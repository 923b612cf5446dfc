//! `Delete_Signer_Key_Pair` (Table 21): removes the wrapped key, the request and the certificate, and leaves a tombstone,
//! so that the KeyID is not used again and a Signing under way finds it before it reserves.

use tw4s_formats::Role;
use tw4s_formats::operation::DeleteSignerKeyPair;

use super::void;
use crate::call::Call;
use crate::failure::Failure;
use crate::record::{KeyId, Object, ObjectKind, State};
use crate::refusal::Refusal;
use crate::work::{Committed, Recorded, Work};

pub(super) fn handle(call: &mut Call<'_>, message: &DeleteSignerKeyPair) -> Result<Committed<Recorded>, Failure> {
    let text = message.keyid.as_str();
    call.entry.key = Some(text.into());
    let id = text.parse::<KeyId>().map_err(|_| Refusal::NoKey)?;
    let result = void()?;

    let mut work = Work::begin(call.sam)?;
    call.still_acting(&work)?;
    let key = work.object(&id, ObjectKind::Key)?.ok_or(Refusal::NoKey)?;
    call.entry.user = Some(key.owner.to_string());
    if call.acting.role == Role::Signer && key.owner != call.acting.id {
        return Err(Refusal::OtherUsersKey.into());
    }
    if key.state == State::Destroyed {
        return Err(Refusal::KeyDestroyed.into());
    }
    for kind in ObjectKind::ALL.into_iter().filter(|kind| *kind != ObjectKind::Key) {
        if let Some(object) = work.object(&id, kind)? {
            work.remove_object(&object)?;
        }
    }
    let tombstone = Object { state: State::Destroyed, changed_ms: call.now, value: Vec::new(), ..key.clone() };
    work.put_object(Some(&key), tombstone)?;
    work.conclude(call.entry.clone(), result)
}
