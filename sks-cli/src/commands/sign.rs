//! `sks sign`: a signature over a file, stdin or a given hash.

use std::path::PathBuf;

use serde_json::json;
use sha2::Digest;
use sks_client::Client;
use sks_wire::algorithm::{Algorithm, Class};
use sks_wire::method::{get_key_attributes, sign_hashed_data};
use sks_wire::types::KeyHandle;

use super::handle;
use crate::args::Common;
use crate::exit::Failure;
use crate::output::certificate::Summary;
use crate::output::file::{self, Output, is_stdin};
use crate::output::{self, algorithm, base64};
use crate::secrets;

/// What is signed, with which key, and where the signature goes.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The key's handle, as `sks keys` shows it
    #[arg(value_name = "KEY", value_parser = handle)]
    key: u32,
    /// The file to hash and sign; - is stdin [default: stdin]
    #[arg(value_name = "FILE", conflicts_with = "hash")]
    file: Option<PathBuf>,
    /// Sign this hash, in hexadecimal, instead of hashing a file
    #[arg(long, value_name = "HEX")]
    hash: Option<String>,
    /// A URI, or what follows its #, as rsa-sha512 [default: ecdsa-sha256 or rsa-sha256, as the key is]
    #[arg(long, value_name = "NAME")]
    algorithm: Option<String>,
    /// Write the signature's bytes to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the signature in hexadecimal, not in base64
    #[arg(long)]
    hex: bool,
}

/// Signs.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    let from_stdin = args.hash.is_none() && args.file.as_deref().is_none_or(is_stdin);
    secrets::stdin_once(common, from_stdin)?;
    let named = args.algorithm.as_deref().map(|name| algorithm::uri(name, Class::Signature)).transpose()?;
    let given = args.hash.as_deref().map(hex::decode).transpose();
    let given = given.map_err(|_| Failure::usage("--hash is not hexadecimal"))?;
    let mut token = common.connect()?;
    let key_handle = KeyHandle(args.key);
    let uri = named.map_or_else(|| default_algorithm(&mut token, key_handle), Ok)?;
    let hashed_data = given.map_or_else(|| hash(&uri, args.file.as_deref()), Ok)?;
    let pin = secrets::pin_if_needed(common, &mut token, key_handle)?;
    let signature_algorithm = uri.clone().into_bytes();
    let request = sign_hashed_data::Request { key_handle, signature_algorithm, pin, hashed_data: hashed_data.clone() };
    let out = args.out.as_deref().map(Output::public).transpose()?;
    let answer = token.sign_hashed_data(&request);
    let result = super::or_discard(answer.map(|answer| answer.result), out.as_ref())?;
    if let Some(out) = out {
        out.write(&result)?;
    }
    if common.json {
        return output::json(&json!({
            "key_handle": args.key,
            "signature_algorithm": uri,
            "hashed_data": base64(&hashed_data),
            "result": base64(&result),
        }));
    }
    match (args.out, args.hex) {
        (Some(_), _) => Ok(()),
        (None, true) => output::line(&hex::encode(&result)),
        (None, false) => output::line(&base64(&result)),
    }
}

/// The key's usual algorithm, by what its certificate says.
fn default_algorithm(token: &mut Client, key_handle: KeyHandle) -> Result<String, Failure> {
    let attributes = token.get_key_attributes(&get_key_attributes::Request { key_handle })?;
    let is_rsa = Summary::of_path(&attributes.x509_certificate.0).is_some_and(|summary| summary.is_rsa());
    Ok(if is_rsa { Algorithm::RsaSha256 } else { Algorithm::EcdsaSha256 }.uri().to_owned())
}

/// Hashes a file, or stdin, as the algorithm asks.
fn hash(uri: &str, path: Option<&std::path::Path>) -> Result<Vec<u8>, Failure> {
    match Algorithm::from_uri(uri.as_bytes()).and_then(Algorithm::hash_length) {
        Some(20) => digest::<sha1::Sha1>(path),
        Some(32) => digest::<sha2::Sha256>(path),
        Some(48) => digest::<sha2::Sha384>(path),
        Some(64) => digest::<sha2::Sha512>(path),
        _ => Err(Failure::usage("the hash of this algorithm is not known here: give --hash")),
    }
}

fn digest<D: Digest>(path: Option<&std::path::Path>) -> Result<Vec<u8>, Failure> {
    let mut digest = D::new();
    file::read_pieces(path, |piece| digest.update(piece))?;
    Ok(digest.finalize().to_vec())
}
