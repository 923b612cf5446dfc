//! Handler; see [`sks_wire::method::export_key`].

use sks_wire::method::export_key::{Request, Response};
use sks_wire::types::ExportPolicy;

use crate::ctx::Ctx;
use crate::record::Material;
use crate::refusal::Refusal;
use crate::work::Typed;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let handle = request.key_handle;
    loop {
        let key = ctx.user_key(handle)?;
        match key.export_policy {
            ExportPolicy::NonExportable => return Err(Refusal::NotExportable),
            ExportPolicy::None => Ctx::no_authorization(&request.optional_authorization)?,
            ExportPolicy::Pin => ctx.authorize(&key, &request.optional_authorization)?,
            ExportPolicy::Puk => ctx.authorize_by_puk(handle, &key, &request.optional_authorization)?,
        }
        let material = ctx.store().material(handle.0)?;
        // Else one key's export policy could let another key out.
        if ctx.is_still(handle, &key)? {
            let lost = || Refusal::StoreDamaged(format!("the private or symmetric key {handle} is missing"));
            let (Material::Private(raw_key) | Material::Symmetric(raw_key)) = material.ok_or_else(lost)?;
            return Ok(Response { raw_key });
        }
    }
}
