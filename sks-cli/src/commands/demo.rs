//! `sks demo`: the life of a key on a token of its own, told step by step.

use crate::args::Common;
use crate::demo;
use crate::exit::Failure;

/// It has no arguments of its own, and takes no common one: its token is nobody else's.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Tells it.
pub(crate) fn run(common: &Common, _args: Args) -> Result<(), Failure> {
    let files = [&common.socket, &common.pin_file, &common.puk_file, &common.new_pin_file];
    if common.json || files.into_iter().any(Option::is_some) {
        return Err(Failure::usage("sks demo takes no options: its token is its own"));
    }
    demo::run()
}
