//! Handler; see [`sks_wire::method::change_pin`].

use sks_wire::Secret;
use sks_wire::method::change_pin::{Request, Response};
use sks_wire::types::KeyHandle;

use crate::ctx::{Ctx, Protection};
use crate::policy;
use crate::record::{Address, Record};
use crate::refusal::Refusal;
use crate::work::Typed;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let over = modifiable(ctx, request.key_handle)?;
    policy::check_pin(&request.new_pin, &over.policy)?;
    // Held on to: of two changes at once, the second finds its old PIN replaced.
    let guard = ctx.verify_pin(over.number, &request.pin)?;
    ctx.hold(guard);
    replace(ctx, &over, request.new_pin)?;
    Ok(Response {})
}

/// The PIN of a key, if its policy lets the user change it.
pub(super) fn modifiable(ctx: &Ctx<'_>, handle: KeyHandle) -> Result<Protection, Refusal> {
    let key = ctx.user_key(handle)?;
    let over = ctx.protection(handle, &key)?.ok_or(Refusal::NoPin)?;
    if over.policy.user_modifiable { Ok(over) } else { Err(Refusal::NotModifiable) }
}

/// Sets the new PIN for all keys that share the old one. The grouping rule comes only now: before the old PIN was
/// checked it would be an oracle for the PINs of other keys.
pub(super) fn replace(ctx: &mut Ctx<'_>, over: &Protection, new_pin: Secret) -> Result<(), Refusal> {
    let work = ctx.work()?;
    let mut group = work.pin_group(over.number)?.ok_or(Refusal::NoKey)?;
    let own = Some(over.number);
    policy::check_grouping(work, group.policy, &over.policy, group.signature, own, &new_pin)?;
    group.pin = new_pin;
    group.error_count = 0;
    work.put(Address::PinGroup(over.number), Record::PinGroup(group))
}
