//! Handler; see [`sks_wire::method::restore_private_key`].

use sks_wire::method::Method;
use sks_wire::method::restore_private_key::{Request, Response, mac_data};

use super::create_key_pair::RSA_KEY_SIZES;
use crate::crypto::certificate;
use crate::ctx::Ctx;
use crate::ports::KeySpec;
use crate::record::{Address, Material, Record};
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let crypto = &ctx.device.crypto;
    let session = ctx.session()?;
    let mut key = session.key(request.key_handle)?;
    if !key.import_private_key {
        return Err(Refusal::NotImported);
    }
    if key.restored {
        return Err(Refusal::AlreadyRestored);
    }
    let end_entity = key.certificates.first().ok_or(Refusal::NotCertified)?;
    session.charge(2)?;
    let clear = session.decrypt(&request.private_key)?;
    session.check_mac(Request::ID, &mac_data(end_entity, clear.expose()), &request.mac)?;
    let private = crypto.load(clear.expose()).map_err(|_| Refusal::BadPrivateKey)?;
    if let KeySpec::Rsa { bits, .. } = private.spec()
        && !RSA_KEY_SIZES.contains(&bits)
    {
        return Err(Refusal::BadPrivateKey);
    }
    let certified = certificate::public_key_of(end_entity).map_err(|_| Refusal::BadCertificate)?;
    if certified != private.public_key() {
        return Err(Refusal::ForeignPrivateKey);
    }
    key.spec = private.spec();
    key.restored = true;
    let material = Material::Private(private.pkcs8()?);
    let handle = request.key_handle.0;
    let work = ctx.work()?;
    work.put(Address::Material(handle), Record::Material(material))?;
    work.put(Address::Key(handle), Record::Key(key))?;
    Ok(Response {})
}
