//! Handler; see [`sks_wire::method::unlock_key`].

use sks_wire::method::unlock_key::{Request, Response};

use crate::ctx::{Ctx, set_pin_errors};
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let key = ctx.user_key(request.key_handle)?;
    let over = ctx.protection(request.key_handle, &key)?.ok_or(Refusal::NoPin)?;
    let puk = over.policy.puk_policy.ok_or(Refusal::NoPuk)?;
    ctx.verify_puk(puk, &request.authorization)?;
    set_pin_errors(ctx.work()?, over.number, |_| 0)?;
    Ok(Response {})
}
