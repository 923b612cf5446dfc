//! Plays vectors/dialogues on every store, with equal results; together they show every refusal that a caller can cause.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sks_core::ports::Store;
use sks_core::refusal::Refusal;
use sks_store::{Engine, KeySource, OpenOptions, SealedStore};
use sks_tests::dialogue::{Played, play};
use sks_tests::{MemStore, Stage};
use tempfile::TempDir;

/// Refusals that no caller causes, and why.
const INTERNAL: &[(&str, &str)] = &[
    ("TooManyExtensions", "65,536 calls: the limit of getKeyAttributes' count"),
    ("StoreFailed", "the disk's failure"),
    ("StoreDamaged", "somebody else's writing in the store"),
    ("HandlesExhausted", "four thousand million calls"),
    ("Engine", "a failure of the cryptographic engine"),
    ("Random", "a failure of the system's random numbers"),
    ("Defect", "a fault of the token"),
];

fn dialogues() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/dialogues");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "txt"))
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn in_memory() -> Stage {
    let store = MemStore::default();
    Stage::new(move |full| {
        store.set_full(full);
        Arc::new(store.clone())
    })
}

/// A store is full when all the free space is kept for removals.
fn sealed(engine: Engine) -> Stage {
    let dir = TempDir::new().unwrap();
    Stage::new(move |full| -> Arc<dyn Store> {
        let path = dir.path().join("store");
        let mut options = OpenOptions::new(KeySource::File(SealedStore::default_key_file(&path)));
        options.engine = Some(engine);
        options.reserve_bytes = full.then_some(1 << 60);
        Arc::new(SealedStore::open(&path, options).unwrap())
    })
}

#[test]
fn all_stores_play_the_same() {
    for (name, text) in dialogues() {
        let played = play(&name, &text, in_memory());
        for engine in [Engine::Sled, Engine::Redb] {
            assert_eq!(play(&name, &text, sealed(engine)), played, "{name} on {engine:?}");
        }
    }
}

#[test]
fn every_refusal_that_a_caller_can_cause_is_shown() {
    let mut shown = BTreeSet::new();
    for (name, text) in dialogues() {
        let Played { refusals, .. } = play(&name, &text, in_memory());
        shown.extend(refusals);
    }
    let all: BTreeSet<String> = Refusal::ALL.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let internal = INTERNAL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let missing: Vec<&String> = all.difference(&shown).collect();
    assert_eq!(all.difference(&shown).cloned().collect::<BTreeSet<_>>(), internal, "not shown: {missing:?}");
}
