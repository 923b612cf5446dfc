//! Handler; see [`sks_wire::method::create_pin_policy`].

use sks_wire::method::create_pin_policy::{Request, Response};
use sks_wire::types::{Format, PinPolicyHandle, pattern};

use crate::ctx::Ctx;
use crate::record::{Address, Counter, ObjectKind, PinPolicy, Record};
use crate::refusal::Refusal;
use crate::work::Typed;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    Ctx::ranges(&request)?;
    let session = ctx.session()?;
    session.fresh_name(ObjectKind::PinPolicy, &request.id)?;
    let session = session.handle;
    let puk_policy = match request.puk_policy_handle.0 {
        0 => None,
        handle => match ctx.store().puk_policy(handle)? {
            Some(puk) if puk.session == session => Some(handle),
            _ => return Err(Refusal::UnknownPukPolicy),
        },
    };
    let policy = policy_of(&request, session, puk_policy)?;

    let work = ctx.work()?;
    let handle = work.allocate(Counter::PinPolicy)?;
    work.put(Address::Name(session, ObjectKind::PinPolicy, request.id), Record::Number(handle))?;
    if let Some(puk) = puk_policy {
        work.put(Address::PukPin(puk, handle), Record::Mark)?;
    }
    work.put(Address::PinPolicy(handle), Record::PinPolicy(policy))?;
    Ok(Response { pin_policy_handle: PinPolicyHandle(handle) })
}

fn policy_of(request: &Request, session: u32, puk_policy: Option<u32>) -> Result<PinPolicy, Refusal> {
    let policy = PinPolicy {
        session,
        id: request.id.clone(),
        puk_policy,
        user_defined: request.user_defined,
        user_modifiable: request.user_modifiable,
        format: request.format.get()?,
        retry_limit: request.retry_limit.get()?,
        grouping: request.grouping.get()?,
        pattern_restrictions: request.pattern_restrictions.get()?,
        min_length: request.min_length.get()?,
        max_length: request.max_length.get()?,
        input_method: request.input_method.get()?,
    };
    if policy.min_length > policy.max_length {
        return Err(Refusal::CrossedLengths);
    }
    let grouped = matches!(policy.format, Format::Alphanumeric | Format::String);
    if policy.pattern_restrictions & pattern::MISSING_GROUP != 0 && !grouped {
        return Err(Refusal::MissingGroupFormat);
    }
    Ok(policy)
}
