//! Clients that call as fast as they are answered.

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::sample::{Computed, Samples};
use crate::exit::Failure;

/// A client: does its next operation, and says whether there was one.
pub(super) trait Client: Send {
    /// Does it.
    fn next(&mut self) -> Result<bool, Failure>;
}

/// The processes behind the clients, by number, if there are any.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Processes {
    pub(super) service: Option<u32>,
    pub(super) firmware: Option<u32>,
}

impl Processes {
    fn computed(&self) -> Computed {
        let of = |process: Option<u32>| process.map_or(Duration::ZERO, |number| processor_time(&number.to_string()));
        Computed { client: processor_time("self"), service: of(self.service), firmware: of(self.firmware) }
    }
}

/// Measures what `work` does, with all that is computed for it.
pub(super) fn measure(
    processes: Processes,
    work: impl FnOnce() -> Result<Samples, Failure>,
) -> Result<Samples, Failure> {
    let (began, before) = (Instant::now(), processes.computed());
    let mut samples = work()?;
    samples.took(began.elapsed(), processes.computed().since(before));
    Ok(samples)
}

/// Lets all clients work at once, a thread each, until each has done its part.
pub(super) fn run<C: Client>(clients: &mut [C]) -> Result<Samples, Failure> {
    let barrier = Barrier::new(clients.len() + 1);
    thread::scope(|scope| {
        let barrier = &barrier;
        let threads: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || one(client, barrier))).collect();
        measure(Processes::default(), || {
            barrier.wait();
            let gone = || Err(Failure::text("a client of the benchmark panicked"));
            let mut all = Samples::default();
            for thread in threads {
                all.join(thread.join().unwrap_or_else(|_| gone())?);
            }
            Ok(all)
        })
    })
}

fn one(client: &mut impl Client, barrier: &Barrier) -> Result<Samples, Failure> {
    let mut samples = Samples::default();
    barrier.wait();
    loop {
        let began = Instant::now();
        if !client.next()? {
            return Ok(samples);
        }
        samples.push(began.elapsed());
    }
}

/// A client that repeats something for a time.
pub(super) struct Repeated<F> {
    work: F,
    slice: Duration,
    began: Option<Instant>,
}

impl<F: FnMut() -> Result<(), Failure> + Send> Repeated<F> {
    /// For `slice` from its first operation on.
    pub(super) fn new(slice: Duration, work: F) -> Self {
        Self { work, slice, began: None }
    }
}

impl<F: FnMut() -> Result<(), Failure> + Send> Client for Repeated<F> {
    fn next(&mut self) -> Result<bool, Failure> {
        if self.began.get_or_insert_with(Instant::now).elapsed() > self.slice {
            return Ok(false);
        }
        (self.work)().map(|()| true)
    }
}

/// How long a process has computed, by proc(5), in steps of 10 ms; nothing where that cannot be read.
fn processor_time(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind the name, which may have spaces: utime and stime are fields 14 and 15 of all.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks.saturating_mul(10))
}
