//! Handler; see [`sks_wire::method::post_provisioning_delete_key`].

use sks_wire::method::Method;
use sks_wire::method::post_provisioning_delete_key::{Request, Response, mac_data};

use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::target::Target;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let target = Target::find(ctx, request.key_handle)?;
    target.check_free(ctx)?;
    let inner = target.prove(ctx)?;
    ctx.session()?.check_mac(Request::ID, &mac_data(&inner), &request.mac)?;
    target.schedule(ctx, None)?;
    Ok(Response {})
}
