//! The table of what was measured, and the ratios that are to be reached.

use std::collections::BTreeMap;

use super::bare::{MOST, threads};
use super::sample::Samples;
use super::signing::Kind;
use crate::exit::{Failure, print};

/// A row of the table; the number is the hashes in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    /// An append and fdatasync.
    Append,
    /// The crypto path.
    Bare(Kind, usize),
    /// The operation.
    Signing(Kind, usize),
}

impl Row {
    fn name(self) -> String {
        match self {
            Self::Append => "floor: append and fdatasync".to_owned(),
            Self::Bare(kind, batch) => format!("floor: bare crypto path, {}, batch {batch}", kind.name()),
            Self::Signing(kind, batch) => format!("Signing, {}, batch {batch}", kind.name()),
        }
    }
}

/// What was measured so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    rows: BTreeMap<(Row, usize), Samples>,
}

impl Report {
    /// Adds a slice.
    pub(super) fn add(&mut self, row: Row, clients: usize, samples: Samples) {
        self.rows.entry((row, clients)).or_default().join(samples);
    }

    fn rate(&self, row: Row, clients: usize) -> f64 {
        self.rows.get(&(row, clients)).map_or(f64::NAN, Samples::rate)
    }

    /// Prints the table and the ratios.
    pub(super) fn print(&mut self) -> Result<(), Failure> {
        print(&format!(
            "\n{:<40}{:>8}{:>10}{:>10}{:>12}{:>12}{:>14}{:>30}\n",
            "", "clients", "ops/s", "hashes/s", "p50 us", "p99 us", "computed us", "by client, service, firmware"
        ))?;
        for ((row, clients), samples) in &mut self.rows {
            let (p50, p99, rate) = (samples.percentile(50), samples.percentile(99), samples.rate());
            let computed = samples.computed();
            let hashes = match row {
                Row::Append => String::new(),
                Row::Bare(_, batch) | Row::Signing(_, batch) => {
                    format!("{:.0}", rate * f64::from(u32::try_from(*batch).unwrap_or(u32::MAX)))
                }
            };
            let by = match row {
                Row::Signing(..) => {
                    let [client, service, firmware] = samples.computed_by();
                    format!("{client:.0} + {service:.0} + {firmware:.0}")
                }
                Row::Append | Row::Bare(..) => String::new(),
            };
            print(&format!(
                "{:<40}{clients:>8}{rate:>10.0}{hashes:>10}{p50:>12.1}{p99:>12.1}{computed:>14.1}{by:>30}\n",
                row.name()
            ))?;
        }
        print(&format!("\n{:<66}{:>9}{:>14}\n", "ratios", "measured", "to reach"))?;
        for (name, value, target) in self.ratios() {
            let mark = if value >= target { "" } else { "  not reached" };
            print(&format!("{name:<66}{value:>9.2}  at least {target:.1}{mark}\n"))?;
        }
        Ok(())
    }

    /// Name, value and target.
    fn ratios(&self) -> [(&'static str, f64, f64); 5] {
        let bare = |row| threads().map(|threads| self.rate(row, threads)).into_iter().fold(f64::NAN, f64::max);
        let to_bare = |kind, batch| self.rate(Row::Signing(kind, batch), MOST) / bare(Row::Bare(kind, batch));
        let computed = |row, clients| self.rows.get(&(row, clients)).map_or(f64::NAN, Samples::computed);
        let share = computed(Row::Bare(Kind::P256, 1), MOST) / computed(Row::Signing(Kind::P256, 1), MOST);
        // An intent and a result each.
        let commits = 2.0 * self.rate(Row::Signing(Kind::P256, 1), MOST) / self.rate(Row::Append, 1);
        [
            ("P-256, 64 clients, batch 1 / bare crypto path, all cores", to_bare(Kind::P256, 1), 0.6),
            ("the same by computing time: bare / all processes", share, 0.6),
            ("P-256, 64 clients, batch 100 / bare crypto path, all cores", to_bare(Kind::P256, 100), 0.6),
            ("RSA-2048, 64 clients, batch 100 / bare crypto path, all cores", to_bare(Kind::Rsa2048, 100), 0.6),
            ("P-256, 64 clients, batch 1: durable commits / single appends", commits, 1.0),
        ]
    }
}
