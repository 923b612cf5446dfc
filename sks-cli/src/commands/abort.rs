//! `sks abort`: gives up an open provisioning session.

use serde_json::json;
use sks_wire::method::abort_provisioning_session::Request;
use sks_wire::types::ProvisioningHandle;

use super::handle;
use crate::args::Common;
use crate::exit::Failure;
use crate::output;

/// Which session.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The session's handle, as `sks sessions` shows it
    #[arg(value_name = "SESSION", value_parser = handle)]
    session: u32,
}

/// Calls abortProvisioningSession: all that was created in the session is removed.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    let request = Request { provisioning_handle: ProvisioningHandle(args.session) };
    common.connect()?.abort_provisioning_session(&request)?;
    if common.json {
        return output::json(&json!({ "provisioning_handle": args.session }));
    }
    output::line(&format!("session {} aborted", args.session))
}
