//! Handler; see [`sks_wire::method::set_pin`].

use sks_wire::method::set_pin::{Request, Response};

use super::change_pin::{modifiable, replace};
use crate::ctx::Ctx;
use crate::policy;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let over = modifiable(ctx, request.key_handle)?;
    let puk = over.policy.puk_policy.ok_or(Refusal::NoPuk)?;
    policy::check_pin(&request.new_pin, &over.policy)?;
    ctx.verify_puk(puk, &request.puk)?;
    // A wrong old PIN that is being counted is counted before the counter is cleared.
    let guard = ctx.device.pins.lock(over.number);
    ctx.hold(guard);
    replace(ctx, &over, request.new_pin)?;
    Ok(Response {})
}
