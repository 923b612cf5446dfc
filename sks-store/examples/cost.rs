//! What sealing costs: reads and durable writes beside those of bare durable, in turns: `cost DIR [sled|redb]`.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use durable::{Db, Tree};
use sks_core::ports::{Read, Store};
use sks_core::record::{Address, PinGroup, Record};
use sks_store::{KeySource, OpenOptions, SealedStore};
use sks_wire::Secret;

const TREE: Tree = Tree(14);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, dir, engine @ ..] = arguments.as_slice() else { return Err("usage: cost DIR [sled|redb]".into()) };
    let dir = Path::new(dir);
    let engine = engine.first().map(|name| name.parse()).transpose()?;
    let sealed_dir = dir.join("sealed");
    let key = KeySource::File(SealedStore::default_key_file(&sealed_dir));
    let store = SealedStore::open(&sealed_dir, OpenOptions { engine, ..OpenOptions::new(key) })?;
    let bare = Db::open(&dir.join("bare"), &durable::Options { engine, ..Default::default() })?;
    let (mut sealed_put, mut bare_put) = (Vec::new(), Vec::new());
    for round in 0..600u32 {
        let handle = round % 100;
        let group = PinGroup { policy: 1, signature: false, pin: Secret::new(b"1563".to_vec()), error_count: 1 };
        let mut put_sealed = || {
            sealed_put.push(timed(|| {
                let mut txn = store.begin()?;
                txn.put(Address::PinGroup(handle), Record::PinGroup(group.clone()))?;
                Ok(txn.commit()?)
            })?);
            Ok::<(), Box<dyn Error>>(())
        };
        // The second of two writes may find the disk busy with the first: take turns.
        if round % 2 == 0 {
            put_sealed()?;
        }
        bare_put.push(timed(|| {
            let mut txn = bare.begin()?;
            // As long as a sealed PIN group, and other bytes each time, as sealed ones are.
            let value = [round as u8; 180];
            txn.put(TREE, &handle.to_be_bytes(), &value)?;
            Ok(txn.commit()?)
        })?);
        if round % 2 == 1 {
            put_sealed()?;
        }
    }
    let (mut sealed_get, mut bare_get) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        sealed_get.push(timed(|| {
            for handle in 0..100 {
                black_box(store.get(&Address::PinGroup(handle))?);
            }
            Ok(())
        })?);
        bare_get.push(timed(|| {
            for handle in 0..100u32 {
                black_box(bare.get(TREE, &handle.to_be_bytes())?);
            }
            Ok(())
        })?);
    }
    println!("{}", store.engine());
    report("durable put of one PIN group", sealed_put, bare_put, 1.0);
    report("get of a PIN group", sealed_get, bare_get, 100.0);
    Ok(())
}

fn timed(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn report(what: &str, sealed: Vec<Duration>, bare: Vec<Duration>, each: f64) {
    let (sealed, bare) = (median(sealed) / each, median(bare) / each);
    println!("{what}: sealed {sealed:.2} us, bare {bare:.2} us, ratio {:.2}", sealed / bare);
}

/// In microseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}
