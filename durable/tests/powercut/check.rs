//! Opens every state and tells what it found.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
    time::Duration,
};

use durable::Engine;

use crate::{
    disk::{Disk, Names, Tree},
    random::Random,
    states::{self, Builder, Outcome, State},
    workload::Expected,
};

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Different states opened.
    pub(crate) states: usize,
    /// What failed, in words.
    pub(crate) failures: Vec<String>,
    /// How many of those had acknowledged something.
    pub(crate) losses: usize,
}

/// Which states to open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) names: Names,
    /// At most about so many, spread evenly.
    pub(crate) states: usize,
    /// Random ones at each line, beside the systematic ones.
    pub(crate) random: usize,
    pub(crate) seed: u64,
}

/// A state that takes longer is a hang.
const PATIENCE: Duration = Duration::from_secs(120);

/// Opens the states that `plan` picks of a run.
pub(crate) fn run(disk: &Disk, engine: Engine, expected: &Arc<Expected>, scratch: &Path, plan: Plan) -> Report {
    let mut rng = Random::new(plan.seed);
    let picked = pick(disk, plan, &mut rng);
    let pool = Pool::new(engine, expected, scratch);
    let mut builder = Builder::new(disk);
    let mut known: HashMap<(usize, Outcome), usize> = HashMap::new();
    let mut wanted = Vec::new();
    for state in picked {
        let safe = builder.advance(state.line);
        let next = known.len();
        let number = *known.entry((safe, state.outcome.clone())).or_insert(next);
        if number == next {
            pool.send(number, builder.build(&state));
        }
        wanted.push((number, state));
    }
    let results = pool.finish(known.len());
    let mut report = Report { states: known.len(), ..Report::default() };
    for (number, state) in &wanted {
        if let Some(failure) = judge(disk, state, &results[number]) {
            report.failures.push(failure);
            report.losses += usize::from(disk.acknowledged_at(state.line) > 0);
        }
    }
    report
}

/// One state at random, and what was acknowledged before it.
pub(crate) fn one(disk: &Disk, names: Names, rng: &mut Random) -> (Tree, u64) {
    loop {
        let line = *rng.choose(&disk.lines).unwrap();
        let states = states::at_line(disk, names, line, 4, rng);
        if let Some(state) = rng.choose(&states) {
            let mut builder = Builder::new(disk);
            builder.advance(line);
            return (builder.build(state), disk.acknowledged_at(line));
        }
    }
}

/// The files as a kill at this line leaves them: all that was asked for, synced or not.
pub(crate) fn killed(disk: &Disk, line: usize) -> Tree {
    let outcome = states::pending(disk, line).into_iter().map(|at| (at, states::Done::All)).collect();
    let mut builder = Builder::new(disk);
    builder.advance(line);
    builder.build(&State { line, outcome })
}

/// The states to open, by line.
fn pick(disk: &Disk, plan: Plan, rng: &mut Random) -> Vec<State> {
    let mut lines: Vec<usize> = disk.lines.iter().flat_map(|line| [*line, line + 1]).collect();
    lines.sort_unstable();
    lines.dedup();
    let mut picked = Vec::new();
    for &line in &lines {
        // The same share for each line: plan.states / lines.len(), rounded by chance.
        let chance = rng.below(lines.len() as u64) as usize;
        let share = plan.states.saturating_add(chance) / lines.len();
        if share > 0 {
            let mut states = states::at_line(disk, plan.names, line, plan.random, rng);
            while states.len() > share {
                states.swap_remove(rng.below(states.len() as u64) as usize);
            }
            picked.append(&mut states);
        }
    }
    picked
}

/// What is wrong with a state, if anything.
fn judge(disk: &Disk, state: &State, result: &Result<u64, String>) -> Option<String> {
    let acknowledged = disk.acknowledged_at(state.line);
    let problem = match result {
        Ok(found) if *found >= acknowledged => return None,
        Ok(found) => format!("{found} transactions are there"),
        Err(problem) => problem.clone(),
    };
    let when = match disk.ready.first() {
        Some(ready) if state.line > *ready => "",
        _ => " before ready",
    };
    let outcome: Vec<String> =
        state.outcome.iter().map(|(at, done)| format!("{} {done:?}", describe(disk, *at))).collect();
    Some(format!(
        "cut at line {}{when}, {acknowledged} acknowledged: {problem}; of what was pending: {outcome:?}",
        state.line
    ))
}

pub(crate) fn describe(disk: &Disk, at: usize) -> String {
    use crate::disk::Change;
    match &disk.operations[at].change {
        Change::Data { file, at, bytes } => format!("{} bytes of {file} at {at}", bytes.len()),
        Change::Length { file, length } => format!("length {length} of {file}"),
        Change::Name { name, inode, .. } => format!("name {name} of {inode}"),
        Change::Rename { from, to, .. } => format!("rename {from} to {to}"),
        Change::Unname { name, .. } => format!("remove {name}"),
    }
}

type Job = (usize, Tree);
type Done = (usize, Result<u64, String>);

/// Threads that open states.
struct Pool {
    jobs: SyncSender<Job>,
    done: Receiver<Done>,
}

impl Pool {
    fn new(engine: Engine, expected: &Arc<Expected>, scratch: &Path) -> Self {
        // Few at a time: a state may be tens of megabytes.
        let (jobs, queue) = sync_channel::<Job>(4);
        let queue = Arc::new(Mutex::new(queue));
        let (report, done) = channel();
        for worker in 0..thread::available_parallelism().map_or(2, usize::from) {
            let (queue, report) = (Arc::clone(&queue), report.clone());
            let expected = Arc::clone(expected);
            let root = scratch.join(format!("worker-{worker}"));
            thread::spawn(move || work(&queue, &report, &expected, engine, &root));
        }
        Self { jobs, done }
    }

    fn send(&self, number: usize, tree: Tree) {
        self.jobs.send((number, tree)).unwrap();
    }

    fn finish(self, count: usize) -> HashMap<usize, Result<u64, String>> {
        drop(self.jobs);
        let result = |_| self.done.recv_timeout(PATIENCE).expect("no state hangs");
        (0..count).map(result).collect()
    }
}

fn work(queue: &Mutex<Receiver<Job>>, report: &Sender<Done>, expected: &Expected, engine: Engine, root: &PathBuf) {
    loop {
        let job = queue.lock().unwrap().recv();
        let Ok((number, tree)) = job else { return };
        write(root, &tree);
        let check = || expected.check(&root.join(crate::STORE), engine);
        // `durable` lets no panic of an engine through; one of its own would be a fault too.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
        let result = result.unwrap_or_else(|_| Err("panic".to_owned()));
        fs::remove_dir_all(root).unwrap();
        if report.send((number, result)).is_err() {
            return;
        }
    }
}

/// The files below a directory.
pub(crate) fn read(root: &Path) -> Tree {
    fn list(dir: &Path, path: &str, tree: &mut Tree) {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{path}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                list(&entry.path(), &path, tree);
                tree.insert(path, None);
            } else {
                tree.insert(path, Some(fs::read(entry.path()).unwrap()));
            }
        }
    }
    let mut tree = Tree::new();
    list(root, "", &mut tree);
    tree
}

/// Makes the files of a state.
pub(crate) fn write(root: &Path, tree: &Tree) {
    fs::create_dir_all(root).unwrap();
    for (path, data) in tree {
        let path = root.join(path.trim_start_matches('/'));
        match data {
            None => fs::create_dir(path).unwrap(),
            Some(data) => fs::write(path, data).unwrap(),
        }
    }
}
