//! Keys from files, and random numbers that are the same each time.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use sha2::{Digest, Sha256};
use sks_core::ports::{Rng, RngError};

/// Counts up: every fill gives other bytes, every run the same.
pub(crate) struct Counting(AtomicU64);

impl Counting {
    pub(crate) fn new(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }
}

impl Rng for Counting {
    fn fill(&self, out: &mut [u8]) -> Result<(), RngError> {
        for chunk in out.chunks_mut(32) {
            let block = Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

/// Gives 00 01 02 and so on: the golden vectors' IV.
pub(crate) struct Ascending;

impl Rng for Ascending {
    fn fill(&self, out: &mut [u8]) -> Result<(), RngError> {
        for (slot, byte) in out.iter_mut().zip(0..) {
            *slot = byte;
        }
        Ok(())
    }
}

/// Has none.
pub(crate) struct Broken;

impl Rng for Broken {
    fn fill(&self, _: &mut [u8]) -> Result<(), RngError> {
        Err(RngError)
    }
}

pub(crate) fn key(name: &str) -> Vec<u8> {
    file(&format!("tests/keys/{name}.der"))
}

pub(crate) fn spki(name: &str) -> Vec<u8> {
    file(&format!("tests/keys/{name}.spki"))
}

pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&file(name)).unwrap()
}

pub(crate) fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A hex string's bytes.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}
