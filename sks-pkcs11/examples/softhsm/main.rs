//! The PKCS#11 module and SoftHSM2, measured side by side through the `cryptoki` crate:
//!
//! ```text
//! apt-get install softhsm2
//! cargo build --release -p sks-cli -p sks-pkcs11
//! cargo run --release -p sks-pkcs11 --example softhsm
//! ```
//!
//! `-- --row generate` measures one row alone, for a profile; [`Row::word`] has the others' words.
//!
//! Both get new tokens in a temporary directory. Every row is measured in slices, turn by turn with the other side's, and
//! judged by the median slice, because machines are shared. The table is printed in Markdown.
//!
//! Both sides sign, make keys and log in under a PIN. The many keys are written behind either token's back, before it
//! starts: synthetic ones into our store, copies of one private key's file into SoftHSM2's; the one looked for is made
//! through PKCS#11. C_Login is measured in a slot of one key, as ours verifies the PIN of each policy in the slot.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark fails by panicking")]

mod bare;
mod clients;
mod setup;
mod side;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use cryptoki::object::ObjectClass;

use crate::bare::Bare;
use crate::setup::{Process, ours, theirs};
use crate::side::Side;

const ROUNDS: usize = 5;
const SLICE: Duration = Duration::from_secs(1);
/// Keys of the small token and of the large one.
const FEW: u32 = 10;
const MANY: u32 = 10_000;
/// Processes that sign at once: more of them than cores.
const PROCESSES: usize = 8;
const PIN: &str = "1563";
/// Bytes of an echoed frame, by and large those of a signature's call.
const FRAME: usize = 128;
/// The echo over which HMAC and P-256 are judged without it, in microseconds.
const SLOW_ECHO: f64 = 10.0;
const SOFTHSM: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    P256,
    P256Twice,
    P256Processes,
    Rsa,
    Hmac,
    Login,
    Generate,
    FindFew,
    FindMany,
}

const ROWS: [Row; 9] = [
    Row::P256,
    Row::P256Twice,
    Row::P256Processes,
    Row::Rsa,
    Row::Hmac,
    Row::Login,
    Row::Generate,
    Row::FindFew,
    Row::FindMany,
];

impl Row {
    fn name(self) -> String {
        match self {
            Self::P256 => "P-256 sign".into(),
            Self::P256Twice => "P-256 sign, 2 threads".into(),
            Self::P256Processes => format!("P-256 sign, {PROCESSES} processes"),
            Self::Rsa => "RSA-2048 sign".into(),
            Self::Hmac => "HMAC-SHA256, 200 bytes".into(),
            Self::Login => "C_Login and C_Logout".into(),
            Self::Generate => "P-256 key generation, persistent".into(),
            Self::FindFew => format!("find by CKA_ID among {FEW} keys"),
            Self::FindMany => format!("find by CKA_ID among {MANY} keys"),
        }
    }

    /// What `--row` calls it.
    fn word(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P256Twice => "p256-twice",
            Self::P256Processes => "p256-processes",
            Self::Rsa => "rsa",
            Self::Hmac => "hmac",
            Self::Login => "login",
            Self::Generate => "generate",
            Self::FindFew => "find-few",
            Self::FindMany => "find-many",
        }
    }

    /// How many times SoftHSM2's rate is to be reached.
    fn target(self) -> Option<f64> {
        match self {
            Self::P256 | Self::Login => Some(2.0),
            Self::Rsa => Some(1.9),
            Self::Hmac => Some(1.0),
            Self::Generate | Self::FindMany => Some(20.0),
            Self::P256Twice | Self::P256Processes | Self::FindFew => None,
        }
    }

    /// Class and CKA_ID of the key that is used or looked for.
    fn key(self) -> (ObjectClass, &'static str) {
        match self {
            Self::Rsa => (ObjectClass::PRIVATE_KEY, "rsa"),
            Self::Hmac => (ObjectClass::SECRET_KEY, "hmac"),
            _ => (ObjectClass::PRIVATE_KEY, "p256"),
        }
    }
}

/// Sends back what it gets, until it is ended.
fn serve_echo(socket: &Path) {
    for stream in UnixListener::bind(socket).unwrap().incoming() {
        let mut stream = stream.unwrap();
        thread::spawn(move || {
            let mut buffer = [0_u8; FRAME];
            while stream.read_exact(&mut buffer).is_ok() && stream.write_all(&buffer).is_ok() {}
        });
    }
}

/// Microseconds of a frame there and back.
fn echo(stream: &mut UnixStream) -> f64 {
    let (mut buffer, mut took, began) = ([7_u8; FRAME], Vec::new(), Instant::now());
    while began.elapsed() < SLICE {
        let began = Instant::now();
        stream.write_all(&buffer).unwrap();
        stream.read_exact(&mut buffer).unwrap();
        took.push(began.elapsed().as_secs_f64() * 1e6);
    }
    median(took)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn verdict(reached: bool) -> &'static str {
    if reached { "yes" } else { "**no**" }
}

