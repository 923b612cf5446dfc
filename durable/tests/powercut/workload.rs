//! Transactions whose every record follows from their number, so that what must be there after a
//! cut is known, and a transaction that is there in part shows.

use std::{
    collections::BTreeMap,
    env,
    io::{Write, stdout},
    ops::Bound,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use durable::{Db, Engine, Options, Tree};

use crate::random::Random;

/// Holds the number of the last transaction.
const LAST: Tree = Tree(0);
/// A few records that nearly every transaction changes.
const HOT: Tree = Tree(1);
/// The rest.
const COLD: Tree = Tree(2);
/// For the write that every recovered store must still take.
const PROBE: Tree = Tree(3);

/// One run of the program: opens the store, commits, and ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) engine: Engine,
    pub(crate) seed: u64,
    /// How often it opens the store, closing it in between.
    pub(crate) opens: u64,
    /// Transactions per opening.
    pub(crate) transactions: u64,
    pub(crate) threads: u64,
    /// Threads that read meanwhile: what they see must be durable too.
    pub(crate) readers: u64,
    /// Dies with the store open.
    pub(crate) dies: bool,
    pub(crate) load: Load,
    /// The limit of the redo log's files: a low one has the engine written, too.
    pub(crate) log_bytes: u64,
}

/// What transactions write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Some of everything.
    Mixed,
    /// A few long records, all of them each time, so that a log soon holds little that counts.
    Hot,
}

impl Program {
    /// The command that runs it on the store in `dir`: this test binary, as its test [`program`].
    pub(crate) fn command(&self, dir: &Path) -> Command {
        let Self { engine, seed, opens, transactions, threads, readers, dies, load, log_bytes } = self;
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "workload::program", "--nocapture"]);
        let words = format!("{engine} {seed} {opens} {transactions} {threads} {readers} {dies} {load:?} {log_bytes}");
        command.env(PROGRAM, words).env(DIR, dir);
        command
    }

    /// What [`Self::command`] asked for; `None` if this process was not started by it.
    fn from_env() -> Option<Self> {
        let words = env::var(PROGRAM).ok()?;
        let mut words = words.split(' ');
        let engine = words.next()?.parse().ok()?;
        let mut number = || words.next()?.parse().ok();
        Some(Self {
            engine,
            seed: number()?,
            opens: number()?,
            transactions: number()?,
            threads: number()?,
            readers: number()?,
            dies: words.next()? == "true",
            load: if words.next()? == "Hot" { Load::Hot } else { Load::Mixed },
            log_bytes: words.next()?.parse().ok()?,
        })
    }

    fn run(&self, dir: &Path) {
        for opening in 1..=self.opens {
            let db = open(dir, self.engine, self.log_bytes).unwrap();
            say("ready");
            // What an open shows is durable.
            if let number @ 1.. = read(&db, 0) {
                say(&format!("ack {number}"));
            }
            self.load(&db);
            if self.dies && opening == self.opens {
                be_still();
                std::process::abort();
            }
        }
    }

    fn load(&self, db: &Db) {
        let writing = AtomicU64::new(self.threads);
        let writing = &writing;
        thread::scope(|scope| {
            for thread in 0..self.threads {
                let share = (self.transactions + thread) / self.threads;
                scope.spawn(move || {
                    (0..share).for_each(|_| transact(db, self.load, self.seed));
                    writing.fetch_sub(1, Ordering::SeqCst);
                });
            }
            for reader in 0..self.readers {
                scope.spawn(move || {
                    let mut last = 0;
                    while writing.load(Ordering::SeqCst) > 0 {
                        let number = read(db, reader);
                        if number > last {
                            say(&format!("ack {number}"));
                            last = number;
                        }
                    }
                });
            }
        });
    }
}

const PROGRAM: &str = "DURABLE_POWERCUT_PROGRAM";
const DIR: &str = "DURABLE_POWERCUT_DIR";

