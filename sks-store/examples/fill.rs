//! Fills a store with synthetic keys, opens it again and reads some: `fill DIR KEYS [sled|redb]`.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::time::Instant;

use sks_core::ports::{Read, StoreError};
use sks_core::record::Address;
use sks_store::fill::{Template, fill};
use sks_store::{KeySource, OpenOptions, SealedStore};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, dir, keys, engine @ ..] = arguments.as_slice() else {
        return Err("usage: fill DIR KEYS [sled|redb]".into());
    };
    let dir = Path::new(dir);
    let engine = engine.first().map(|name| name.parse()).transpose()?;
    let options = OpenOptions { engine, ..OpenOptions::new(KeySource::File(SealedStore::default_key_file(dir))) };

    let store = SealedStore::open(dir, options.clone())?;
    let start = Instant::now();
    let handles = fill(&store, &Template::of_no_use(), keys.parse()?, 100)?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}: {} keys in {seconds:.1} s, {:.0} MiB on disk",
        store.engine(),
        handles.len(),
        size(dir)? as f64 / 1048576.0
    );
    drop(store);

    let start = Instant::now();
    let store = SealedStore::open(dir, options)?;
    println!("open: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    if let Some(last) = handles.last() {
        read("one PIN group", &store, std::iter::repeat_n(*last, 100_000))?;
        // 7919 is prime: all handles, in an order that no cache guesses.
        let scattered = (0..handles.len()).filter_map(|nth| handles.get(nth * 7919 % handles.len()).copied());
        read("scattered PIN groups", &store, scattered)?;
    }
    let status = fs::read_to_string("/proc/self/status")?;
    status
        .lines()
        .filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"))
        .for_each(|line| println!("{line}"));
    Ok(())
}

fn read(what: &str, store: &dyn Read, handles: impl Iterator<Item = u32>) -> Result<(), StoreError> {
    let (start, mut count) = (Instant::now(), 0u32);
    for handle in handles {
        black_box(store.get(&Address::PinGroup(handle))?);
        count += 1;
    }
    println!("{what}: {:.2} us each", start.elapsed().as_secs_f64() * 1e6 / f64::from(count.max(1)));
    Ok(())
}

fn size(dir: &Path) -> io::Result<u64> {
    fs::read_dir(dir)?.try_fold(0, |sum, entry| {
        let entry = entry?;
        Ok(sum + if entry.file_type()?.is_dir() { size(&entry.path())? } else { entry.metadata()?.len() })
    })
}
