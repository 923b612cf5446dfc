//! The device as a handler of calls, with a line in the log for each. Never an argument, never a result.

use std::sync::Arc;

use sks_core::Device;
use sks_wire::{MethodId, Status};
use tracing::{Level, debug, enabled, error};

use crate::exit::refusal;
use crate::listen::Handler;

/// Answers calls by `device`.
pub(super) fn handler(device: Arc<Device>) -> Handler {
    Arc::new(move |call| {
        let answer = device.call(call);
        log(call, &answer);
        answer
    })
}

fn log(call: &[u8], answer: &[u8]) {
    let status = answer.first().copied().and_then(Status::from_value);
    let failed = matches!(status, Some(Status::Internal | Status::Storage));
    if !failed && !enabled!(Level::DEBUG) {
        return;
    }
    let method = call.first().copied().and_then(MethodId::from_number).map_or("unknown", MethodId::name);
    match refusal(answer) {
        None => debug!(method, "answered"),
        Some(refused) if failed => error!(method, status = %refused.status, text = refused.text, "failed"),
        Some(refused) => debug!(method, status = %refused.status, text = refused.text, "refused"),
    }
}