/// Not a test: the program that is traced.
#[test]
#[ignore = "run by the tests, under strace"]
fn program() {
    if let Some(program) = Program::from_env() {
        program.run(Path::new(&env::var_os(DIR).unwrap()));
    }
}

/// Returns when nothing is written any more, so that no call is under way when the program dies.
fn be_still() {
    let calls = || std::fs::read_to_string("/proc/self/io").unwrap();
    let mut last = calls();
    loop {
        thread::sleep(Duration::from_millis(50));
        let now = calls();
        // Reading the file counts as a read, so only the calls that write are compared.
        let writes = |text: &str| text.lines().find(|line| line.starts_with("syscw")).map(str::to_owned);
        if writes(&now) == writes(&last) {
            return;
        }
        last = now;
    }
}

/// Leaves a line in the trace.
fn say(line: &str) {
    let mut stdout = stdout().lock();
    stdout.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    stdout.flush().unwrap();
}

/// The number of the last transaction that a reader sees, by one of three ways to read.
fn read(db: &Db, way: u64) -> u64 {
    let last = match way % 3 {
        0 => db.get(LAST, b"last").unwrap(),
        1 => db.next(LAST, Bound::Unbounded).unwrap().map(|(_, last)| last),
        _ => {
            let txn = db.begin().unwrap();
            let last = txn.get(LAST, b"last").unwrap();
            txn.commit().unwrap();
            last
        }
    };
    last.map_or(0, |last| u64::from_be_bytes(last.try_into().unwrap()))
}

fn transact(db: &Db, load: Load, seed: u64) {
    let mut txn = db.begin().unwrap();
    let last = txn.get(LAST, b"last").unwrap();
    let number = last.map_or(0, |last| u64::from_be_bytes(last.try_into().unwrap())) + 1;
    for (tree, key, value) in writes(load, seed, number) {
        match value {
            Some(value) => txn.put(tree, &key, &value).unwrap(),
            None => txn.remove(tree, &key).unwrap(),
        }
    }
    txn.commit().unwrap();
    say(&format!("ack {number}"));
}

type Change = (Tree, Vec<u8>, Option<Vec<u8>>);

/// What transaction `number` does.
fn writes(load: Load, seed: u64, number: u64) -> Vec<Change> {
    match load {
        Load::Mixed => mixed(seed, number),
        Load::Hot => hot(seed, number),
    }
}

fn hot(seed: u64, number: u64) -> Vec<Change> {
    let last = (LAST, b"last".to_vec(), Some(number.to_be_bytes().to_vec()));
    let long = (0..8).map(|at| {
        let value = content(seed ^ (number << 20) ^ at, 12 << 10);
        (HOT, format!("hot{at}").into(), Some(value))
    });
    long.chain([last]).collect()
}

fn mixed(seed: u64, number: u64) -> Vec<Change> {
    let mut rng = Random::new(seed ^ (number << 20));
    let mut writes: Vec<Change> = Vec::new();
    writes.push((LAST, b"last".to_vec(), Some(number.to_be_bytes().to_vec())));
    for _ in 0..2 {
        let key = format!("hot{}", rng.below(4));
        let length = 8 + rng.below(100);
        writes.push((HOT, key.into(), Some(content(number, length))));
    }
    for _ in 0..=rng.below(6) {
        let key = format!("cold{:02}", rng.below(60));
        let length = match rng.below(100) {
            0..15 => None,
            15..65 => Some(rng.below(300)),
            65..88 => Some(rng.below(4 << 10)),
            88..97 => Some(rng.below(16 << 10) + 1),
            _ => Some((16 << 10) + rng.below(60 << 10)),
        };
        let value = length.map(|length| content(rng.next(), length));
        writes.push((COLD, key.into(), value));
    }
    writes
}

fn content(seed: u64, length: u64) -> Vec<u8> {
    let mut rng = Random::new(seed);
    let words = (0..=length / 8).flat_map(|_| rng.next().to_le_bytes());
    words.take(length as usize).collect()
}

