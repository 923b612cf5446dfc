//! Handler; see [`sks_wire::method::create_volatile_session`].

use sks_wire::method::create_volatile_session::{Request, Response};

use super::create_provisioning_session::agree;
use crate::ctx::Ctx;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let agreed = agree(ctx, request.0)?;
    let handle = ctx.device.volatile.open(ctx.device, agreed.session.clone(), agreed.deadline)?;
    Ok(Response(agreed.answer(handle)))
}
