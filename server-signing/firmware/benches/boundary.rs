//! Signings through the boundary beside the bare crypto path: `cargo bench -p tw4s-firmware`.
//!
//! The firmware is a process of its own, as in service; clients are threads of this one. There is no database here and
//! no audit: what the boundary costs, and no more. `tw4s bench` measures the whole. Beside each rate stands the
//! processor time of one operation, of both processes: on a busy machine it says more than the rate.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement fails by panicking, and says what it finds"
)]

#[allow(unused_macros, reason = "it has the tests' part")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::{World, hash, master};
use tw4s_firmware::bench::BarePath;
use tw4s_firmware::client::Client;
use tw4s_firmware::server::{Server, ServerOptions};
use tw4s_firmware::{Firmware, KeySpec, SoftwareModule};
use tw4s_formats::OidArc;

const TIME: Duration = Duration::from_secs(3);
/// SADs with one hash, each with a token of its own: made before the clock starts, and more than the firmware remembers.
const SADS: usize = 40_000;

fn main() {
    if let Some(state) = std::env::var_os("TW4S_BENCH_STATE") {
        return serve(Path::new(&state));
    }
    let world = World::new(&master(), || Box::new(SoftwareModule::new(&master()).unwrap()));
    let mut process =
        Command::new(std::env::current_exe().unwrap()).env("TW4S_BENCH_STATE", world.state()).spawn().unwrap();
    let client = Client::new(&world.dir.path().join("sock"));
    while client.status().is_err() {
        thread::sleep(Duration::from_millis(10));
    }
    let module = SoftwareModule::new(&master()).unwrap();
    for spec in [KeySpec::P256, KeySpec::Rsa2048] {
        for hashes in [1, 100] {
            let bare = BarePath::new(&module, spec).unwrap();
            let own = [std::process::id()];
            let (bare_rate, bare_cost) = rate(2, &own, &|| bare.run(hashes).unwrap());
            println!("{spec:?}, {hashes} hashes: bare path, 2 threads: {bare_rate:.0}/s, {bare_cost:.0} us");
            let sads: Vec<Vec<u8>> = (0..SADS / hashes.min(20))
                .map(|number| {
                    let mut signing = world.signing(spec);
                    signing.claims.jti = Some((number as u128).to_be_bytes());
                    let hashes = (0..hashes).map(|at| hash(tw4s_formats::Digest::Sha256, &at.to_be_bytes()));
                    signing.hashes = hashes.collect();
                    signing.sad()
                })
                .collect();
            let signing = world.signing(spec);
            for clients in [1, 8, 64] {
                let next = AtomicUsize::new(0);
                let both = [std::process::id(), process.id()];
                let (through, cost) = rate(clients, &both, &|| {
                    let sad = &sads[next.fetch_add(1, Ordering::Relaxed) % sads.len()];
                    client.admit(&signing.order(sad)).unwrap().sign().unwrap();
                });
                let (rate, cpu) = (100.0 * through / bare_rate, 100.0 * bare_cost / cost);
                println!("  {clients} clients: {through:.0}/s, {rate:.0} %; {cost:.0} us, {cpu:.0} %");
            }
        }
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

fn serve(state: &Path) {
    let module = Box::new(SoftwareModule::new(&master()).unwrap());
    let firmware = Firmware::open(state, &master(), module, OidArc::default()).unwrap();
    let server = Server::bind(&state.with_file_name("sock"), ServerOptions::default()).unwrap();
    server.run(&Arc::new(firmware)).unwrap();
}

/// How often a second `threads` threads do it, and the microseconds that the processes work for it.
fn rate(threads: usize, processes: &[u32], work: &(dyn Fn() + Sync)) -> (f64, f64) {
    let (done, start, worked) = (AtomicUsize::new(0), Instant::now(), cpu_time(processes));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while start.elapsed() < TIME {
                    work();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let (done, worked) = (done.load(Ordering::Relaxed) as f64, cpu_time(processes) - worked);
    (done / start.elapsed().as_secs_f64(), worked / done)
}

/// Microseconds, from /proc/<id>/stat, fields 14 and 15, which count hundredths of a second.
fn cpu_time(processes: &[u32]) -> f64 {
    let time = |id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) * 10_000.0
    };
    processes.iter().map(time).sum()
}
