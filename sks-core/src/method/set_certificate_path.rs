//! Handler; see [`sks_wire::method::set_certificate_path`].

use sks_wire::method::Method;
use sks_wire::method::set_certificate_path::{Request, Response, mac_data};

use crate::crypto::certificate;
use crate::ctx::Ctx;
use crate::key;
use crate::record::{Address, Record};
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let max_answer = ctx.device.config.max_answer;
    let session = ctx.session()?;
    let mut key = session.key(request.key_handle)?;
    if !key.certificates.is_empty() {
        return Err(Refusal::AlreadyCertified);
    }
    Ctx::ranges(&request)?;
    session.charge(1)?;
    let path = request.x509_certificate.0;
    session.check_mac(Request::ID, &mac_data(&key.public_key, &key.id, &path), &request.mac)?;
    let end_entity = path.first().ok_or(Refusal::Defect("an empty path passed its check"))?;
    let certified = certificate::public_key_of(end_entity).map_err(|_| Refusal::BadCertificate)?;
    if !key.import_private_key && certified != key.public_key {
        return Err(Refusal::ForeignCertificate);
    }
    key.certificates = path;
    key::check_answer_size(&key, max_answer)?;
    ctx.work()?.put(Address::Key(request.key_handle.0), Record::Key(key))?;
    Ok(Response {})
}
