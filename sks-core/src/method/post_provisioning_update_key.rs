//! Handler; see [`sks_wire::method::post_provisioning_update_key`].

use sks_wire::method::Method;
use sks_wire::method::post_provisioning_update_key::{Request, Response, mac_data};

use super::close_provisioning_session::is_finished;
use crate::ctx::Ctx;
use crate::record::{Address, Record};
use crate::refusal::Refusal;
use crate::target::Target;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let mut new_key = ctx.session()?.key(request.key_handle)?;
    let target = Target::find(ctx, request.key_handle_original)?;
    target.check_free(ctx)?;
    if new_key.replaces.is_some() {
        return Err(Refusal::NewKeyUsed);
    }
    if new_key.pin_group.is_some() {
        return Err(Refusal::NewKeyHasPin);
    }
    if !is_finished(&new_key) {
        return Err(Refusal::NewKeyUnfinished);
    }
    let end_entity = new_key.certificates.first().ok_or(Refusal::NewKeyUnfinished)?;
    let inner = target.prove(ctx)?;
    ctx.session()?.check_mac(Request::ID, &mac_data(&inner, end_entity), &request.mac)?;
    new_key.replaces = Some(target.handle);
    ctx.work()?.put(Address::Key(request.key_handle.0), Record::Key(new_key))?;
    target.schedule(ctx, Some(request.key_handle.0))?;
    Ok(Response {})
}
