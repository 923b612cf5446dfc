//! Handler; see [`sks_wire::method::asymmetric_key_decrypt`].

use sks_wire::algorithm::{Algorithm, Class};
use sks_wire::method::asymmetric_key_decrypt::{Request, Response};
use sks_wire::types::KeyUsage;

use crate::ctx::Ctx;
use crate::ports::{CryptoError, KeySpec};
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let usable = ctx.usable(request.key_handle)?;
    usable.require(&[KeyUsage::Encryption, KeyUsage::Universal])?;
    let algorithm = Algorithm::from_uri(&request.encryption_algorithm)
        .filter(|algorithm| algorithm.class() == Class::AsymmetricDecryption)
        .ok_or(Refusal::UnknownAlgorithm)?;
    if !request.parameters.is_empty() {
        return Err(Refusal::Parameters);
    }
    let private = usable.private()?;
    let KeySpec::Rsa { bits, .. } = private.spec() else { return Err(Refusal::UnfitAlgorithm) };
    if request.data.len() != usize::from(bits).div_ceil(8) {
        return Err(Refusal::DataLength);
    }
    ctx.authorize(&usable.key, &request.pin)?;
    let result = private.decrypt(algorithm, &request.data, &*ctx.device.rng).map_err(|e| match e {
        CryptoError::BadData => Refusal::DataPadding,
        _ => Refusal::Engine,
    })?;
    Ok(Response { result })
}
