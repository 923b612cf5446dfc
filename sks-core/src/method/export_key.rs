//! Handler; see [`sks_wire::method::export_key`].

use sks_wire::method::export_key::{Request, Response};
use sks_wire::types::ExportPolicy;

use crate::ctx::Ctx;
use crate::record::Material;
use crate::refusal::Refusal;
use crate::work::Typed;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let key = ctx.user_key(request.key_handle)?;
    match key.export_policy {
        ExportPolicy::NonExportable => return Err(Refusal::NotExportable),
        ExportPolicy::None => Ctx::no_authorization(&request.optional_authorization)?,
        ExportPolicy::Pin => ctx.authorize(&key, &request.optional_authorization)?,
        ExportPolicy::Puk => ctx.authorize_by_puk(&key, &request.optional_authorization)?,
    }
    let (Material::Private(raw_key) | Material::Symmetric(raw_key)) =
        ctx.store().material(request.key_handle.0)?.ok_or(Refusal::NoKey)?;
    Ok(Response { raw_key })
}
