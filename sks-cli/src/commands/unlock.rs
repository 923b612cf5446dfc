//! `sks unlock`: re-enables a key that wrong PINs have locked.

use sks_wire::method::unlock_key::Request;
use sks_wire::types::KeyHandle;

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

/// Calls unlockKey with the PUK.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    secrets::stdin_once(common, false)?;
    let mut token = common.connect()?;
    let key_handle = KeyHandle(args.key);
    let authorization = secrets::puk_if_needed(common, &mut token, key_handle)?;
    token.unlock_key(&Request { key_handle, authorization })?;
    done(common, key_handle, "unlocked")
}
