//! The lines of an instance to the firmware: a few, which all calls share that are soon done, and as many as
//! are needed for those that take longer, which hold up nobody so.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tw4s_firmware::FirmwareError;
use tw4s_firmware::call::Call;

use super::line::{Line, Lost};

/// They. A firmware that is not there is looked for again with the next call.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    shared: Vec<tokio::sync::Mutex<Option<Arc<Line>>>>,
    next: AtomicUsize,
    /// Of those for long calls, the ones without.
    idle: Mutex<Vec<Arc<Line>>>,
}

/// The line that a call went over, and goes over again for what belongs to it.
#[derive(Debug)]
pub(super) struct Lent {
    line: Arc<Line>,
    /// Among the shared ones; `None` for one that is for long calls.
    place: Option<usize>,
}

impl Lent {
    pub(super) fn line(&self) -> &Line {
        &self.line
    }
}

impl Lines {
    /// With so many that calls share, one at least; none is made yet.
    pub(super) fn new(path: &Path, shared: usize) -> Self {
        let shared = (0..shared.max(1)).map(|_| tokio::sync::Mutex::default()).collect();
        Self { path: path.to_owned(), shared, next: AtomicUsize::new(0), idle: Mutex::default() }
    }

    /// Has a call carried out, whose answer may take long or not.
    pub(super) async fn call<A>(&self, call: Call<A>, long: bool) -> Result<A, FirmwareError> {
        let (answer, lent) = self.call_and_keep(call, long).await?;
        self.give_back(lent);
        answer
    }

    /// The same; gives the line as well. A line may have died with the firmware that it was made to: then the call is made
    /// once more on a new one. None of the calls does harm when it is done twice: the one that would, SIGN, does not come
    /// here.
    pub(super) async fn call_and_keep<A>(
        &self,
        call: Call<A>,
        long: bool,
    ) -> Result<(Result<A, FirmwareError>, Lent), FirmwareError> {
        let (frame, read) = call.into_parts();
        let frame = Arc::new(frame);
        let mut lent = self.lend(long).await?;
        let answer = match lent.line.exchange(Arc::clone(&frame)).await {
            Err(Lost::Broken) => {
                lent = self.lend_another(&lent).await?;
                lent.line.exchange(frame).await
            }
            answer => answer,
        };
        let answer = answer.map_err(lost)?;
        Ok((read(&answer), lent))
    }

    /// Takes a line back.
    pub(super) fn give_back(&self, lent: Lent) {
        let mut idle = self.idle.lock();
        if lent.place.is_none() && !lent.line.is_over() && idle.len() < MAX_IDLE {
            idle.push(lent.line);
        }
    }

    async fn lend(&self, long: bool) -> Result<Lent, FirmwareError> {
        if !long {
            return self.shared_line(self.least_busy(), None).await;
        }
        let idle = {
            let mut idle = self.idle.lock();
            idle.retain(|line| !line.is_over());
            idle.pop()
        };
        match idle {
            Some(line) => Ok(Lent { line, place: None }),
            None => self.connect().await.map(|line| Lent { line, place: None }),
        }
    }

    /// The place among the shared ones that has the fewest calls under way: what was admitted on a line is signed there,
    /// so that taking turns alone would have one thread of the firmware wait while the other has much to do.
    fn least_busy(&self) -> usize {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let places = (0..self.shared.len()).map(|at| first.wrapping_add(at) % self.shared.len());
        let under_way = |at: &usize| {
            let place = self.shared.get(*at).and_then(|place| place.try_lock().ok());
            place.and_then(|line| line.as_ref().map(|line| line.under_way())).unwrap_or(0)
        };
        places.min_by_key(under_way).unwrap_or(0)
    }

    /// In place of one that broke, and may not know it yet. With one, all have broken.
    async fn lend_another(&self, broken: &Lent) -> Result<Lent, FirmwareError> {
        if let Some(place) = broken.place {
            return self.shared_line(place, Some(&broken.line)).await;
        }
        self.idle.lock().clear();
        self.connect().await.map(|line| Lent { line, place: None })
    }

    async fn shared_line(&self, at: usize, broken: Option<&Arc<Line>>) -> Result<Lent, FirmwareError> {
        let is_broken = |line: &Arc<Line>| line.is_over() || broken.is_some_and(|broken| Arc::ptr_eq(line, broken));
        let Some(place) = self.shared.get(at) else { return Err(FirmwareError::Failed) };
        let mut place = place.lock().await;
        let line = match &*place {
            Some(line) if !is_broken(line) => Arc::clone(line),
            _ => Arc::clone(place.insert(self.connect().await?)),
        };
        Ok(Lent { line, place: Some(at) })
    }

    async fn connect(&self) -> Result<Arc<Line>, FirmwareError> {
        let line = Line::connect(&self.path).await;
        line.map(Arc::new).map_err(|error| FirmwareError::NotOperational(format!("its socket: {error}")))
    }
}

/// A call without an answer.
pub(super) fn lost(lost: Lost) -> FirmwareError {
    FirmwareError::NotOperational(format!("its socket: {lost}"))
}

/// Idle lines that are kept; more long calls than this at once make and drop theirs.
const MAX_IDLE: usize = 128;