/// What the trees must hold, after each number of transactions.
pub(crate) struct Expected(Vec<Content>);

type Content = BTreeMap<(Tree, Vec<u8>), Arc<[u8]>>;

impl Expected {
    pub(crate) fn new(load: Load, seed: u64, transactions: u64) -> Self {
        let mut states = vec![BTreeMap::new()];
        for number in 1..=transactions {
            let mut state = states.last().unwrap().clone();
            for (tree, key, value) in writes(load, seed, number) {
                match value {
                    Some(value) => drop(state.insert((tree, key), Arc::from(value))),
                    None => drop(state.remove(&(tree, key))),
                }
            }
            states.push(state);
        }
        Self(states)
    }

    /// How many there can be.
    pub(crate) fn transactions(&self) -> u64 {
        self.0.len() as u64 - 1
    }

    /// Opens a store, reads all of it, writes to it, and returns how many transactions it holds,
    /// if it holds them whole and nothing else.
    pub(crate) fn check(&self, dir: &Path, engine: Engine) -> Result<u64, String> {
        let db = open(dir, engine, LOW).map_err(|error| format!("open: {error:?}"))?;
        let number = self.read(&db)?;
        let probe = || -> Result<_, durable::Error> {
            let mut txn = db.begin()?;
            txn.put(PROBE, b"probe", b"again")?;
            txn.commit()?;
            db.get(PROBE, b"probe")
        };
        let probed = probe().map_err(|error| format!("write: {error:?}"))?;
        if probed.as_deref() != Some(b"again") {
            return Err("a write to the recovered store is not there".to_owned());
        }
        drop(db);
        // And without the log, which hides what the engine has; now and then, for it takes its time.
        if number % 3 == 0 {
            let db = open(dir, engine, LOW).map_err(|error| format!("open again: {error:?}"))?;
            let again = self.read(&db).map_err(|problem| format!("opened again: {problem}"))?;
            if again != number {
                return Err(format!("of {number} transactions, the engine has {again}"));
            }
        }
        Ok(number)
    }

    fn read(&self, db: &Db) -> Result<u64, String> {
        let failed = |error: durable::Error| format!("read: {error:?}");
        let last = db.get(LAST, b"last").map_err(failed)?;
        let number = match last {
            Some(last) => u64::from_be_bytes(last.try_into().map_err(|_| "garbage at last")?),
            None => 0,
        };
        let expected = self.0.get(number as usize);
        let mut expected = expected.ok_or("a transaction that never was")?.iter();
        for tree in [LAST, HOT, COLD] {
            let mut from = Bound::Unbounded;
            while let Some((key, value)) = db.next(tree, from.as_ref().map(Vec::as_slice)).map_err(failed)? {
                let Some(((at, name), content)) = expected.next() else {
                    return Err(format!("of {number}: more than was written"));
                };
                if (*at, name) != (tree, &key) || **content != *value {
                    let key = String::from_utf8_lossy(&key).into_owned();
                    return Err(format!("of {number}: in part, at {tree:?} {key}"));
                }
                from = Bound::Excluded(key);
            }
        }
        match expected.next() {
            None => Ok(number),
            Some(((tree, _), _)) => Err(format!("of {number}: in part, at the end of {tree:?}")),
        }
    }
}

/// A limit that a few transactions reach.
pub(crate) const LOW: u64 = 32 << 10;

/// A limit that nearly every transaction reaches.
pub(crate) const LOWEST: u64 = 4 << 10;

fn open(dir: &Path, engine: Engine, log_bytes: u64) -> Result<Db, durable::Error> {
    let options = Options {
        engine: Some(engine),
        // The states lie in memory, of which there may be little.
        reserve_bytes: 0,
        log_bytes,
        ..Options::default()
    };
    Db::open(dir, &options)
}
