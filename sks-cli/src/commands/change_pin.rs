//! `sks change-pin`: a new PIN, authorised by the old one or by the PUK.

use sks_wire::method::{change_pin, set_pin};
use sks_wire::types::KeyHandle;

use super::{done, handle};
use crate::args::Common;
use crate::exit::Failure;
use crate::secrets;

/// Which key, and by what right.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The key's handle, as `sks keys` shows it
    #[arg(value_name = "KEY", value_parser = handle)]
    key: u32,
    /// Authorise with the PUK, which unlocks the key, too; --puk-file alone means the same
    #[arg(long, conflicts_with = "pin_file")]
    with_puk: bool,
}

/// Calls changePIN or setPIN. The PIN changes for all keys that share it.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    secrets::stdin_once(common, false)?;
    if common.pin_file.is_some() && common.puk_file.is_some() {
        return Err(Failure::usage("the PIN or the PUK authorises: give --pin-file or --puk-file"));
    }
    let mut token = common.connect()?;
    let key_handle = KeyHandle(args.key);
    if args.with_puk || common.puk_file.is_some() {
        let puk = secrets::puk_if_needed(common, &mut token, key_handle)?;
        let new_pin = secrets::new_pin(common)?;
        token.set_pin(&set_pin::Request { key_handle, puk, new_pin })?;
    } else {
        let pin = secrets::pin_if_needed(common, &mut token, key_handle)?;
        let new_pin = secrets::new_pin(common)?;
        token.change_pin(&change_pin::Request { key_handle, pin, new_pin })?;
    }
    done(common, key_handle, "has its new PIN")
}
