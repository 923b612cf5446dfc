//! Handler; see [`sks_wire::method::sign_hashed_data`].

use sks_wire::algorithm::{Algorithm, Class};
use sks_wire::method::sign_hashed_data::{Request, Response};
use sks_wire::types::KeyUsage;

use crate::ctx::Ctx;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let usable = ctx.usable(request.key_handle)?;
    usable.require(&[KeyUsage::Signature, KeyUsage::Authentication, KeyUsage::Universal])?;
    let algorithm = Algorithm::from_uri(&request.signature_algorithm).ok_or(Refusal::UnknownAlgorithm)?;
    let hash_length = algorithm.hash_length().filter(|_| algorithm.class() == Class::Signature);
    if request.hashed_data.len() != hash_length.ok_or(Refusal::UnknownAlgorithm)? {
        return Err(Refusal::HashLength);
    }
    let private = usable.private()?;
    if !private.fits(algorithm) {
        return Err(Refusal::UnfitAlgorithm);
    }
    // Last, so that a malformed call never costs a try.
    ctx.authorize(&usable.key, &request.pin)?;
    Ok(Response { result: private.sign(algorithm, &request.hashed_data, &*ctx.device.rng)? })
}
