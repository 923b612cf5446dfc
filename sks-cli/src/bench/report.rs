//! The table of what was measured, and the ratios that are to be reached.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sample::Samples;
use crate::exit::Failure;
use crate::output;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    Echo,
    Append,
    BareP256,
    BareRsa,
    BareP256Key,
    BareRsaKey,
    BareSession,
    Info,
    SignP256,
    SignRsa,
    Session,
    KeyP256,
    KeyRsa,
    Sample,
    Enumerate,
}

impl Row {
    fn name(self) -> &'static str {
        match self {
            Self::Echo => "floor: echo over a socket",
            Self::Append => "floor: append and fdatasync",
            Self::BareP256 => "floor: P-256 signature",
            Self::BareRsa => "floor: RSA-2048 signature",
            Self::BareP256Key => "floor: P-256 key generation",
            Self::BareRsaKey => "floor: RSA-2048 key generation",
            Self::BareSession => "floor: cryptography of a sample session",
            Self::Info => "device information",
            Self::SignP256 => "signature, P-256, with PIN",
            Self::SignRsa => "signature, RSA-2048, with PIN",
            Self::Session => "provisioning session, created and aborted",
            Self::KeyP256 => "key pair, P-256",
            Self::KeyRsa => "key pair, RSA-2048",
            Self::Sample => "sample session (six calls)",
            Self::Enumerate => "enumeration, one key",
        }
    }
}

/// What was measured so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    rows: BTreeMap<(Row, usize), Samples>,
}

/// A ratio with its target.
struct Ratio {
    name: &'static str,
    value: f64,
    target: f64,
    /// Whether a higher value is better.
    at_least: bool,
}

impl Ratio {
    fn reached(&self) -> bool {
        if self.at_least { self.value >= self.target } else { self.value <= self.target }
    }
}

impl Report {
    /// Adds a slice.
    pub(super) fn add(&mut self, row: Row, clients: usize, samples: Samples) {
        self.rows.entry((row, clients)).or_default().join(samples);
    }

    /// The median latency in microseconds.
    fn median(&mut self, row: Row) -> f64 {
        self.rows.get_mut(&(row, 1)).map_or(f64::NAN, |samples| samples.quantile(0.5))
    }

    fn rate(&self, row: Row, clients: usize) -> f64 {
        self.rows.get(&(row, clients)).map_or(f64::NAN, Samples::rate)
    }

    fn ratios(&mut self) -> Vec<Ratio> {
        let (echo, append) = (self.median(Row::Echo), self.median(Row::Append));
        let p256 = self.median(Row::SignP256) / (echo + self.median(Row::BareP256));
        let key = self.median(Row::KeyP256) / (self.median(Row::BareP256Key) + append + echo);
        let sample = self.median(Row::Sample) / (6.0 * append + 6.0 * echo + self.median(Row::BareSession));
        let two = |row| self.rate(row, 2) / self.rate(row, 1);
        let ratio = |name, value, target, at_least| Ratio { name, value, target, at_least };
        vec![
            ratio("signature P-256 / (echo + bare signature)", p256, 1.6, false),
            ratio("signatures P-256: 2 clients / 1 client", two(Row::SignP256), 1.7, true),
            ratio("signatures RSA-2048: 2 clients / 1 client", two(Row::SignRsa), 1.7, true),
            ratio("key pair P-256 / (bare key + append + echo)", key, 3.0, false),
            ratio("sample session / (6 appends + 6 echoes + cryptography)", sample, 1.8, false),
        ]
    }

    /// Prints the table and the ratios.
    pub(super) fn print(&mut self, json: bool) -> Result<(), Failure> {
        let ratios = self.ratios();
        if json {
            return output::json(&self.json(&ratios));
        }
        output::line(&format!("\n{:<44}{:>8}{:>12}{:>12}{:>12}", "", "clients", "ops/s", "p50 us", "p99 us"))?;
        for ((row, clients), samples) in &mut self.rows {
            let (p50, p99, rate) = (samples.quantile(0.5), samples.quantile(0.99), samples.rate());
            output::line(&format!("{:<44}{clients:>8}{rate:>12.0}{p50:>12.1}{p99:>12.1}", row.name()))?;
        }
        output::line(&format!("\n{:<58}{:>9}{:>12}", "ratios of medians", "measured", "to reach"))?;
        for ratio in &ratios {
            let bound = if ratio.at_least { "at least" } else { "at most" };
            let mark = if ratio.reached() { "" } else { "  not reached" };
            output::line(&format!("{:<58}{:>9.2} {bound:>8} {:.1}{mark}", ratio.name, ratio.value, ratio.target))?;
        }
        Ok(())
    }

    fn json(&mut self, ratios: &[Ratio]) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter_mut()
            .map(|((row, clients), samples)| {
                json!({
                    "row": row.name(), "clients": clients, "ops_per_second": samples.rate(),
                    "p50_us": samples.quantile(0.5), "p99_us": samples.quantile(0.99),
                })
            })
            .collect();
        let ratios: Vec<Value> = ratios
            .iter()
            .map(|r| json!({ "ratio": r.name, "measured": r.value, "to_reach": r.target, "reached": r.reached() }))
            .collect();
        json!({ "rows": rows, "ratios": ratios })
    }
}
