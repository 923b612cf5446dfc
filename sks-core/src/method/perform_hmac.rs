//! Handler; see [`sks_wire::method::perform_hmac`].

use sks_wire::algorithm::Class;
use sks_wire::method::perform_hmac::{Request, Response};
use sks_wire::types::KeyUsage;

use crate::crypto::symmetric;
use crate::ctx::Ctx;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let usable = ctx.usable(request.key_handle)?;
    usable.require(&[KeyUsage::SymmetricKey])?;
    let algorithm = usable.endorsed(&request.hmac_algorithm, Class::Hmac)?;
    ctx.authorize(&usable.key, &request.pin)?;
    let result = symmetric::hmac(algorithm, usable.symmetric()?.expose(), &request.data)?;
    Ok(Response { result })
}
