//! What `tw4s bench` measures: whole Signing operations, with audit and consume-once on, through the module's and the
//! firmware's processes; beside them, in the same run, the bare crypto path and a bare durable write.
//!
//! Machines are shared and noisy, so everything is measured in slices, turn by turn, and judged by ratios. A slice of
//! every row comes before the second slice of any. All SADs of a slice are made before its clock starts, and all
//! answers are looked at after it has stopped.

mod bare;
mod load;
mod report;
mod sample;
mod signing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::exit::Failure;

use bare::Bare;
use report::{Report, Row};
use signing::{Bench, Kind};

/// Its arguments.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Args {
    /// Milliseconds of each row in each round, at the bare path's rate
    #[arg(long, default_value_t = 500)]
    slice_ms: u64,
    /// Rounds; each has a slice of every row
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Signing with keys of this kind alone
    #[arg(long)]
    kind: Option<Kind>,
    /// Signing with so many hashes alone
    #[arg(long)]
    batch: Option<usize>,
    /// Signing for so many clients alone
    #[arg(long)]
    clients: Option<usize>,
}

/// Clients at once.
const CLIENTS: [usize; 3] = [1, 8, bare::MOST];
/// Hashes in a SAD.
const BATCHES: [usize; 2] = [1, 100];

/// Runs it.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let slice = Duration::from_millis(args.slice_ms);
    // An interrupt ends the benchmark before its next slice, so that the processes are stopped and all is removed.
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    let bench = Bench::prepare()?;
    let bare = Bare::prepare(bench.folder())?;
    let mut report = Report::default();
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        report.add(Row::Append, 1, bare.appends(slice)?);
        for kind in chosen(args.kind, &Kind::ALL) {
            for batch in chosen(args.batch, &BATCHES) {
                let mut rate = 0.0;
                for threads in bare::threads() {
                    let floor = bare.path(kind, batch, threads, slice)?;
                    rate = floor.rate().max(rate);
                    report.add(Row::Bare(kind, batch), threads, floor);
                }
                for clients in chosen(args.clients, &CLIENTS) {
                    if interrupted.load(Ordering::Relaxed) {
                        return Err(Failure::text("interrupted"));
                    }
                    report.add(
                        Row::Signing(kind, batch),
                        clients,
                        bench.slice(kind, batch, clients, count(rate, slice))?,
                    );
                }
            }
        }
    }
    bench.stop()?;
    report.print()
}

/// The one that was asked for, or all.
fn chosen<T: Copy>(one: Option<T>, all: &[T]) -> Vec<T> {
    one.map_or_else(|| all.to_vec(), |one| vec![one])
}

/// As many operations as the bare path does in a slice.
fn count(rate: f64, slice: Duration) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // Some thousands.
    let count = (rate * slice.as_secs_f64()) as usize;
    count
}
