//! Handler; see [`sks_wire::method::get_key_group`].

use sks_wire::method::get_key_group::{Request, Response};
use sks_wire::types::{AnyText, KeyHandle, PinPolicyHandle, PukPolicyHandle};

use crate::ctx::Ctx;
use crate::key;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let key = ctx.user_key(request.key_handle)?;
    let Some(over) = ctx.protection(request.key_handle, &key)? else {
        return Ok(Response {
            pin_policy_handle: PinPolicyHandle(0),
            pin_group: KeyHandle(0),
            puk_policy_handle: PukPolicyHandle(0),
            pin_policy_id: AnyText::from(""),
        });
    };
    let lowest = key::lowest_in_group(ctx.store(), over.number)?.ok_or(Refusal::NoKey)?;
    Ok(Response {
        pin_policy_handle: PinPolicyHandle(over.group.policy),
        pin_group: KeyHandle(lowest),
        puk_policy_handle: PukPolicyHandle(over.policy.puk_policy.unwrap_or(0)),
        pin_policy_id: AnyText::from(over.policy.id.as_str()),
    })
}
