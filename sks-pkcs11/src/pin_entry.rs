//! PINs asked for by the system's pinentry program, where the issuer wants a trusted GUI (InputMethod trusted-gui).
//!
//! Source: the Assuan protocol (GnuPG), "Client requests". The program is found as `pinentry` in PATH.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use cryptoki_sys::{CKR_FUNCTION_CANCELED, CKR_FUNCTION_FAILED};
use sks_wire::Secret;
use zeroize::Zeroizing;

use crate::error::{Result, Rv};
use crate::object::Key;

/// Longest line of the protocol in bytes.
const LINE: usize = 1000;

/// Asks for `what`, for keys that share it.
pub(crate) fn ask(what: &str, keys: &[Arc<Key>]) -> Result<Secret> {
    let name = keys.first().map_or("", |key| key.label.as_str());
    match dialogue(what, name) {
        Ok(Some(pin)) => Ok(pin),
        Ok(None) => Rv::err(CKR_FUNCTION_CANCELED),
        Err(_) => Rv::err(CKR_FUNCTION_FAILED),
    }
}

/// The dialogue; none when it was cancelled.
fn dialogue(what: &str, name: &str) -> io::Result<Option<Secret>> {
    let mut command = Command::new("pinentry");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let result = match (child.stdin.take(), child.stdout.take()) {
        (Some(input), Some(output)) => talk(input, BufReader::with_capacity(LINE, output), what, name),
        _ => Err(io::ErrorKind::BrokenPipe.into()),
    };
    end(&mut child);
    result
}

fn end(child: &mut Child) {
    // Closing its input has ended it already; a program that stays is not waited for.
    let _ = child.kill();
    let _ = child.wait();
}

fn talk(
    mut input: ChildStdin,
    mut output: BufReader<ChildStdout>,
    what: &str,
    name: &str,
) -> io::Result<Option<Secret>> {
    answer(&mut output)?;
    if let Some(terminal) = std::env::var_os("GPG_TTY").and_then(|name| name.into_string().ok()) {
        say(&mut input, &format!("OPTION ttyname={}", escaped(&terminal)))?;
        answer(&mut output)?;
    }
    for line in [
        format!("SETDESC {}", escaped(&format!("Please enter the {what} of the key \"{name}\""))),
        format!("SETPROMPT {}", escaped(&format!("{what}:"))),
    ] {
        say(&mut input, &line)?;
        answer(&mut output)?;
    }
    say(&mut input, "GETPIN")?;
    answer(&mut output)
}

fn say(input: &mut ChildStdin, line: &str) -> io::Result<()> {
    input.write_all(format!("{line}\n").as_bytes())?;
    input.flush()
}

/// Reads lines up to OK or ERR: the data that came, if it is OK.
fn answer(output: &mut impl BufRead) -> io::Result<Option<Secret>> {
    let mut data = Zeroizing::new(Vec::with_capacity(LINE));
    loop {
        let mut line = Zeroizing::new(Vec::with_capacity(2 * LINE));
        io::Read::take(&mut *output, 2 * LINE as u64).read_until(b'\n', &mut line)?;
        let text = line.strip_suffix(b"\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        if let Some(more) = text.strip_prefix(b"D ") {
            unescape(more, &mut data);
        } else if text == b"OK" || text.starts_with(b"OK ") {
            return Ok(Some(Secret::from(data.as_slice())));
        } else if text.starts_with(b"ERR ") {
            return Ok(None);
        }
    }
}

/// Percent, line feed and other controls as %XX.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '%' | '\0'..='\x1F' => format!("%{:02X}", u32::from(c)).chars().collect::<Vec<_>>(),
            other => vec![other],
        })
        .collect()
}

fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let decoded = (*first == b'%').then(|| after.get(..2)).flatten();
        let decoded = decoded.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        out.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_pin_comes_with_its_escapes_undone() {
        let mut lines: &[u8] = b"# a comment\nD 12%2534\nOK\n";
        assert_eq!(answer(&mut lines).unwrap().unwrap().expose(), b"12%34");
    }

    #[test]
    fn a_cancelled_dialogue_gives_none() {
        let mut lines: &[u8] = b"ERR 83886179 Operation cancelled <Pinentry>\n";
        assert!(answer(&mut lines).unwrap().is_none());
        assert!(answer(&mut lines).is_err());
    }
}
