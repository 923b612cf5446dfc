//! Clients that call as fast as they are answered.

use std::thread;
use std::time::{Duration, Instant};

use super::sample::Samples;
use crate::exit::Failure;

/// One client's call: does it once and says how long it took, which may leave out what the client does itself.
pub(super) type Call<'a> = Box<dyn FnMut() -> Result<Duration, Failure> + Send + 'a>;

/// Times a call from outside.
pub(super) fn timed<'a>(mut call: impl FnMut() -> Result<(), Failure> + Send + 'a) -> Call<'a> {
    Box::new(move || {
        let began = Instant::now();
        call()?;
        Ok(began.elapsed())
    })
}

/// Lets each client call for `slice`, all at once. A call that is under way at the end is finished and counted.
pub(super) fn run(clients: Vec<Call<'_>>, slice: Duration) -> Result<Samples, Failure> {
    let began = Instant::now();
    let results: Vec<Result<Samples, Failure>> = thread::scope(|scope| {
        let threads: Vec<_> = clients.into_iter().map(|call| scope.spawn(move || one(call, slice))).collect();
        let gone = || Err(Failure::text("a client of the benchmark panicked"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| gone())).collect()
    });
    let elapsed = began.elapsed();
    let mut all = Samples::default();
    for samples in results {
        all.join(samples?);
    }
    all.took(elapsed);
    Ok(all)
}

fn one(mut call: Call<'_>, slice: Duration) -> Result<Samples, Failure> {
    let mut samples = Samples::default();
    let began = Instant::now();
    while began.elapsed() < slice {
        samples.push(call()?);
    }
    Ok(samples)
}
