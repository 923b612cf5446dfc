//! The `sks` command: the token's daemon, the demo, and the commands of a user.
//!
//! [`args`] has the command line, [`exit`] the exit codes; `serve` is the daemon, with [`listen`] for its socket and
//! [`identity`] for the device's certificates; everything else in [`commands`] is a client of a running daemon.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "this binary's user interface is the terminal")]

mod args;
mod bench;
mod commands;
mod demo;
mod exit;
mod identity;
mod listen;
mod output;
mod secrets;
mod serve;
mod temporary;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::exit::Failure;

fn main() -> ExitCode {
    let Cli { common, command } = Cli::parse();
    exit::report(run(&common, command), common.json)
}

fn run(common: &args::Common, command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(common, args),
        Command::Demo(args) => commands::demo::run(common, args),
        Command::Bench(args) => commands::bench::run(common, args),
        Command::Info(args) => commands::info::run(common, args),
        Command::Sessions(args) => commands::sessions::run(common, args),
        Command::Keys(args) => commands::keys::run(common, args),
        Command::Key(args) => commands::key::run(common, args),
        Command::Sign(args) => commands::sign::run(common, args),
        Command::Decrypt(args) => commands::decrypt::run(common, args),
        Command::Unlock(args) => commands::unlock::run(common, args),
        Command::ChangePin(args) => commands::change_pin::run(common, args),
        Command::Delete(args) => commands::delete::run(common, args),
        Command::Export(args) => commands::export::run(common, args),
        Command::Abort(args) => commands::abort::run(common, args),
        Command::Enroll(args) => commands::enroll::run(common, args),
        Command::Pkcs11(args) => commands::pkcs11::run(common, args),
        Command::Raw(args) => commands::raw::run(common, args),
    }
}
