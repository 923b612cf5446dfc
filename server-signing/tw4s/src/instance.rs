//! An instance of a process: its name, and the lock that says whether it runs.
//!
//! The running process holds a lock on a file for as long as it lives, and has written its number there. The lock goes
//! with the process however it ends, so that a file left over means nothing, and no number is believed that is not
//! under the lock. It also keeps a second process from the same store. A command that looks at a stopped instance holds
//! the lock as well, and says there what it does.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
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

/// The lock, held by the process that runs, or by a command that looks at what belongs to it.
#[derive(Debug)]
pub(crate) struct Running {
    _file: File,
}

impl Running {
    /// Takes the lock for this process; `None` when another process has it, and an error when a command has.
    pub(crate) fn claim(path: &Path) -> io::Result<Option<Self>> {
        Self::take(path, "")
    }

    /// Takes the lock for a command, while `what` it does.
    pub(crate) fn hold(path: &Path, what: &str) -> io::Result<Option<Self>> {
        Self::take(path, &format!(" {what}"))
    }

    fn take(path: &Path, what: &str) -> io::Result<Option<Self>> {
        let mut file = open(path)?;
        let began = Instant::now();
        while !lock(&file)? {
            // Whoever only looks holds it for a moment.
            if began.elapsed() > GLANCE {
                return match content(&mut file)? {
                    Some((pid, what)) if !what.is_empty() => Err(InUse::new(path, pid, what).into()),
                    _ => Ok(None),
                };
            }
            std::thread::sleep(PAUSE);
        }
        file.set_len(0)?;
        writeln!(file, "{}{what}", std::process::id())?;
        Ok(Some(Self { _file: file }))
    }
}

/// A command has the lock.
#[derive(Debug, thiserror::Error)]
#[error("{} is held by the command with process number {pid}, which {what}: try again when it has ended", path.display())]
pub(crate) struct InUse {
    path: PathBuf,
    pid: u32,
    what: String,
}

impl InUse {
    fn new(path: &Path, pid: Pid, what: String) -> Self {
        Self { path: path.to_owned(), pid: unsigned(pid), what }
    }
}

impl From<InUse> for io::Error {
    fn from(in_use: InUse) -> Self {
        Self::new(io::ErrorKind::ResourceBusy, in_use)
    }
}

/// A running process, as another sees it.
#[derive(Debug)]
pub(crate) struct Found {
    pid: Pid,
    handle: OwnedFd,
}

/// Who has a lock.
#[derive(Debug)]
pub(crate) enum Holder {
    /// The process that it is for.
    Process(Found),
    /// A command.
    Command(InUse),
}

impl Found {
    /// The process that holds the lock, if one does. A command that does is an error.
    pub(crate) fn look(path: &Path) -> io::Result<Option<Self>> {
        match Holder::look(path)? {
            None => Ok(None),
            Some(Holder::Process(found)) => Ok(Some(found)),
            Some(Holder::Command(in_use)) => Err(in_use.into()),
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        unsigned(self.pid)
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

    /// Whether it has ended. By its handle and not by the lock, which another may have by then.
    fn wait(&self, patience: Duration) -> io::Result<bool> {
        let began = Instant::now();
        loop {
            let left = patience.saturating_sub(began.elapsed());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            match poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&left)) {
                Err(Errno::INTR) => {}
                ended => return Ok(ended? > 0),
            }
        }
    }
}

impl Holder {
    /// Whoever holds the lock.
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
            if let Some((pid, what)) = content(&mut file)?
                && let Ok(handle) = pidfd_open(pid, PidfdFlags::empty())
                // Still locked, still the same number: then the handle is of the process that holds the lock.
                && is_locked(&file)?
                && content(&mut file)? == Some((pid, what.clone()))
            {
                return Ok(Some(match what.is_empty() {
                    true => Self::Process(Found { pid, handle }),
                    false => Self::Command(InUse::new(path, pid, what)),
                }));
            }
            // It has the lock and has not written its number yet.
            if began.elapsed() > PATIENCE {
                return Err(io::Error::other(format!("{} is locked by no process that can be told", path.display())));
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// The turn of a command that starts or ends processes: one at a time in a home, so that no stop takes away the
/// firmware that a start has just found. It ends with this value.
#[derive(Debug)]
pub(crate) struct Turn {
    _file: File,
}

impl Turn {
    /// Waits for it.
    pub(crate) fn take(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                taken => return Ok(taken.map(|()| Self { _file: file })?),
            }
        }
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

/// The number of the process that has, or had, the lock; behind it what a command does. Damaged content is none.
fn content(file: &mut File) -> io::Result<Option<(Pid, String)>> {
    let mut text = String::new();
    file.rewind()?;
    let read = file.take(MAX_CONTENT).read_to_string(&mut text);
    let Some(line) = text.strip_suffix('\n').filter(|_| read.is_ok()) else { return Ok(None) };
    let (number, what) = line.split_once(' ').unwrap_or((line, ""));
    Ok(number.parse().ok().and_then(Pid::from_raw).map(|pid| (pid, what.to_owned())))
}

fn unsigned(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// Bytes of the lock's file: a number and a few words.
const MAX_CONTENT: u64 = 128;
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

    /// Nobody ends a command as if it were the instance, and nobody takes it for the instance.
    #[test]
    fn a_command_that_has_the_lock_is_told_from_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = Running::hold(&path, "reads its audit log").unwrap().unwrap();
        assert!(matches!(Holder::look(&path).unwrap(), Some(Holder::Command(_))));
        for error in [Found::look(&path).unwrap_err(), Running::claim(&path).unwrap_err()] {
            assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
            assert!(error.to_string().contains("which reads its audit log"), "{error}");
        }
        drop(held);
        assert!(Holder::look(&path).unwrap().is_none());
        assert!(Running::claim(&path).unwrap().is_some());
    }

    #[test]
    fn one_has_its_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("turn");
        let first = Turn::take(&path).unwrap();
        let second = std::thread::spawn({
            let path = path.clone();
            move || Turn::take(&path).map(|_| Instant::now())
        });
        std::thread::sleep(PAUSE * 5);
        let given = Instant::now();
        drop(first);
        assert!(second.join().unwrap().unwrap() >= given);
    }
}
