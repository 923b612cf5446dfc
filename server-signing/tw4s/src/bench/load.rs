//! Clients that call as fast as they are answered.

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::sample::Samples;
use crate::exit::Failure;

/// A client: does its next operation, and says whether there was one.
pub(super) trait Client: Send {
    /// Does it.
    fn next(&mut self) -> Result<bool, Failure>;
}

/// Lets all clients work at once until each has done its part. What the named processes compute meanwhile counts as well.
pub(super) fn run<C: Client>(clients: &mut [C], processes: &[String]) -> Result<Samples, Failure> {
    let computed = || processes.iter().map(String::as_str).chain(["self"]).map(processor_time).sum::<Duration>();
    let before = computed();
    let barrier = Barrier::new(clients.len() + 1);
    let (results, elapsed) = thread::scope(|scope| {
        let barrier = &barrier;
        let threads: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || one(client, barrier))).collect();
        barrier.wait();
        let began = Instant::now();
        let gone = || Err(Failure::text("a client of the benchmark panicked"));
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| gone())).collect();
        (results, began.elapsed())
    });
    let mut all = Samples::default();
    for samples in results {
        all.join(samples?);
    }
    all.took(elapsed, computed().saturating_sub(before));
    Ok(all)
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
