//! `sks keys`: the keys of all sessions.

use serde_json::{Value, json};
use sks_client::ListedKey;
use sks_wire::method::enumerate_keys::Key;
use sks_wire::types::AnyText;

use crate::args::Common;
use crate::exit::Failure;
use crate::output::certificate::Summary;
use crate::output::{self, Table, base64, safe, safe_bytes};

/// It has no arguments of its own.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Lists them.
pub(crate) fn run(common: &Common, _args: Args) -> Result<(), Failure> {
    let keys = common.connect()?.keys().collect::<Result<Vec<_>, _>>()?;
    if common.json {
        return output::json(&keys.iter().map(as_json).collect());
    }
    let mut table = Table::new(["KEY", "SESSION", "USAGE", "TYPE", "NAME", "SUBJECT", "UNTIL"]);
    for ListedKey { handle, key } in &keys {
        // Only a key whose session is open shows no certificate.
        let summary = Summary::of_path(&key.x509_certificate.0);
        let missing = if key.x509_certificate.0.is_empty() { "(session open)" } else { "(unreadable)" };
        let of = |part: fn(&Summary) -> &String| summary.as_ref().map_or_else(String::new, |s| safe(part(s)));
        table.row([
            handle.to_string(),
            key.provisioning_handle.to_string(),
            format!("{:?}", key.key_usage),
            of(|s| &s.key_algorithm),
            safe_bytes(&key.friendly_name.0),
            summary.as_ref().map_or_else(|| missing.to_owned(), Summary::safe_subject),
            of(|s| &s.not_after),
        ]);
    }
    output::bytes(table.to_string().as_bytes())
}

/// A key as `keys` and `key` both show it.
pub(super) fn as_json(ListedKey { handle, key }: &ListedKey) -> Value {
    let Key { provisioning_handle, id, key_usage, friendly_name, .. } = key;
    json!({
        "key_handle": handle.0,
        "provisioning_handle": provisioning_handle.0,
        "id": id.as_str(),
        "key_usage": format!("{key_usage:?}"),
        "friendly_name": String::from_utf8_lossy(&friendly_name.0),
        "x509_certificate": key.x509_certificate.0.iter().map(|der| base64(der)).collect::<Vec<_>>(),
        "endorsed_algorithm": texts(&key.endorsed_algorithm.0),
        "extension_type": texts(&key.extension_type.0),
        "certificate": Summary::of_path(&key.x509_certificate.0).map(|summary| summary.json()),
    })
}

fn texts(texts: &[AnyText]) -> Vec<String> {
    texts.iter().map(|text| String::from_utf8_lossy(&text.0).into_owned()).collect()
}
