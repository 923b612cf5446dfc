//! Handler; see [`sks_wire::method::verify_pin`].

use sks_wire::method::verify_pin::{Request, Response};

use crate::ctx::Ctx;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let key = ctx.user_key(request.key_handle)?;
    ctx.verify_pin(key.pin_group.ok_or(Refusal::NoPin)?, &request.pin)?;
    Ok(Response {})
}