/// Prints what was measured: the echo, and for each row our rate, the other's, and the bare engine's if it has one.
fn report(echo: f64, rates: &[(Row, f64, f64, Option<f64>)]) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("Medians of {ROUNDS} slices of {SLICE:?}; load average {}.", load.split(' ').next().unwrap_or_default());
    println!("Echo to another process over a Unix socket: {echo:.1} us.\n");
    println!("| row | SKS ops/s | SoftHSM2 ops/s | ratio | to reach | reached |\n|---|---|---|---|---|---|");
    for (row, ours, theirs, bare) in rates {
        let (name, ratio) = (row.name(), ours / theirs);
        let judged = row.target().map_or(" | ".into(), |target| format!("{target:.1} | {}", verdict(ratio >= target)));
        println!("| {name} | {ours:.0} | {theirs:.0} | {ratio:.2} | {judged} |");
        if let Some(bare) = bare {
            println!("| {name}, the bare engine | {bare:.0} | | {:.2} | | |", bare / theirs);
        }
        // Only if the call itself is too slow.
        let target = row.target().filter(|target| ratio < *target);
        if let (Some(target), Row::P256 | Row::Hmac, true) = (target, row, echo > SLOW_ECHO) {
            let ours = 1.0 / (1.0 / ours - echo / 1e6);
            // An echo that takes longer than the call leaves nothing to compare.
            let ratio = if ours > 0.0 { ours / theirs } else { f64::INFINITY };
            println!(
                "| {name}, without the echo | {ours:.0} | | {ratio:.2} | {target:.1} | {} |",
                verdict(ratio >= target)
            );
        }
    }
    let rate = |wanted| rates.iter().find(|(row, ..)| *row == wanted);
    let (Some((_, one, their_one, _)), Some((_, two, their_two, _))) = (rate(Row::P256), rate(Row::P256Twice)) else {
        return;
    };
    let (ratio, their_ratio) = (two / one, their_two / their_one);
    println!("| P-256 sign, 2 threads / 1 | {ratio:.2} | {their_ratio:.2} | | 1.7 | {} |", verdict(ratio >= 1.7));
}

/// The rows to measure: the one that `--row` names, or all.
fn wanted(arguments: &[String]) -> Vec<Row> {
    let word = arguments.iter().skip_while(|argument| *argument != "--row").nth(1);
    let rows: Vec<Row> = ROWS.into_iter().filter(|row| word.is_none_or(|word| word == row.word())).collect();
    assert!(!rows.is_empty(), "--row is one of {:?}", ROWS.map(Row::word));
    rows
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // What it starts itself as.
    match arguments.get(1).map(String::as_str) {
        Some("--echo") => return serve_echo(Path::new(&arguments[2])),
        Some("--client") => return clients::sign(Path::new(&arguments[2]), &arguments[3]),
        _ => {}
    }
    let rows = wanted(&arguments);
    let built = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let ready = ["sks", "libsks_pkcs11.so"].iter().all(|name| built.join(name).exists());
    assert!(ready, "first: cargo build --release -p sks-cli -p sks-pkcs11");
    if cfg!(debug_assertions) {
        println!("Not a release build: the figures say little.\n");
    }
    let library = SOFTHSM.map(Path::new).into_iter().find(|path| path.exists());
    let library = library.unwrap_or_else(|| panic!("SoftHSM2 is not installed: apt-get install softhsm2"));
    let dir = tempfile::tempdir().unwrap();
    println!("Preparing the tokens, the large ones with {MANY} keys each ...\n");
    // The environment is set here, before the first thread.
    let (ours, _daemons) = ours(&built, dir.path());
    let mut sides = [ours, theirs(library, dir.path())];
    let socket = dir.path().join("echo.sock");
    // This program, also when another was built in its place meanwhile.
    let _echo = Process::start(Command::new("/proc/self/exe").arg("--echo").arg(&socket), &socket);
    sides.iter().for_each(Side::prepare);
    if rows.contains(&Row::P256Processes) {
        sides.iter_mut().for_each(Side::start_clients);
    }

    let bare = Bare::new();
    let mut stream = UnixStream::connect(&socket).unwrap();
    let (mut echoes, mut slices) = (Vec::new(), vec![[Vec::new(), Vec::new(), Vec::new()]; rows.len()]);
    for _ in 0..ROUNDS {
        echoes.push(echo(&mut stream));
        for (row, slices) in rows.iter().zip(&mut slices) {
            let [mine, others, alone] = slices;
            let [us, them] = &mut sides;
            mine.push(us.measure(*row));
            others.push(them.measure(*row));
            alone.extend(bare.measure(*row));
        }
    }
    let rates = rows.into_iter().zip(slices).map(|(row, [ours, theirs, alone])| {
        let bare = (!alone.is_empty()).then(|| median(alone));
        (row, median(ours), median(theirs), bare)
    });
    report(median(echoes), &rates.collect::<Vec<_>>());
}
