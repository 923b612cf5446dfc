//! Handler; see [`sks_wire::method::symmetric_key_encrypt`].

use sks_wire::algorithm::Class;
use sks_wire::method::symmetric_key_encrypt::{Request, Response};
use sks_wire::types::KeyUsage;

use crate::crypto::symmetric;
use crate::ctx::Ctx;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let usable = ctx.usable(request.key_handle)?;
    usable.require(&[KeyUsage::SymmetricKey])?;
    let algorithm = usable.endorsed(&request.encryption_algorithm, Class::SymmetricEncryption)?;
    let encrypt = request.encrypt_mode;
    symmetric::check_lengths(algorithm, encrypt, &request.iv, request.data.expose())?;
    ctx.authorize(&usable.key, &request.pin)?;
    let key = usable.symmetric()?;
    let result = symmetric::crypt(algorithm, encrypt, key.expose(), &request.iv, request.data.expose())?;
    Ok(Response { result })
}
