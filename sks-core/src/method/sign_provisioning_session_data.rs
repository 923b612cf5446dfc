//! Handler; see [`sks_wire::method::sign_provisioning_session_data`].

use sks_wire::method::sign_provisioning_session_data::{Request, Response};

use crate::ctx::Ctx;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let session = ctx.session()?;
    session.charge(1)?;
    Ok(Response { result: session.sign(&request.data) })
}
