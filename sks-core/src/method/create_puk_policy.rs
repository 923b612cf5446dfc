//! Handler; see [`sks_wire::method::create_puk_policy`].

use sks_wire::method::create_puk_policy::{Request, Response};
use sks_wire::types::PukPolicyHandle;

use crate::ctx::Ctx;
use crate::policy;
use crate::record::{Address, Counter, ObjectKind, PukPolicy, Record};
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    Ctx::ranges(&request)?;
    let format = request.format.get()?;
    let session = ctx.session()?;
    session.fresh_name(ObjectKind::PukPolicy, &request.id)?;
    session.charge(1)?;
    let puk = session.decrypt(&request.puk_value)?;
    policy::check_puk(&puk, format)?;

    let session = session.handle;
    let work = ctx.work()?;
    let handle = work.allocate(Counter::PukPolicy)?;
    work.put(Address::Name(session, ObjectKind::PukPolicy, request.id.clone()), Record::Number(handle))?;
    let policy = PukPolicy { session, id: request.id, puk, format, retry_limit: request.retry_limit, error_count: 0 };
    work.put(Address::PukPolicy(handle), Record::PukPolicy(policy))?;
    Ok(Response { puk_policy_handle: PukPolicyHandle(handle) })
}
