//! A token of the demo's or the benchmark's own: this executable again, as a daemon on a store and a socket that go
//! away with it.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sks_client::Client;
use tempfile::TempDir;

use crate::exit::Failure;

/// How long the daemon may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(5);

/// A running daemon. It ends with this value, and so does its folder.
pub(crate) struct Token {
    folder: TempDir,
    daemon: Option<Child>,
}

impl Token {
    /// Starts a token on an empty store and waits until it answers.
    pub(crate) fn start() -> Result<Self, Failure> {
        let mut token = Self::prepare()?;
        token.restart()?;
        Ok(token)
    }

    /// Makes the folder for a token that is started later.
    pub(crate) fn prepare() -> Result<Self, Failure> {
        let folder = program::temporary::folder("sks-demo-").map_err(Failure::doing("making a temporary folder"))?;
        Ok(Self { folder, daemon: None })
    }

    /// Starts the daemon (again) on the store as it is.
    pub(crate) fn restart(&mut self) -> Result<(), Failure> {
        let starting = |error| Failure::doing("starting the token")(error);
        let log = File::create(self.path("log")).map_err(starting)?;
        let mut command = Command::new(std::env::current_exe().map_err(starting)?);
        command.arg("serve").arg("--store").arg(self.store()).arg("--socket").arg(self.socket());
        for handed_over in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET"] {
            command.env_remove(handed_over);
        }
        // An interrupt at the terminal is for the teller, who stops the token.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
        self.daemon = Some(command.spawn().map_err(starting)?);
        let began = Instant::now();
        while let Err(failure) = self.connect() {
            let ended = self.daemon.as_mut().and_then(|daemon| daemon.try_wait().ok().flatten());
            if ended.is_some() || began.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.path("log")).unwrap_or_default();
                return Err(Failure::text(format!("the token does not start: {failure}\n{log}")));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// A connection.
    pub(crate) fn connect(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.socket())?)
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.daemon.as_ref().map_or(0, Child::id)
    }

    /// Ends the daemon at once, as a power cut would.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().and_then(|()| daemon.wait()).map_err(Failure::doing("killing the token"))?;
        }
        Ok(())
    }

    /// Asks the daemon to end, waits for it, and removes its folder.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        self.halt()?;
        fs::remove_dir_all(self.folder.path()).map_err(Failure::doing("removing the token's store"))
    }

    /// Asks the daemon to end and waits for it; its store stays.
    pub(crate) fn halt(&mut self) -> Result<(), Failure> {
        match self.end() {
            Some(status) if !status.success() => Err(Failure::text(format!("the token ended with {status}"))),
            _ => Ok(()),
        }
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// Its store.
    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    fn end(&mut self) -> Option<ExitStatus> {
        let mut daemon = self.daemon.take()?;
        let asked = Pid::from_raw(i32::try_from(daemon.id()).ok()?).map(|pid| kill_process(pid, Signal::TERM));
        let began = Instant::now();
        while matches!(asked, Some(Ok(()))) && began.elapsed() < PATIENCE {
            if let Ok(Some(status)) = daemon.try_wait() {
                return Some(status);
            }
            std::thread::sleep(PAUSE);
        }
        // Nothing more can be done if even this fails.
        let _ = daemon.kill();
        daemon.wait().ok()
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("sks.sock")
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(self.folder.path(), name)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.end();
    }
}
