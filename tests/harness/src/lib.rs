//! What test programs of several crates share, whatever they store.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{BufRead, BufReader, Write, stdout};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

const DIR: &str = "HARNESS_DIR";
const ENGINE: &str = "HARNESS_ENGINE";

/// A test of the calling program that is no test: run in a process of its own, which is killed while it works.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Its path, as `--exact` takes it. It is `#[ignore]`d.
    pub test: &'static str,
}

impl Load {
    /// Starts it on a store, kills it after a while, and returns what it said that it had done. With `once_open`, the
    /// while begins when it has opened the store, so that opening is not what is killed.
    #[must_use]
    pub fn run_and_kill(self, dir: &Path, engine: &str, patience: Duration, once_open: bool) -> Vec<u64> {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", self.test, "--nocapture"])
            .env(DIR, dir)
            .env(ENGINE, engine)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        if once_open {
            lines.find(|line| line.as_ref().is_ok_and(|line| line == "open"));
        }
        thread::sleep(patience);
        child.kill().unwrap();
        child.wait().unwrap();
        let numbers = lines.map_while(Result::ok);
        numbers.filter_map(|line| line.strip_prefix("ack ")?.parse().ok()).collect()
    }
}

/// In the process of a [`Load`]: the store's directory and engine. [`None`] if it was started otherwise.
#[must_use]
pub fn to_load() -> Option<(PathBuf, String)> {
    Some((env::var_os(DIR)?.into(), env::var(ENGINE).ok()?))
}

/// In the process of a [`Load`]: the store is open.
pub fn say_open() {
    say("open");
}

/// In the process of a [`Load`]: this is acknowledged.
pub fn say_done(number: u64) {
    say(&format!("ack {number}"));
}

/// On a line of its own, whatever the test runner has written before it.
fn say(line: &str) {
    let mut stdout = stdout().lock();
    stdout.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    stdout.flush().unwrap();
}

/// Copies a store into a directory that is there, with the modes of a store, which git does not keep.
pub fn copy_store(from: &Path, to: &Path) {
    fs::set_permissions(to, Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_store(&entry.path(), &target);
        } else {
            write_private(&target, &fs::read(entry.path()).unwrap());
        }
    }
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(bytes).unwrap();
}
