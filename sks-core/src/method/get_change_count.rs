//! Handler; see [`sks_wire::method::get_change_count`].

use sks_wire::method::get_change_count::{Request, Response};

use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::work::change_count;

pub(crate) fn handle(ctx: &mut Ctx<'_>, _: Request) -> Result<Response, Refusal> {
    Ok(Response { count: change_count(ctx.store(), &*ctx.device.rng)? })
}
