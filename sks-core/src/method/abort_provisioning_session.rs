//! Handler; see [`sks_wire::method::abort_provisioning_session`].

use sks_wire::method::abort_provisioning_session::{Request, Response};

use crate::ctx::Ctx;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, _: Request) -> Result<Response, Refusal> {
    ctx.session()?.remove()?;
    Ok(Response {})
}
