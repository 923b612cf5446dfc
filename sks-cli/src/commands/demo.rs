//! `sks demo`: the life of a key on a token of its own, told step by step.

use crate::args::Common;
use crate::demo;
use crate::exit::Failure;

/// It has no arguments of its own, and takes no common one: its token is nobody else's.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Tells it.
pub(crate) fn run(_common: &Common, _args: Args) -> Result<(), Failure> {
    demo::run()
}
