//! PINs and PUKs: asked for without echo, or read from a file. Never from the command line, which others can read.

use std::path::Path;

use program::secret;
use sks_client::Client;
use sks_wire::Secret;
use sks_wire::method::get_key_protection_info;
use sks_wire::types::{KeyHandle, protection};

use crate::args::Common;
use crate::exit::Failure;
use crate::output::file::is_stdin;

/// Refuses a command line that reads stdin for two things at once.
pub(crate) fn stdin_once(common: &Common, data: bool) -> Result<(), Failure> {
    let files = [&common.pin_file, &common.puk_file, &common.new_pin_file];
    let named = files.into_iter().flatten().filter(|path| is_stdin(path)).count();
    if named + usize::from(data) > 1 {
        return Err(Failure::usage("stdin can be read for one thing only"));
    }
    Ok(())
}

/// The PIN of a key that has one.
pub(crate) fn pin(common: &Common, key: KeyHandle) -> Result<Secret, Failure> {
    match &common.pin_file {
        Some(path) => read(path),
        None => ask(&format!("PIN of key {key}: "), "--pin-file"),
    }
}

/// The PUK that governs a key.
pub(crate) fn puk(common: &Common, key: KeyHandle) -> Result<Secret, Failure> {
    match &common.puk_file {
        Some(path) => read(path),
        None => ask(&format!("PUK of key {key}: "), "--puk-file"),
    }
}

/// A PIN to be set; at a prompt it is asked for twice.
pub(crate) fn new_pin(common: &Common) -> Result<Secret, Failure> {
    if let Some(path) = &common.new_pin_file {
        return read(path);
    }
    ask_twice("PIN", "--new-pin-file")
}

/// A PUK to be set; at a prompt it is asked for twice.
pub(crate) fn new_puk(common: &Common) -> Result<Secret, Failure> {
    match &common.puk_file {
        Some(path) => read(path),
        None => ask_twice("PUK", "--puk-file"),
    }
}

/// The PIN for an operation with a key: empty for a key without one, unless a file was given, which the token then
/// refuses. A locked key's PIN is not asked for: the token says that it is locked.
pub(crate) fn pin_if_needed(common: &Common, token: &mut Client, key: KeyHandle) -> Result<Secret, Failure> {
    let status = token.get_key_protection_info(&get_key_protection_info::Request { key_handle: key })?;
    let needed = status.protection_status & (protection::PIN | protection::PIN_LOCKED) == protection::PIN;
    if needed || common.pin_file.is_some() { pin(common, key) } else { Ok(Secret::default()) }
}

/// The PUK for an operation with a key: empty for a key without one, which the token refuses. A PUK that is locked is not
/// asked for: the token says so.
pub(crate) fn puk_if_needed(common: &Common, token: &mut Client, key: KeyHandle) -> Result<Secret, Failure> {
    let status = token.get_key_protection_info(&get_key_protection_info::Request { key_handle: key })?;
    let needed = status.protection_status & (protection::PUK | protection::PUK_LOCKED) == protection::PUK;
    if needed || common.puk_file.is_some() { puk(common, key) } else { Ok(Secret::default()) }
}

/// What goes to the token where it asks for nothing: nothing, unless a file was given, which the token then refuses.
pub(crate) fn unasked(common: &Common) -> Result<Secret, Failure> {
    match common.pin_file.as_ref().or(common.puk_file.as_ref()) {
        Some(path) => read(path),
        None => Ok(Secret::default()),
    }
}

/// Reads a secret from a file, or from stdin; one newline at its end is dropped.
pub(crate) fn read(path: &Path) -> Result<Secret, Failure> {
    let read = if is_stdin(path) { secret::from_stdin() } else { secret::from_file(path) };
    Ok(Secret::from(read?.as_slice()))
}

fn ask_twice(what: &str, option: &str) -> Result<Secret, Failure> {
    let first = ask(&format!("New {what}: "), option)?;
    let second = ask(&format!("New {what} again: "), option)?;
    if first == second { Ok(first) } else { Err(Failure::usage(format!("the two {what}s differ"))) }
}

/// Asks at the terminal; `option` is what serves where there is none.
pub(crate) fn ask(prompt: &str, option: &str) -> Result<Secret, Failure> {
    match secret::ask(prompt) {
        Err(error @ secret::Error::NoTerminal) => Err(Failure::usage(format!("{error}: give {option}"))),
        answer => Ok(Secret::from(answer?.as_slice())),
    }
}
