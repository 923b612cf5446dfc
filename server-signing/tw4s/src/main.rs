//! The `tw4s` command: the management of the server-signing half, and the processes that it starts.
//!
//! Source: shared/spec/server-signing.md 1.8 (the guide's chapter 7.7). [`args`] has the command line, [`console`] the
//! lines of the table byte for byte, [`exit`] the exit codes, [`home`] the places; [`manage`] is what an administrator
//! calls, [`service`] and [`firmware`] are the processes that it starts.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "this binary's user interface is the terminal")]

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

mod anchor;
mod args;
mod bench;
mod checksum;
mod console;
mod control;
mod demo;
mod exit;
mod firmware;
mod home;
mod instance;
mod launch;
mod listen;
mod logon;
mod manage;
mod moment;
mod parties;
mod peer;
mod process;
mod rows;
mod service;
mod stopped;
mod temporary;

use std::process::ExitCode;

use crate::args::{Cli, Command};
use crate::exit::Failure;

fn main() -> ExitCode {
    // Whatever is made is its owner's alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let Cli { common, command } = args::parse(std::env::args_os());
    exit::report(run(&common, command), common.verbose)
}

fn run(common: &args::Common, command: Command) -> Result<(), Failure> {
    match command {
        Command::ManageSam { operation } => manage::sam::run(common, &operation),
        Command::ManageFw { operation } => manage::fw::run(common, &operation),
        Command::Audit { operation } => manage::audit::run(common, &operation),
        Command::ChecksumSam => manage::checksum::run(common),
        Command::Demo => demo::run(),
        Command::Bench(args) => bench::run(args),
        Command::ServeFirmware { require_memlock } => firmware::serve::run(common, require_memlock),
        Command::ServeSam { instance_id } => service::run(common, &instance_id),
    }
}
