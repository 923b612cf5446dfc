//! Stdout.

use std::io::{self, Write};

/// Prints bytes as they are. A reader that has gone away wants no more, which is no failure.
///
/// # Errors
/// The system's.
pub fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Prints a line.
///
/// # Errors
/// The system's.
pub fn line(text: &str) -> io::Result<()> {
    bytes(format!("{text}\n").as_bytes())
}
