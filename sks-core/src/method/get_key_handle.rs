//! Handler; see [`sks_wire::method::get_key_handle`].

use sks_wire::method::get_key_handle::{Request, Response};
use sks_wire::types::KeyHandle;

use crate::ctx::Ctx;
use crate::record::ObjectKind;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let handle = ctx.session()?.named(ObjectKind::Key, &request.id)?.ok_or(Refusal::NoSuchName)?;
    Ok(Response { key_handle: KeyHandle(handle) })
}
