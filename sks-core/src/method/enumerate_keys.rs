//! Handler; see [`sks_wire::method::enumerate_keys`].

use std::ops::Bound;

use sks_wire::method::enumerate_keys::{self, Request, Response};
use sks_wire::types::{Code, Enumerated, NO_HANDLE, ProvisioningHandle, Text};

use crate::ctx::Ctx;
use crate::key;
use crate::record::{Address, Key, Record};
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let from = Address::Key(request.key_handle.0);
    let entry = match request.key_handle.0 {
        NO_HANDLE => ctx.store().next(Bound::Included(&Address::Key(0)))?,
        _ => ctx.store().next(Bound::Excluded(&from))?,
    };
    let next = match entry {
        Some((Address::Key(handle), Record::Key(key))) => Enumerated::Next { handle, item: told(key) },
        _ => Enumerated::End,
    };
    Ok(Response { next })
}

fn told(key: Key) -> enumerate_keys::Key {
    let endorsed_algorithm = key::endorsed_uris(&key).into();
    let extension_type = key::extension_uris(&key).into();
    enumerate_keys::Key {
        provisioning_handle: ProvisioningHandle(key.session),
        id: key.id,
        key_usage: Code::from(key.key_usage),
        friendly_name: Text::from(key.friendly_name.as_str()),
        // "If the provisioning session is still open PathLength MUST be set to zero."
        x509_certificate: if key.provisioned { key.certificates } else { Vec::new() }.into(),
        endorsed_algorithm,
        extension_type,
    }
}
