//! The command line. Each command's own arguments are declared in its own file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use sks_client::{Client, paths};

use crate::exit::Failure;
use crate::{commands, serve};

/// A virtual Secure Key Store: a token whose keys are provisioned and managed by their issuers.
#[derive(Debug, Parser)]
#[command(name = "sks", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command that talks to a token. No secret is ever taken from the command line itself.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// The token's socket [default: $SKS_SOCKET, else where XDG says]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Read the PIN from a file; - is stdin [default: ask, without echo]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
    /// Read the PUK from a file; - is stdin [default: ask, without echo]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) puk_file: Option<PathBuf>,
    /// Read the new PIN from a file; - is stdin [default: ask twice, without echo]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) new_pin_file: Option<PathBuf>,
}

impl Common {
    /// A connection to the token that the options, or the defaults, name.
    pub(crate) fn connect(&self) -> Result<Client, Failure> {
        let paths = paths::resolve(None, self.socket.as_deref());
        Ok(Client::connect(&paths.socket)?)
    }
}

/// One variant per command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the token: a daemon on a socket, with its keys in a sealed store
    Serve(serve::Args),
    /// Play a whole life of a key on a token of its own, step by step
    Demo(commands::demo::Args),
    /// Measure a running token beside what the machine can do
    Bench(commands::bench::Args),
    /// Show what the token is and what it supports
    Info(commands::info::Args),
    /// List the provisioning sessions
    Sessions(commands::sessions::Args),
    /// List the keys
    Keys(commands::keys::Args),
    /// Show everything about a key
    Key(commands::key::Args),
    /// Sign with a key
    Sign(commands::sign::Args),
    /// Decrypt with a key
    Decrypt(commands::decrypt::Args),
    /// Unlock a key that wrong PINs have locked, with its PUK
    Unlock(commands::unlock::Args),
    /// Change the PIN of a key
    ChangePin(commands::change_pin::Args),
    /// Delete a key
    Delete(commands::delete::Args),
    /// Export a private or symmetric key
    Export(commands::export::Args),
    /// Abort an open provisioning session
    Abort(commands::abort::Args),
    /// Get a key and a certificate from an emulated local issuer
    Enroll(commands::enroll::Args),
    /// Show where the PKCS#11 module is and how ssh, openssl, browsers and Java are told of it
    Pkcs11(commands::pkcs11::Args),
    /// Send method bytes in hexadecimal, and show the answer's
    Raw(commands::raw::Args),
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 the token refused, 2 wrong usage, 3 no token there, 4 other failure.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
