//! Handler; see [`sks_wire::method::get_provisioning_session`].

use sks_wire::method::get_provisioning_session::{Request, Response};
use sks_wire::types::ProvisioningHandle;

use crate::ctx::Ctx;
use crate::record::Address;
use crate::refusal::Refusal;
use crate::session::Entered;
use crate::work::Typed;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    // ClientSessionIDs are unique in the token, so at most one session matches.
    let handle =
        ctx.store().handle_of(Address::ClientSessionId(request.client_session_id))?.ok_or(Refusal::NoSuchSession)?;
    let matches = ctx.store().session(handle)?.is_some_and(|session| {
        session.open
            && session.server_session_id == request.server_session_id
            && session.issuer_uri.as_bytes() == request.issuer_uri
    });
    if !matches {
        return Err(Refusal::NoSuchSession);
    }
    // Entering it removes one whose life time is over.
    let entered = Entered::open(ctx.device, handle)?;
    Ok(Response { provisioning_handle: ProvisioningHandle(entered.handle) })
}
