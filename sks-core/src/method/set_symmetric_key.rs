//! Handler; see [`sks_wire::method::set_symmetric_key`].

use sks_wire::algorithm::{Algorithm, Class};
use sks_wire::method::Method;
use sks_wire::method::set_symmetric_key::{Request, Response, mac_data};
use sks_wire::types::KeyUsage;

use crate::crypto::symmetric;
use crate::ctx::Ctx;
use crate::key;
use crate::record::{Address, Material, Record};
use crate::refusal::Refusal;

/// Longest symmetric key in bytes.
const MAX_LENGTH: usize = 128;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let max_answer = ctx.device.config.max_answer;
    let session = ctx.session()?;
    let mut key = session.key(request.key_handle)?;
    if key.key_usage != KeyUsage::SymmetricKey {
        return Err(Refusal::NotSymmetric);
    }
    if !key.endorsed_algorithms.is_empty() {
        return Err(Refusal::AlreadySymmetric);
    }
    let end_entity = key.certificates.first().ok_or(Refusal::NotCertified)?;
    Ctx::ranges(&request)?;
    let uris = request.endorsed_algorithm.0;
    if !uris.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) {
        return Err(Refusal::AlgorithmOrder);
    }
    session.charge(2)?;
    let clear = session.decrypt(&request.symmetric_key)?;
    session.check_mac(Request::ID, &mac_data(end_entity, clear.expose(), &uris), &request.mac)?;
    if clear.is_empty() || clear.len() > MAX_LENGTH {
        return Err(Refusal::SymmetricKeyLength);
    }
    let endorsed: Option<Vec<Algorithm>> = uris.iter().map(|uri| endorsable(uri)).collect();
    let endorsed = endorsed.ok_or(Refusal::NotEndorsable)?;
    if !endorsed.iter().all(|algorithm| symmetric::fits(*algorithm, clear.len())) {
        return Err(Refusal::SymmetricKeyFit);
    }
    key.endorsed_algorithms = endorsed;
    key::check_answer_size(&key, max_answer)?;
    let work = ctx.work()?;
    work.put(Address::Material(request.key_handle.0), Record::Material(Material::Symmetric(clear)))?;
    work.put(Address::Key(request.key_handle.0), Record::Key(key))?;
    Ok(Response {})
}

fn endorsable(uri: &[u8]) -> Option<Algorithm> {
    Algorithm::from_uri(uri).filter(|algorithm| matches!(algorithm.class(), Class::SymmetricEncryption | Class::Hmac))
}
