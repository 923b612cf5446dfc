//! A session: from the first commit after an open to the close, the time in which there is a redo
//! log. After a cut or a kill the next open goes on with it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread::{self, JoinHandle},
};

use crate::{
    Error,
    commit::Commits,
    engine::{Store, apply_in_pieces, contained},
    layout,
    log::{Log, Mark, recovery::Unfinished},
    record,
    write_set::WriteSet,
};

/// What a session works on.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) dir: PathBuf,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) commits: Arc<Commits>,
    /// How long a file of the log may become, in bytes.
    pub(crate) log_bytes: u64,
}

/// A session. One thread at a time has it: the one that writes a batch, or closes the store.
pub(crate) struct Session {
    parts: Parts,
    id: u64,
    log: Log,
    applier: Applier,
}

impl Session {
    /// Begins one, after so many batches.
    pub(crate) fn begin(parts: &Parts, batches: u64) -> Result<Self, Error> {
        let Parts { dir, store, .. } = parts;
        layout::raise_format(dir)?;
        let id = getrandom::u64().map_err(|error| Error::io("draw an id for the redo log of", dir)(error.into()))?;
        // The log first: an engine that expects one which is not there has lost it.
        let log = Log::create(dir, id, batches)?;
        let mark = Mark { id, batches, is_open: true }.encode();
        store.apply(&[(record::LOG_KEY, Some(&mark))])?;
        let applier = Applier::start(parts)?;
        Ok(Self { parts: parts.clone(), id, log, applier })
    }

    /// Goes on with one, after so many batches.
    pub(crate) fn resume(parts: &Parts, found: Unfinished, batches: u64) -> Result<Self, Error> {
        let Unfinished { id, log, layers, frozen_to } = found;
        let layer = Arc::clone(&layers.frozen);
        parts.commits.restore(layers);
        let mut applier = Applier::start(parts)?;
        if !layer.is_empty() {
            // A cut or a kill came while it was brought in.
            let mark = Mark { id, batches, is_open: true };
            applier.apply(Job { layer, last: frozen_to, mark })?;
        }
        Ok(Self { parts: parts.clone(), id, log, applier })
    }

    /// Makes a batch durable.
    pub(crate) fn write(&mut self, number: u64, batch: &WriteSet) -> Result<(), Error> {
        let frame = self.log.encode(number, batch);
        let limit = self.parts.log_bytes;
        let end = self.log.end() + frame.len() as u64;
        // Up to twice as long rather than wait for the engine.
        let is_full = end > limit && self.applier.is_idle(end > limit.saturating_mul(2))?;
        if !is_full {
            return self.log.append(frame);
        }
        let layer = self.parts.commits.freeze();
        self.log.switch(limit)?;
        self.log.append(frame)?;
        // After the append: with the layer, the engine learns that the log goes on to this batch.
        let mark = Mark { id: self.id, batches: number, is_open: true };
        self.applier.apply(Job { layer, last: number - 1, mark })
    }

    /// Brings everything into the engine and removes the log. Nothing is in flight, and nobody
    /// reads any more.
    pub(crate) fn close(mut self, batches: u64) -> Result<(), Error> {
        self.applier.is_idle(true)?;
        let count = batches.to_be_bytes();
        let mark = Mark { id: self.id, batches, is_open: false }.encode();
        let end = [(record::COUNT_KEY, Some(&count[..])), (record::LOG_KEY, Some(&mark[..]))];
        apply_in_pieces(&*self.parts.store, &self.parts.commits.layers().active, &end)?;
        self.log.remove(&self.parts.dir)
    }
}

/// The thread that brings a frozen layer into the engine.
struct Applier {
    /// `None` once it is to end.
    jobs: Option<SyncSender<Job>>,
    done: Receiver<Result<(), Error>>,
    /// It has a job.
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

struct Job {
    layer: Arc<WriteSet>,
    /// The number of its last batch.
    last: u64,
    mark: Mark,
}

impl Job {
    fn run(&self, store: &dyn Store) -> Result<(), Error> {
        let (count, mark) = (self.last.to_be_bytes(), self.mark.encode());
        apply_in_pieces(store, &self.layer, &[(record::LOG_KEY, Some(&mark)), (record::COUNT_KEY, Some(&count))])
    }
}

impl Applier {
    fn start(parts: &Parts) -> Result<Self, Error> {
        let (jobs, queue) = sync_channel::<Job>(1);
        let (report, done) = sync_channel(1);
        let Parts { dir, store, commits, .. } = parts.clone();
        let work = move || {
            for job in queue {
                let result = contained(&dir, || job.run(&*store));
                drop(job);
                match &result {
                    Ok(()) => commits.thaw(),
                    Err(error) => drop(commits.break_off(error)),
                }
                if report.send(result).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("durable".to_owned()).spawn(work);
        let thread = thread.map_err(Error::io("start a thread for", &parts.dir))?;
        Ok(Self { jobs: Some(jobs), done, busy: false, thread: Some(thread) })
    }

    /// True if it has no job; fails if the last one did. Waits for that if asked to.
    fn is_idle(&mut self, wait: bool) -> Result<bool, Error> {
        if self.busy {
            let result = match wait {
                true => self.done.recv().map_err(|_| TryRecvError::Disconnected),
                false => self.done.try_recv(),
            };
            match result {
                Ok(result) => result?,
                Err(TryRecvError::Empty) => return Ok(false),
                Err(TryRecvError::Disconnected) => return Err(gone()),
            }
            self.busy = false;
        }
        Ok(true)
    }

    fn apply(&mut self, job: Job) -> Result<(), Error> {
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        self.busy = true;
        if sent { Ok(()) } else { Err(gone()) }
    }
}

impl Drop for Applier {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It does not panic, and if it did there would be nothing left to do here.
            let _ = thread.join();
        }
    }
}

fn gone() -> Error {
    Error::Broken { first: "the thread that writes to the engine has ended".to_owned() }
}
