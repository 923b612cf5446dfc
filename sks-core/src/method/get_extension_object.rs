//! Handler; see [`sks_wire::method::get_extension_object`].

use sks_wire::method::get_extension_object::{Request, Response};
use sks_wire::types::{Blob, Code};

use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::work::Typed;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let handle = request.key_handle;
    loop {
        let key = ctx.user_key(handle)?;
        let index = key.extension_types.iter().position(|known| known.as_bytes() == request.extension_type);
        let index = index.and_then(|index| u16::try_from(index).ok()).ok_or(Refusal::NoSuchExtension)?;
        let extension = ctx.store().extension(handle.0, index)?;
        if ctx.is_still(handle, &key)? {
            let lost = || Refusal::StoreDamaged(format!("extension {index} of key {handle} is missing"));
            let extension = extension.ok_or_else(lost)?;
            return Ok(Response {
                base_type: Code::from(extension.base_type),
                qualifier: extension.qualifier,
                extension_data: Blob(extension.data),
            });
        }
    }
}
