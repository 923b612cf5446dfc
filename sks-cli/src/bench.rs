//! What `sks bench` measures: a running token's calls beside what the machine itself can do, in one run.
//!
//! Machines are shared and noisy, so everything is measured in short slices, turn by turn, and judged by medians and
//! their ratios. A slice of every row comes before the second slice of any.

use std::time::Duration;

use crate::exit::Failure;
use crate::output;

mod case;
mod floor;
mod load;
mod report;
mod sample;
mod scale;

pub(crate) use floor::serve_echo;
pub(crate) use scale::compare as compare_scale;

use case::Bench;
use report::Report;

/// How long, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Of one row.
    pub(crate) slice: Duration,
    /// Slices of each row.
    pub(crate) rounds: u32,
}

/// Measures a token: every row in every round.
pub(crate) fn run(bench: &mut Bench, plan: Plan, json: bool) -> Result<(), Failure> {
    let mut report = Report::default();
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        bench.round(plan.slice, &mut report)?;
    }
    report.print(json)
}

/// Says something that is no result.
fn note(text: &str) -> Result<(), Failure> {
    output::line(text)
}

pub(crate) use case::Bench as Measured;
