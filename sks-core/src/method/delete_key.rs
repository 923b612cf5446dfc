//! Handler; see [`sks_wire::method::delete_key`].

use sks_wire::method::delete_key::{Request, Response};
use sks_wire::types::DeletePolicy;

use crate::ctx::Ctx;
use crate::key;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let key = ctx.user_key(request.key_handle)?;
    match key.delete_policy {
        DeletePolicy::None => Ctx::no_authorization(&request.optional_authorization)?,
        DeletePolicy::Pin => ctx.authorize(&key, &request.optional_authorization)?,
        DeletePolicy::Puk => ctx.authorize_by_puk(request.key_handle, &key, &request.optional_authorization)?,
    }
    let handle = request.key_handle.0;
    ctx.device.commit_removal(|work| {
        // Again inside the transaction: another call may have removed it meanwhile.
        key::provisioned(work, handle)?;
        key::remove_with_session(work, handle)
    })?;
    Ok(Response {})
}
