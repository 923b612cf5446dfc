//! Handler; see [`sks_wire::method::add_extension_data`].

use sks_wire::Secret;
use sks_wire::method::Method;
use sks_wire::method::add_extension_data::{Request, Response, mac_data};
use sks_wire::types::{BaseType, Choice};

use crate::ctx::Ctx;
use crate::key;
use crate::record::{Address, Extension, Key, Record};
use crate::refusal::Refusal;

/// Largest ExtensionData in bytes, in clear: what the text asks a token to support at least.
pub(crate) const EXTENSION_DATA_SIZE: u32 = 65536;

/// What encryption adds at most: an IV and a block of padding.
const ENCRYPTION_OVERHEAD: usize = 32;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let max_answer = ctx.device.config.max_answer;
    let session = ctx.session()?;
    let mut key = session.key(request.key_handle)?;
    let end_entity = key.certificates.first().ok_or(Refusal::NotCertified)?.clone();
    Ctx::ranges(&request)?;
    let base_type = request.base_type.get()?;
    check_options(&request, base_type, &key)?;
    let index = u16::try_from(key.extension_types.len()).map_err(|_| Refusal::TooManyExtensions)?;
    if index == u16::MAX {
        return Err(Refusal::TooManyExtensions);
    }

    let encrypted = base_type == BaseType::EncryptedExtension;
    session.charge(if encrypted { 2 } else { 1 })?;
    let received = &request.extension_data.0;
    let data: Secret = if encrypted { session.decrypt(received.expose())? } else { received.clone() };
    let parts = (&end_entity, [base_type.value()], &request.qualifier, data.expose(), &request.extension_type.0);
    session.check_mac(Request::ID, &mac_data(parts.0, &parts.1, parts.2, parts.3, parts.4), &request.mac)?;
    if data.len() > max_size() {
        return Err(Refusal::ExtensionSize);
    }
    key.extension_types.push(request.extension_type.get()?.to_owned());
    key::check_answer_size(&key, max_answer)?;
    let extension = Extension { base_type, qualifier: request.qualifier, data };
    let handle = request.key_handle.0;
    let work = ctx.work()?;
    work.put(Address::Extension(handle, index), Record::Extension(extension))?;
    work.put(Address::Key(handle), Record::Key(key))?;
    Ok(Response {})
}

fn max_size() -> usize {
    usize::try_from(EXTENSION_DATA_SIZE).unwrap_or(usize::MAX)
}

fn check_options(request: &Request, base_type: BaseType, key: &Key) -> Result<(), Refusal> {
    if request.qualifier.is_empty() == (base_type == BaseType::Logotype) {
        return Err(Refusal::Qualifier);
    }
    if key.extension_types.iter().any(|known| known.as_bytes() == request.extension_type.0) {
        return Err(Refusal::ExtensionTaken);
    }
    let overhead = if base_type == BaseType::EncryptedExtension { ENCRYPTION_OVERHEAD } else { 0 };
    if request.extension_data.0.len() > max_size() + overhead {
        return Err(Refusal::ExtensionSize);
    }
    Ok(())
}
