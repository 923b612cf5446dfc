//! `sks bench`: what a token achieves beside what the machine can do.

use std::path::PathBuf;
use std::time::Duration;

use crate::args::Common;
use crate::bench::{self, Measured, Plan};
use crate::exit::Failure;
use crate::temporary::Token;

/// Its own arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Start a token on a temporary store and measure that, not the running one
    #[arg(long)]
    own: bool,
    /// Milliseconds of each row in each round
    #[arg(long, default_value_t = 300)]
    slice_ms: u64,
    /// Rounds; each has a slice of every row
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// A folder on the file system of the token's store, for the bare append [default: the temporary folder]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Compare tokens of 10 and of this many keys instead, each on a temporary store
    #[arg(long, value_name = "KEYS")]
    scale: Option<u32>,
    /// Send back what comes on this socket: the benchmark's own floor
    #[arg(long, value_name = "PATH", hide = true)]
    echo: Option<PathBuf>,
}

/// Runs it.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    let plan = Plan { slice: Duration::from_millis(args.slice_ms), rounds: args.rounds };
    if let Some(socket) = args.echo {
        return bench::serve_echo(&socket);
    }
    if let Some(keys) = args.scale {
        return bench::compare_scale(keys, plan);
    }
    let own = if args.own { Some(Token::start()?) } else { None };
    let (socket, folder) = match &own {
        Some(token) => (token.socket(), token.folder()),
        None => {
            let paths = sks_client::paths::resolve(None, common.socket.as_deref());
            (paths.socket, args.folder.unwrap_or_else(std::env::temp_dir))
        }
    };
    let mut measured = Measured::prepare(socket, folder)?;
    let result = bench::run(&mut measured, plan, common.json);
    measured.clean()?;
    if let Some(token) = own {
        token.stop()?;
    }
    result
}
