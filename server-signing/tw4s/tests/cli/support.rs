//! A home of a test's own, and the binary called in it.

use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// What a call said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) code: Option<i32>,
}

/// A folder with a home, two administrators, a master backup key, and what may be tampered with. Instances that still
/// run are stopped at the end.
pub(crate) struct Stage {
    folder: TempDir,
    binary: PathBuf,
    /// For each command.
    variables: Vec<(&'static str, OsString)>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tw4s").tempdir().unwrap();
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_tw4s"));
        let stage = Self { folder, binary, variables: Vec::new() };
        fs::create_dir_all(stage.path("home/slots")).unwrap();
        stage.secret("home/slots/0", &[7; 32]);
        stage.secret("home/slots/short", &[7; 31]);
        stage.secret("anna", b"eins\n");
        stage.secret("bert", b"zwei\n");
        stage.secret("wrong", b"drei\n");
        stage
    }

    /// With a copy of the binary, which may be tampered with.
    pub(crate) fn with_copy() -> Self {
        let mut stage = Self::new();
        let copy = stage.path("tw4s");
        fs::copy(&stage.binary, &copy).unwrap();
        stage.binary = copy;
        stage
    }

    /// With the checksum made, the firmware initialised and, as it were, an identity provider imported.
    pub(crate) fn initialised() -> Self {
        let stage = Self::new();
        stage.ok(&["checksumSAM"]);
        stage.ok(&["manageFW", "init", "LogonPass=anna,file:$anna", "LogonPass=bert,file:$bert", "0"]);
        stage
    }

    /// Sets a variable for the commands to come.
    pub(crate) fn set(&mut self, variable: &'static str, value: impl Into<OsString>) {
        self.variables.push((variable, value.into()));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn secret(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
    }

    /// Appends a byte to a file.
    pub(crate) fn append(&self, name: &str) {
        OpenOptions::new().append(true).open(self.path(name)).unwrap().write_all(b"x").unwrap();
    }

    /// Turns the lowest bit of a file's first byte.
    pub(crate) fn flip(&self, name: &str) {
        let mut bytes = fs::read(self.path(name)).unwrap();
        // Between hexadecimal digits, so that the file stays a checksum.
        bytes[0] = if bytes[0] == b'0' { b'1' } else { b'0' };
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Runs a command; `$name` in an argument is a file's path.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_as(&self.binary, arguments)
    }

    pub(crate) fn run_as(&self, binary: &Path, arguments: &[&str]) -> Output {
        let mut command = self.command_of(binary, arguments);
        // While another test forks, its child has this one's copy of the binary open for writing for a moment.
        loop {
            match command.output() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::sleep(Duration::from_millis(20)),
                ran => return ran.unwrap(),
            }
        }
    }

    /// A command to be run by the test itself.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&self.binary, arguments)
    }

    fn command_of(&self, binary: &Path, arguments: &[&str]) -> Command {
        let arguments = arguments.iter().map(|argument| match argument.split_once('$') {
            Some((before, name)) => format!("{before}{}", self.path(name).display()),
            None => (*argument).to_owned(),
        });
        let mut command = Command::new(binary);
        command.args(arguments).env("TW4S_HOME", self.path("home")).envs(self.variables.clone());
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// What a command says on stdout, and its exit code. It says nothing on stderr unless it is told to.
    pub(crate) fn says(&self, arguments: &[&str]) -> Said {
        let Output { status, stdout, stderr } = self.run(arguments);
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(status.code() == Some(2) || stderr.is_empty(), "{arguments:?}: {stderr}");
        Said { stdout: String::from_utf8(stdout).unwrap(), code: status.code() }
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let said = self.says(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        said.stdout
    }

    /// The number in a lock file.
    pub(crate) fn pid(&self, process: &str) -> i32 {
        fs::read_to_string(self.path(&format!("home/{process}/lock"))).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let Ok(entries) = fs::read_dir(self.path("home")) else { return };
        for name in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
            if let Some(id) = name.strip_prefix("sam") {
                self.run_as(Path::new(env!("CARGO_BIN_EXE_tw4s")), &["manageSAM", "stop", id]);
            }
        }
    }
}

/// An identity provider.
pub(crate) fn idp() -> parties::Authority {
    parties::Authority::new("CN=Test IdP").unwrap()
}

#[allow(dead_code, reason = "shared with the demo and the benchmark, which use more of it")]
#[path = "../../src/parties.rs"]
pub(crate) mod parties;
