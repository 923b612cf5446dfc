//! Latencies and computing time of one row, and what is made of them.

use std::time::Duration;

/// Measured latencies, in nanoseconds, the time in which they were measured, and what was computed in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    latencies: Vec<u64>,
    elapsed: Duration,
    computed: Computed,
}

/// Processor time: of the benchmark itself, which makes the calls, and of the two processes behind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Computed {
    pub(super) client: Duration,
    pub(super) service: Duration,
    pub(super) firmware: Duration,
}

impl Computed {
    /// What was computed since `before`.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            client: self.client.saturating_sub(before.client),
            service: self.service.saturating_sub(before.service),
            firmware: self.firmware.saturating_sub(before.firmware),
        }
    }
}

impl Samples {
    /// One operation.
    pub(super) fn push(&mut self, latency: Duration) {
        self.latencies.push(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The time that all operations so far took, side by side, and what all cores together computed in it.
    pub(super) fn took(&mut self, elapsed: Duration, computed: Computed) {
        self.elapsed += elapsed;
        self.add(computed);
    }

    /// Computing time of one operation, in microseconds. Unlike a rate it does not depend on who else computes.
    pub(super) fn computed(&self) -> f64 {
        self.computed_by().iter().sum()
    }

    /// The same, by client, service and firmware.
    pub(super) fn computed_by(&self) -> [f64; 3] {
        let count = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX);
        let Computed { client, service, firmware } = self.computed;
        [client, service, firmware].map(|time| time.as_secs_f64() * 1e6 / f64::from(count.max(1)))
    }

    fn add(&mut self, more: Computed) {
        self.computed.client += more.client;
        self.computed.service += more.service;
        self.computed.firmware += more.firmware;
    }

    /// Takes another client's, or another slice's, operations along.
    pub(super) fn join(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.elapsed += other.elapsed;
        self.add(other.computed);
    }

    /// Operations a second.
    pub(super) fn rate(&self) -> f64 {
        let count = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX);
        f64::from(count) / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// The latency that `percent` of all operations stay under, in microseconds.
    pub(super) fn percentile(&mut self, percent: usize) -> f64 {
        self.latencies.sort_unstable();
        let index = self.latencies.len().saturating_sub(1) * percent / 100;
        let nanoseconds = self.latencies.get(index).copied().unwrap_or(0);
        Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_latencies() {
        let mut samples = Samples::default();
        (1..=101).rev().for_each(|n| samples.push(Duration::from_micros(n)));
        let [client, service, firmware] = [101, 202, 303].map(Duration::from_micros);
        samples.took(Duration::from_secs(2), Computed { client, service, firmware });
        assert!((samples.percentile(50) - 51.0).abs() < 1e-6);
        assert!((samples.percentile(99) - 100.0).abs() < 1e-6);
        assert!((samples.rate() - 50.5).abs() < 1e-6);
        assert!((samples.computed() - 6.0).abs() < 1e-6);
        assert!((samples.computed_by()[2] - 3.0).abs() < 1e-6);
    }
}
