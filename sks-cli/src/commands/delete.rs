//! `sks delete`: removes a key for good.

use sks_wire::method::delete_key::Request;
use sks_wire::method::get_key_protection_info;
use sks_wire::types::{DeletePolicy, KeyHandle};

use super::{done, handle};
use crate::args::Common;
use crate::exit::Failure;
use crate::secrets;

/// Which key.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The key's handle, as `sks keys` shows it
    #[arg(value_name = "KEY", value_parser = handle)]
    key: u32,
}

/// Calls deleteKey with what the key's Delete Control asks for.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    secrets::stdin_once(common, false)?;
    let mut token = common.connect()?;
    let key_handle = KeyHandle(args.key);
    let info = token.get_key_protection_info(&get_key_protection_info::Request { key_handle })?;
    let optional_authorization = match info.delete_policy.get() {
        Ok(DeletePolicy::Pin) => secrets::pin_if_needed(common, &mut token, key_handle)?,
        Ok(DeletePolicy::Puk) => secrets::puk_if_needed(common, &mut token, key_handle)?,
        Ok(DeletePolicy::None) | Err(_) => secrets::unasked(common)?,
    };
    token.delete_key(&Request { key_handle, optional_authorization })?;
    done(common, key_handle, "deleted")
}
