//! `sks export`: a private or symmetric key in clear.

use std::path::PathBuf;

use serde_json::json;
use sks_client::Client;
use sks_wire::Secret;
use sks_wire::method::get_key_protection_info;
use sks_wire::method::{export_key, get_key_attributes};
use sks_wire::types::{Choice, ExportPolicy, KeyHandle, KeyUsage};
use zeroize::Zeroizing;

use super::handle;
use crate::args::Common;
use crate::exit::Failure;
use crate::output::file::{self, Output};
use crate::output::{self, base64};
use crate::secrets;

/// Which key, and where it goes.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The key's handle, as `sks keys` shows it
    #[arg(value_name = "KEY", value_parser = handle)]
    key: u32,
    /// Write the key to a new file, mode 0600 [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Calls exportKey with what the key's Export Control asks for. A private key comes as PKCS#8 in PEM, a symmetric key
/// as its bytes.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    secrets::stdin_once(common, false)?;
    let mut token = common.connect()?;
    let key_handle = KeyHandle(args.key);
    let usage = token.get_key_attributes(&get_key_attributes::Request { key_handle })?.key_usage;
    let optional_authorization = authorization(common, &mut token, key_handle)?;
    let out = args.out.as_deref().map(Output::secret).transpose()?;
    let answer = token.export_key(&export_key::Request { key_handle, optional_authorization });
    let raw_key = super::or_discard(answer.map(|answer| answer.raw_key), out.as_ref())?;
    let is_private = usage.value() != KeyUsage::SymmetricKey.value();
    let to_file = out.is_some();
    if let Some(out) = out {
        out.write(&shape(&raw_key, is_private)?)?;
    }
    if common.json {
        return output::json(&json!({
            "key_handle": args.key,
            "key_usage": format!("{usage:?}"),
            "raw_key": (!to_file).then(|| base64(raw_key.expose())),
        }));
    }
    if to_file { Ok(()) } else { output::bytes(&shape(&raw_key, is_private)?) }
}

fn authorization(common: &Common, token: &mut Client, key_handle: KeyHandle) -> Result<Secret, Failure> {
    let info = token.get_key_protection_info(&get_key_protection_info::Request { key_handle })?;
    match info.export_policy.get() {
        Ok(ExportPolicy::Pin) => secrets::pin_if_needed(common, token, key_handle),
        Ok(ExportPolicy::Puk) => secrets::puk_if_needed(common, token, key_handle),
        Ok(ExportPolicy::None | ExportPolicy::NonExportable) | Err(_) => secrets::unasked(common),
    }
}

fn shape(raw_key: &Secret, is_private: bool) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if !is_private {
        return Ok(Zeroizing::new(raw_key.expose().to_vec()));
    }
    let mut text = file::pem("PRIVATE KEY", raw_key.expose())?;
    Ok(Zeroizing::new(std::mem::take(&mut *text).into_bytes()))
}
