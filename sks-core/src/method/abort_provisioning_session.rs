//! Handler; see [`sks_wire::method::abort_provisioning_session`].

use sks_wire::method::abort_provisioning_session::{Request, Response};

use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::session;

pub(crate) fn handle(ctx: &mut Ctx<'_>, _: Request) -> Result<Response, Refusal> {
    let handle = ctx.session()?.handle;
    session::remove_open(ctx.work()?, handle)?;
    Ok(Response {})
}
