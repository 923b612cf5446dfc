//! Handler; see [`sks_wire::method::abort_provisioning_session`].

use sks_wire::method::abort_provisioning_session::{Request, Response};

use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::session;

pub(crate) fn handle(ctx: &mut Ctx<'_>, _: Request) -> Result<Response, Refusal> {
    let handle = ctx.session()?.handle;
    ctx.device.commit_removal(|work| session::remove_open(work, handle))?;
    Ok(Response {})
}
