//! Measures the store beside what the disk can do at best, in one run.
//!
//! ```text
//! cargo run --release -p durable --example bench -- commits [DIR]
//! cargo run --release -p durable --example bench -- reads [DIR]
//! cargo run --release -p durable --example bench -- large [DIR] [RECORDS]
//! cargo run --release -p durable --example bench -- killed [DIR] [RECORDS]
//! ```
//!
//! `commits`: transactions of four records by 1, 8 and 64 threads, against an append and fdatasync
//! of the same bytes. `reads`: one key, with nothing written and with one thread writing. `large`:
//! opening and memory with many records. `killed`: the same after a kill with full redo logs. DIR should be on the disk in question; default: `target`.

#![allow(clippy::unwrap_used, reason = "a measurement that fails has nothing to clean up")]

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    ops::Bound,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use durable::{Db, Engine, Options, Tree};

fn main() {
    let mut args = env::args().skip(1);
    let mode = args.next().unwrap_or_default();
    let dir = PathBuf::from(args.next().unwrap_or_else(|| "target".into()));
    match mode.as_str() {
        "commits" => commits(&dir),
        "reads" => reads(&dir),
        "large" => large(&dir, args.next().map_or(600_000, |n| n.parse().unwrap())),
        "large-load" => load(&dir, args.next().unwrap().parse().unwrap()),
        "large-use" => use_loaded(&dir),
        "killed" => killed(&dir, args.next().map_or(600_000, |n| n.parse().unwrap())),
        "killed-load" => {
            load_and_churn(&dir, args.next().unwrap().parse().unwrap(), args.next().unwrap().parse().unwrap())
        }
        "killed-open" => open_loaded(&dir),
        _ => {
            println!("give one of: commits, reads, large, killed");
            process::exit(2);
        }
    }
}

const TREE: Tree = Tree(1);
const ROUND: Duration = Duration::from_millis(700);
const ROUNDS: usize = 5;
const RECORDS: u64 = 4;
const VALUE_LEN: usize = 150;

/// Rates of one setting, one per round.
struct Row {
    name: String,
    rates: Vec<f64>,
    latencies: Vec<u32>,
}

impl Row {
    fn median(&self) -> f64 {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(0.0)
    }

    fn percentile(&self, percent: usize) -> u32 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get(last * percent / 100).copied().unwrap_or(0)
    }
}

fn commits(dir: &Path) {
    for threads in [1, 8, 64] {
        let temp = Temp::new(dir);
        let log = temp.0.join("floor");
        let floor = OpenOptions::new().create(true).append(true).open(log).unwrap();
        let stores = Engine::ALL.map(|engine| open(&temp.0.join(engine.to_string()), engine));
        let mut rows: Vec<Row> = ["append + fdatasync", "sled", "redb"]
            .into_iter()
            .map(|name| Row { name: name.to_owned(), rates: Vec::new(), latencies: Vec::new() })
            .collect();
        for _ in 0..ROUNDS {
            // Interleaved, so that a busy moment hits all of them.
            let (first, rest) = rows.split_first_mut().unwrap();
            round(first, threads, |seed| append(&floor, seed));
            for (row, db) in rest.iter_mut().zip(&stores) {
                round(row, threads, |seed| commit(db, seed));
            }
        }
        let best = rows.first().unwrap().median();
        println!("{threads} threads, {RECORDS} records of {VALUE_LEN} bytes a commit");
        for row in &rows {
            println!(
                "  {:<20} {:>7.0}/s  p50 {:>5} us  p99 {:>5} us  {:.2} of the floor",
                row.name,
                row.median(),
                row.percentile(50),
                row.percentile(99),
                row.median() / best,
            );
        }
    }
}

