//! Handler; see [`sks_wire::method::get_key_protection_info`].

use sks_wire::method::get_key_protection_info::{Request, Response};
use sks_wire::types::{Code, Format, Grouping, InputMethod, protection};

use crate::ctx::{Ctx, Protection};
use crate::record::Key;
use crate::refusal::Refusal;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let key = ctx.user_key(request.key_handle)?;
    let unprotected = unprotected(&key);
    Ok(match ctx.protection(request.key_handle, &key)? {
        None => unprotected,
        Some(over) => protected(unprotected, &over),
    })
}

/// What is told of a key without a PIN: zeros, and the copies of createKeyPair's parameters.
fn unprotected(key: &Key) -> Response {
    Response {
        protection_status: 0,
        puk_retry_limit: 0,
        puk_error_count: 0,
        user_modifiable: false,
        format: Code::from(Format::Numeric),
        retry_limit: 0,
        grouping: Code::from(Grouping::None),
        pattern_restrictions: 0,
        min_length: 0,
        max_length: 0,
        input_method: Code::from(InputMethod::Any),
        pin_error_count: 0,
        biometric_protection: Code::from(key.biometric_protection),
        private_key_backup: key.private_key_backup,
        export_policy: Code::from(key.export_policy),
        updatable: key.updatable,
        delete_policy: Code::from(key.delete_policy),
        enable_pin_caching: key.enable_pin_caching,
        import_private_key: key.import_private_key,
    }
}

fn protected(rest: Response, over: &Protection) -> Response {
    let mut protection_status = protection::PIN;
    if over.group.error_count >= over.policy.retry_limit {
        protection_status |= protection::PIN_LOCKED;
    }
    if let Some(puk) = &over.puk {
        protection_status |= protection::PUK;
        if puk.retry_limit != 0 && puk.error_count >= puk.retry_limit {
            protection_status |= protection::PUK_LOCKED;
        }
    }
    Response {
        protection_status,
        puk_retry_limit: over.puk.as_ref().map_or(0, |puk| puk.retry_limit),
        puk_error_count: over.puk.as_ref().map_or(0, |puk| puk.error_count),
        user_modifiable: over.policy.user_modifiable,
        format: Code::from(over.policy.format),
        retry_limit: over.policy.retry_limit,
        grouping: Code::from(over.policy.grouping),
        pattern_restrictions: over.policy.pattern_restrictions,
        min_length: over.policy.min_length,
        max_length: over.policy.max_length,
        input_method: Code::from(over.policy.input_method),
        pin_error_count: over.group.error_count,
        ..rest
    }
}
