//! Handler; see [`sks_wire::method::get_key_attributes`].

use sks_wire::method::get_key_attributes::{Request, Response};
use sks_wire::types::{Code, Text};

use crate::ctx::Ctx;
use crate::key;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let key = ctx.user_key(request.key_handle)?;
    Ok(Response {
        key_usage: Code::from(key.key_usage),
        friendly_name: Text::from(key.friendly_name.as_str()),
        endorsed_algorithm: key::endorsed_uris(&key).into(),
        extension_type: key::extension_uris(&key).into(),
        x509_certificate: key.certificates.into(),
    })
}
