//! Handler; see [`sks_wire::method::key_agreement`].

use sks_wire::algorithm::{Algorithm, Class};
use sks_wire::method::key_agreement::{Request, Response};
use sks_wire::types::KeyUsage;

use crate::crypto::{PeerKeyError, peer_key};
use crate::ctx::Ctx;
use crate::ports::KeySpec;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let usable = ctx.usable(request.key_handle)?;
    usable.require(&[KeyUsage::Encryption, KeyUsage::Universal])?;
    Algorithm::from_uri(&request.algorithm)
        .filter(|algorithm| algorithm.class() == Class::KeyAgreement)
        .ok_or(Refusal::UnknownAlgorithm)?;
    if !request.parameters.is_empty() {
        return Err(Refusal::Parameters);
    }
    let private = usable.private()?;
    if private.spec() != KeySpec::P256 {
        return Err(Refusal::UnfitAlgorithm);
    }
    peer_key(&request.public_key).map_err(|e| match e {
        PeerKeyError::Algorithm => Refusal::PeerKeyAlgorithm,
        PeerKeyError::Malformed => Refusal::PeerKey,
    })?;
    ctx.authorize(&usable.key, &request.pin)?;
    Ok(Response { shared_secret: private.agree(&request.public_key)? })
}
