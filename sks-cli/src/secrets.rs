//! PINs and PUKs: asked for without echo, or read from a file. Never from the command line, which others can read.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use sks_client::Client;
use sks_wire::Secret;
use sks_wire::method::get_key_protection_info;
use sks_wire::types::{KeyHandle, protection};
use zeroize::Zeroizing;

use crate::args::Common;
use crate::exit::Failure;
use crate::output::file::is_stdin;

/// Longest PIN file in bytes. A PIN or PUK has at most 100; more room lets the token say so.
const MAX: usize = 1024;

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
    let what = if is_stdin(path) { "reading stdin".to_owned() } else { format!("reading {}", path.display()) };
    let opened = match is_stdin(path) {
        // Past the standard library's buffer, which nobody wipes.
        true => io::stdin().as_fd().try_clone_to_owned().map(File::from),
        false => File::open(path),
    };
    let bytes = opened.and_then(bounded).map_err(Failure::doing(what.clone()))?;
    let secret = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    match secret.len() {
        0 => Err(Failure::usage(format!("{what}: it is empty"))),
        length if length > MAX => Err(Failure::usage(format!("{what}: it has over {MAX} bytes"))),
        _ => Ok(Secret::from(secret)),
    }
}

/// The whole content, or a little more than [`MAX`] bytes of it. The buffer never grows, so that it leaves no copy.
fn bounded(mut file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut buffer = Zeroizing::new(vec![0; MAX + 2]);
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

fn ask_twice(what: &str, option: &str) -> Result<Secret, Failure> {
    let first = ask(&format!("New {what}: "), option)?;
    let second = ask(&format!("New {what} again: "), option)?;
    if first == second { Ok(first) } else { Err(Failure::usage(format!("the two {what}s differ"))) }
}

fn ask(prompt: &str, option: &str) -> Result<Secret, Failure> {
    let answer = rpassword::prompt_password(prompt).map(Zeroizing::new);
    let answer = answer.map_err(|_| Failure::usage(format!("there is no terminal to ask at: give {option}")))?;
    if answer.is_empty() {
        return Err(Failure::usage("nothing was entered"));
    }
    Ok(Secret::from(answer.as_bytes()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::Write;

    use super::*;

    fn read_back(content: &[u8]) -> Result<Secret, Failure> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        read(file.path())
    }

    #[test]
    fn one_newline_at_the_end_is_dropped() {
        assert_eq!(read_back(b"1563\n").unwrap().expose(), b"1563");
        assert_eq!(read_back(b"1563").unwrap().expose(), b"1563");
        assert_eq!(read_back(b" 15\n63\n\n").unwrap().expose(), b" 15\n63\n");
    }

    #[test]
    fn empty_and_long_files_are_refused() {
        assert!(read_back(b"\n").is_err());
        assert!(read_back(&[b'1'; MAX]).is_ok());
        assert!(read_back(&[b'1'; MAX + 1]).is_err());
        assert!(read_back(&[b'1'; 5 * MAX]).is_err());
    }
}
