//! Reads the samples' files.

#![allow(unreachable_pub, dead_code, reason = "a module of several test binaries, none of which uses all")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A sample.
pub struct Sample {
    /// Of its file, without the ending.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The folders of samples.
pub fn folders() -> BTreeSet<String> {
    let entries = fs::read_dir(root()).expect("samples/").map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap());
    folders.filter(|name| !name.starts_with('.')).collect()
}

/// All samples of a folder.
pub fn samples(folder: &str) -> Vec<Sample> {
    let mut files: Vec<_> =
        fs::read_dir(root().join(folder)).expect(folder).map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Sample {
    let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
    let bytes = match file.extension().and_then(|ending| ending.to_str()) {
        Some("der") => fs::read(file).unwrap(),
        Some("txt") => fs::read_to_string(file).unwrap().split_whitespace().flat_map(run).collect(),
        _ => panic!("{}: neither .der nor .txt", file.display()),
    };
    Sample { name, bytes }
}

/// `<hex>`, or `<byte>*<count>`.
fn run(word: &str) -> Vec<u8> {
    let (piece, count) = word.split_once('*').map_or((word, 1), |(piece, count)| (piece, count.parse().unwrap()));
    hex::decode(piece).unwrap().repeat(count)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}
