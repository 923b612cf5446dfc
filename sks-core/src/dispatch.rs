//! From the table of methods to their handlers. A row without a handler does not compile.

use sks_wire::{Request, Response, for_each_method};

use crate::ctx::Ctx;
use crate::method;
use crate::refusal::Refusal;

macro_rules! dispatcher {
    ($($number:literal $module:ident $variant:ident $name:literal,)*) => {
        pub(crate) fn dispatch(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
            match request {
                $(Request::$variant(request) => method::$module::handle(ctx, request).map(Response::from)),*
            }
        }
    };
}
for_each_method!(dispatcher);
