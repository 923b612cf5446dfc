//! Handler; see [`sks_wire::method::get_change_count`].

use sks_wire::method::get_change_count::{Request, Response};

use crate::ctx::Ctx;
use crate::record::Counter;
use crate::refusal::Refusal;
use crate::work::Typed;

pub(crate) fn handle(ctx: &mut Ctx<'_>, _: Request) -> Result<Response, Refusal> {
    Ok(Response { count: ctx.store().counter(Counter::Change)?.unwrap_or(0) })
}