/// Runs `work` in `threads` threads for one round.
fn round(row: &mut Row, threads: u64, work: impl Fn(u64) + Sync) {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let start = Instant::now();
    let latencies: Vec<Vec<u32>> = thread::scope(|scope| {
        let run = || {
            let mut latencies = Vec::new();
            while start.elapsed() < ROUND {
                let before = Instant::now();
                work(SEED.fetch_add(1, Ordering::Relaxed));
                latencies.push(u32::try_from(before.elapsed().as_micros()).unwrap());
            }
            latencies
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    let latencies = latencies.concat();
    row.rates.push(latencies.len() as f64 / start.elapsed().as_secs_f64());
    row.latencies.extend(latencies);
}

fn append(mut file: &File, seed: u64) {
    let mut bytes = Vec::new();
    for n in 0..RECORDS {
        bytes.extend_from_slice(&key(seed + n));
        bytes.extend_from_slice(&value(seed + n));
    }
    file.write_all(&bytes).unwrap();
    file.sync_data().unwrap();
}

fn commit(db: &Db, seed: u64) {
    let mut txn = db.begin().unwrap();
    for n in 0..RECORDS {
        txn.put(TREE, &key(mix(seed * RECORDS + n) % 10_000), &value(seed)).unwrap();
    }
    txn.commit().unwrap();
}

fn reads(dir: &Path) {
    for engine in Engine::ALL {
        let temp = Temp::new(dir);
        let db = open(&temp.0.join("store"), engine);
        fill(&db, 10_000);
        let alone = read_for(&db);
        let stop = AtomicBool::new(false);
        let beside = thread::scope(|scope| {
            scope.spawn(|| {
                // Another tree's end of the map: what it writes is none of the reader's business.
                for n in (1_000_000..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                    let mut txn = db.begin().unwrap();
                    txn.put(Tree(2), &key(n % 10_000), &value(n)).unwrap();
                    txn.commit().unwrap();
                }
            });
            let beside = read_for(&db);
            stop.store(true, Ordering::Relaxed);
            beside
        });
        println!("{engine}: get {alone:.0} ns, beside a writer {beside:.0} ns");
    }
}

fn read_for(db: &Db) -> f64 {
    let start = Instant::now();
    let mut count = 0_u64;
    while start.elapsed() < Duration::from_secs(1) {
        for _ in 0..100 {
            count += 1;
            assert!(db.get(TREE, &key(mix(count) % 10_000)).unwrap().is_some());
        }
    }
    start.elapsed().as_nanos() as f64 / count as f64
}

/// Each step in a process of its own, for a memory figure of its own.
fn large(dir: &Path, records: u64) {
    for engine in Engine::ALL {
        let temp = Temp::new(dir);
        let store = temp.0.join(engine.to_string());
        drop(open(&store, engine));
        println!("{engine}, {records} records of {VALUE_LEN} bytes");
        let load = ["large-load".into(), store.clone().into_os_string(), records.to_string().into()];
        step(&load);
        for _ in 0..2 {
            step(&["large-use".into(), store.clone().into_os_string()]);
        }
        println!("  on disk: {} MiB", size(&store) >> 20);
    }
}

fn step(args: &[std::ffi::OsString]) {
    Command::new(env::current_exe().unwrap()).args(args).status().unwrap();
}

fn load(store: &Path, records: u64) {
    let start = Instant::now();
    let db = Db::open(store, &Options::default()).unwrap();
    fill(&db, records);
    println!("  loaded in {:.1} s, {}", start.elapsed().as_secs_f64(), memory());
    // Killed, so that the next open finds no orderly end.
    process::abort();
}

fn use_loaded(store: &Path) {
    let start = Instant::now();
    let db = Db::open(store, &Options::default()).unwrap();
    println!("  opened in {} ms, {}", start.elapsed().as_millis(), memory());
    let start = Instant::now();
    let mut from = Bound::Unbounded;
    let mut count = 0_u64;
    while let Some((key, _)) = db.next(TREE, from.as_ref().map(Vec::as_slice)).unwrap() {
        count += 1;
        from = Bound::Excluded(key);
    }
    println!("  walked {count} in {} ms, {}", start.elapsed().as_millis(), memory());
    let start = Instant::now();
    for n in 0..100_000 {
        db.get(TREE, &key(mix(n) % count)).unwrap();
    }
    println!("  random get {} ns, {}", start.elapsed().as_nanos() / 100_000, memory());
    let start = Instant::now();
    for n in 0..2_000 {
        let mut txn = db.begin().unwrap();
        for k in 0..RECORDS {
            txn.put(TREE, &key(mix(n * RECORDS + k) % count), &value(n)).unwrap();
        }
        txn.commit().unwrap();
    }
    println!("  random commit {} us, {}", start.elapsed().as_micros() / 2_000, memory());
    process::abort();
}

/// Opens stores after a kill with full redo logs, and after a close.
fn killed(dir: &Path, records: u64) {
    for engine in Engine::ALL {
        let temp = Temp::new(dir);
        let store = temp.0.join(engine.to_string());
        println!("{engine}, {records} records of {VALUE_LEN} bytes");
        let (records, engine) = (records.to_string(), engine.to_string());
        step(&["killed-load".into(), store.clone().into_os_string(), records.into(), engine.into()]);
        for _ in 0..2 {
            step(&["killed-open".into(), store.clone().into_os_string()]);
        }
    }
}

/// Changes records at random until the redo log has turned once and is about to again.
fn load_and_churn(store: &Path, records: u64, engine: Engine) {
    fill(&open(store, engine), records);
    let db = open(store, engine);
    let limit = 2 * Options::default().log_bytes;
    let mut seed = 0;
    while seed * (VALUE_LEN as u64) < limit {
        let mut txn = db.begin().unwrap();
        for n in seed..seed + 64 {
            txn.put(TREE, &key(mix(n) % records), &value(n)).unwrap();
        }
        txn.commit().unwrap();
        seed += 64;
    }
    process::abort();
}

fn open_loaded(store: &Path) {
    let logs = ["redo.0", "redo.1"].map(|log| fs::metadata(store.join(log)).map_or(0, |log| log.len() >> 20));
    let start = Instant::now();
    let db = Db::open(store, &Options::default()).unwrap();
    println!("  logs of {logs:?} MiB; opened in {} ms, {}", start.elapsed().as_millis(), memory());
    drop(db);
    println!("  and closed in {} ms, {}", start.elapsed().as_millis(), memory());
}

fn fill(db: &Db, records: u64) {
    for first in (0..records).step_by(1000) {
        let mut txn = db.begin().unwrap();
        for n in first..records.min(first + 1000) {
            txn.put(TREE, &key(n), &value(n)).unwrap();
        }
        txn.commit().unwrap();
    }
}

fn open(dir: &Path, engine: Engine) -> Db {
    let options = Options { engine: Some(engine), ..Options::default() };
    Db::open(dir, &options).unwrap()
}

/// Spread over the map, as handles and hashes are.
fn key(n: u64) -> Vec<u8> {
    let mut key = mix(n).to_be_bytes().to_vec();
    key.extend_from_slice(&n.to_be_bytes());
    key
}

fn value(seed: u64) -> Vec<u8> {
    let words = (0..).map(|n| mix(seed.wrapping_mul(31) + n));
    let mut value: Vec<u8> = words.take(VALUE_LEN / 8 + 1).flat_map(u64::to_le_bytes).collect();
    value.truncate(VALUE_LEN);
    value
}

/// splitmix64.
fn mix(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Memory now and at most, from the kernel.
fn memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib >> 10
    };
    format!("{} MiB resident, {} at most", field("VmRSS"), field("VmHWM"))
}

fn size(path: &Path) -> u64 {
    let metadata = fs::symlink_metadata(path).unwrap();
    if !metadata.is_dir() {
        return metadata.len();
    }
    fs::read_dir(path).unwrap().map(|entry| size(&entry.unwrap().path())).sum()
}

/// A directory that goes away.
struct Temp(PathBuf);

impl Temp {
    fn new(parent: &Path) -> Self {
        let path = parent.join(format!("durable-bench-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}
