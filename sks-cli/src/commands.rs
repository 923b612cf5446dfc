//! The commands, each in a file of its name: its arguments, and what it does; and here, what several share.

use serde_json::json;
use sks_wire::types::{KeyHandle, NO_HANDLE};

use crate::args::Common;
use crate::exit::Failure;
use crate::output::{self, file::Output};

pub(crate) mod abort;
pub(crate) mod bench;
pub(crate) mod change_pin;
pub(crate) mod decrypt;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod enroll;
pub(crate) mod export;
pub(crate) mod info;
pub(crate) mod key;
pub(crate) mod keys;
pub(crate) mod pkcs11;
pub(crate) mod raw;
pub(crate) mod sessions;
pub(crate) mod sign;
pub(crate) mod unlock;

/// Parses a handle: 1 to 0xFFFFFFFE, in decimal.
fn handle(text: &str) -> Result<u32, String> {
    let known = text.parse().ok().filter(|handle| (1..NO_HANDLE).contains(handle));
    known.ok_or_else(|| "a handle is a number from 1 to 4294967294".to_owned())
}

/// Says that a key was changed.
fn done(common: &Common, key: KeyHandle, what: &str) -> Result<(), Failure> {
    if common.json {
        return output::json(&json!({ "key_handle": key.0 }));
    }
    output::line(&format!("key {key} {what}"))
}

/// The result of a call whose file is open already; without one, the file goes again.
fn or_discard<T>(result: Result<T, impl Into<Failure>>, out: Option<&Output>) -> Result<T, Failure> {
    if result.is_err() {
        out.map(Output::discard);
    }
    result.map_err(Into::into)
}
