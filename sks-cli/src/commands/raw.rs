//! `sks raw`: method bytes in hexadecimal, and the answer's.
//!
//! All calls are sent, whatever the answers; the exit code then tells of the first that was refused.

use std::io::{self, BufRead, Write};

use serde_json::json;
use sks_client::Client;
use sks_wire::Refused;
use zeroize::Zeroizing;

use crate::args::Common;
use crate::exit::{Failure, refusal};

/// Its own arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A call: its method's number and arguments, in hexadecimal [default: from stdin, one a line]
    ///
    /// Others can read a command line: give calls with a PIN or PUK by stdin. Spaces within a call, and lines without
    /// any digits, are skipped.
    #[arg(value_name = "HEX")]
    calls: Vec<String>,
}

/// Runs it.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    let mut session = Session { client: common.connect()?, json: common.json, refused: None };
    if args.calls.is_empty() {
        session.call_lines(io::stdin().lock())?;
    } else {
        for (call, number) in args.calls.iter().zip(1..) {
            session.call(call.as_bytes(), || format!("argument {number}"))?;
        }
    }
    session.refused.map_or(Ok(()), |refused| Err(refused.into()))
}

struct Session {
    client: Client,
    json: bool,
    /// The first refusal.
    refused: Option<Refused>,
}

impl Session {
    fn call_lines(&mut self, mut input: impl BufRead) -> Result<(), Failure> {
        let mut line = Zeroizing::new(Vec::new());
        for number in 1.. {
            line.clear();
            if input.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if !line.trim_ascii().is_empty() {
                self.call(&line, || format!("line {number}"))?;
            }
        }
        Ok(())
    }

    /// Sends one call and shows its answer, at once, for those who wait for it before they go on.
    fn call(&mut self, text: &[u8], place: impl Fn() -> String) -> Result<(), Failure> {
        let digits: Zeroizing<Vec<u8>> =
            Zeroizing::new(text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect());
        // The decoder's own error would show a digit, of what may be a PIN.
        let call = hex::decode(&*digits).map(Zeroizing::new);
        let call = call.map_err(|_| Failure::usage(format!("{}: not hexadecimal, two digits a byte", place())))?;
        let answer = self.client.call_raw(&call)?;
        self.refused = self.refused.take().or_else(|| refusal(&answer));
        let response = Zeroizing::new(hex::encode(&*answer));
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json!({ "status": answer.first(), "response": *response }))?;
        } else {
            writeln!(out, "{}", *response)?;
        }
        Ok(out.flush()?)
    }
}
