//! An instance of a process: its name, and the lock that says whether it runs.
//!
//! The running process holds a lock on a file for as long as it lives, and has written its number there. The lock goes
//! with the process however it ends, so that a file left over means nothing, and no number is believed that is not
//! under the lock. It also keeps a second process from the same store.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// `<instanceId>`: it becomes part of a folder's name, so it is kept plain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InstanceId(String);

impl FromStr for InstanceId {
    type Err = InstanceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.is_empty() || text.len() > MAX_ID || !text.bytes().all(plain) {
            return Err(InstanceIdError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// It is no instance id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an instance id has 1 to {MAX_ID} letters, digits, '-' or '_'")]
pub(crate) struct InstanceIdError;

/// The lock, held by the process that runs.
#[derive(Debug)]
pub(crate) struct Running {
    _file: File,
}

impl Running {
    /// Takes the lock for this process; `None` when another has it.
    pub(crate) fn claim(path: &Path) -> io::Result<Option<Self>> {
        let mut file = open(path)?;
        let began = Instant::now();
        while !lock(&file)? {
            // Whoever only looks holds it for a moment.
            if began.elapsed() > GLANCE {
                return Ok(None);
            }
            std::thread::sleep(PAUSE);
        }
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Some(Self { _file: file }))
    }
}

/// A running process, as another sees it.
#[derive(Debug)]
pub(crate) struct Found {
    pid: Pid,
    handle: rustix::fd::OwnedFd,
    file: File,
}

impl Found {
    /// The process that holds the lock, if one does.
    pub(crate) fn look(path: &Path) -> io::Result<Option<Self>> {
        let began = Instant::now();
        loop {
            let mut file = match OpenOptions::new().read(true).open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other?,
            };
            if !is_locked(&file)? {
                return Ok(None);
            }
            if let Some(pid) = number(&mut file)?
                && let Ok(handle) = pidfd_open(pid, PidfdFlags::empty())
                // Still locked, still the same number: then the handle is of the process that holds the lock.
                && is_locked(&file)?
                && number(&mut file)? == Some(pid)
            {
                return Ok(Some(Self { pid, handle, file }));
            }
            // It has the lock and has not written its number yet.
            if began.elapsed() > PATIENCE {
                return Err(io::Error::other(format!("{} is locked by no process that can be told", path.display())));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Asks it to end and waits; one that does not end within `patience` is killed, which its store survives.
    pub(crate) fn stop(self, patience: Duration) -> io::Result<()> {
        self.signal(Signal::TERM)?;
        if self.wait(patience)? {
            return Ok(());
        }
        self.signal(Signal::KILL)?;
        if self.wait(patience)? { Ok(()) } else { Err(io::Error::other("it does not end, not even by SIGKILL")) }
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.handle, signal) {
            // It has ended by itself.
            Err(Errno::SRCH) => Ok(()),
            other => Ok(other?),
        }
    }

    fn wait(&self, patience: Duration) -> io::Result<bool> {
        let began = Instant::now();
        while is_locked(&self.file)? {
            if began.elapsed() > patience {
                return Ok(false);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(true)
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Not truncated: that is for whoever has the lock.
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn lock(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether another holds it. The try is for a shared lock and let go at once, so that two who look do not see each other.
fn is_locked(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            flock(file, FlockOperation::Unlock)?;
            Ok(false)
        }
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn number(file: &mut File) -> io::Result<Option<Pid>> {
    let mut text = String::new();
    file.rewind()?;
    // A decimal number of 32 bits and a line's end; damaged content is no number.
    let read = file.take(16).read_to_string(&mut text);
    Ok(read.ok().and_then(|_| text.trim().parse().ok()).and_then(Pid::from_raw))
}

const MAX_ID: usize = 32;
/// How long a process may take between its lock and its number.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the lock may be held by those who only look.
const GLANCE: Duration = Duration::from_millis(200);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_folder() {
        for bad in ["", ".", "..", "1/2", "a b", "é", "a\n", &"x".repeat(33)] {
            assert_eq!(bad.parse::<InstanceId>(), Err(InstanceIdError), "{bad}");
        }
        assert_eq!("Sam-1_b".parse::<InstanceId>().unwrap().to_string(), "Sam-1_b");
    }

    #[test]
    fn the_lock_says_who_runs_and_a_stale_number_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sam1/lock");
        assert!(Found::look(&path).unwrap().is_none());
        let running = Running::claim(&path).unwrap().unwrap();
        assert!(Running::claim(&path).unwrap().is_none());
        assert_eq!(Found::look(&path).unwrap().unwrap().pid(), std::process::id());
        drop(running);
        assert!(fs::read_to_string(&path).unwrap().starts_with(&std::process::id().to_string()));
        assert!(Found::look(&path).unwrap().is_none());
        assert!(Running::claim(&path).unwrap().is_some());
    }
}
