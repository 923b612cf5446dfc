//! `sks info`.

use crate::args::Common;
use crate::exit::Failure;

/// Its own arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Runs it.
pub(crate) fn run(_common: &Common, _args: Args) -> Result<(), Failure> {
    Err(Failure::Other("this command is not written yet".into()))
}
