//! `sks decrypt`: one block that was encrypted with an RSA key.

use std::path::PathBuf;

use serde_json::json;
use sks_wire::algorithm::Class;
use sks_wire::method::asymmetric_key_decrypt::Request;
use sks_wire::types::KeyHandle;

use super::handle;
use crate::args::Common;
use crate::exit::Failure;
use crate::output::file::{self, Output, is_stdin};
use crate::output::{self, algorithm, base64};
use crate::secrets;

/// What is decrypted, with which key, and where the clear text goes.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The key's handle, as `sks keys` shows it
    #[arg(value_name = "KEY", value_parser = handle)]
    key: u32,
    /// The file to decrypt, as long as the key's modulus; - is stdin [default: stdin]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// A URI, or rsa-oaep (SHA-256), rsa-oaep-mgf1p (SHA-1) or rsa-1_5
    #[arg(long, value_name = "NAME", default_value = "rsa-oaep")]
    algorithm: String,
    /// Write the clear text to a new file, mode 0600 [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Longest block in bytes: what a `byte[]` holds.
const MAX: usize = 65535;

/// Decrypts.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    secrets::stdin_once(common, args.file.as_deref().is_none_or(is_stdin))?;
    let uri = algorithm::uri(&args.algorithm, Class::AsymmetricDecryption)?;
    let mut token = common.connect()?;
    let key_handle = KeyHandle(args.key);
    let mut data = Vec::new();
    file::read_pieces(args.file.as_deref(), |piece| {
        // Further pieces change nothing: it is too long already.
        if data.len() <= MAX {
            data.extend_from_slice(piece);
        }
    })?;
    if data.len() > MAX {
        return Err(Failure::usage("one block is decrypted, as long as the key's modulus"));
    }
    let pin = secrets::pin_if_needed(common, &mut token, key_handle)?;
    let out = args.out.as_deref().map(Output::secret).transpose()?;
    let request =
        Request { key_handle, parameters: Vec::new(), encryption_algorithm: uri.clone().into_bytes(), pin, data };
    let answer = token.asymmetric_key_decrypt(&request);
    let result = super::or_discard(answer.map(|answer| answer.result), out.as_ref())?;
    let to_file = out.is_some();
    if let Some(out) = out {
        out.write(result.expose())?;
    }
    if common.json {
        return output::json(&json!({
            "key_handle": args.key,
            "encryption_algorithm": uri,
            "result": base64(result.expose()),
        }));
    }
    if to_file { Ok(()) } else { output::bytes(result.expose()) }
}
