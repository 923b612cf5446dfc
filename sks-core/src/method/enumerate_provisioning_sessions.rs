//! Handler; see [`sks_wire::method::enumerate_provisioning_sessions`].

use std::ops::Bound;

use sks_wire::method::enumerate_provisioning_sessions::{Request, Response, Session};
use sks_wire::types::{AnyText, Enumerated, NO_HANDLE};

use crate::ctx::Ctx;
use crate::record::{Address, Record};
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let from = Address::Session(request.provisioning_handle.0);
    let entry = match request.provisioning_handle.0 {
        NO_HANDLE => ctx.store().next(Bound::Included(&Address::Session(0)))?,
        _ => ctx.store().next(Bound::Excluded(&from))?,
    };
    let next = match entry {
        Some((Address::Session(handle), Record::Session(session))) => Enumerated::Next {
            handle,
            item: Session {
                is_open: session.open,
                client_time: session.client_time,
                session_life_time: session.session_life_time,
                server_session_id: session.server_session_id,
                client_session_id: session.client_session_id,
                issuer_uri: AnyText::from(session.issuer_uri.as_str()),
            },
        },
        _ => Enumerated::End,
    };
    Ok(Response { next })
}
