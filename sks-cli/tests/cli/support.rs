//! A daemon for a test, and the command as a user would call it.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sks_client::Client;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const SKS: &str = env!("CARGO_BIN_EXE_sks");
/// What the tests' keys have, unless a test is about them.
pub(crate) const PIN: &str = "1563";
pub(crate) const PUK: &str = "40917268";

/// A running token; it ends with this value.
pub(crate) struct Token {
    folder: TempDir,
    daemon: Child,
}

impl Token {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut serve = command(&folder, ["serve"]);
        let daemon = serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let token = Self { folder, daemon };
        let began = Instant::now();
        while Client::connect(&token.socket()).is_err() {
            let log = || std::fs::read_to_string(token.path("log")).unwrap();
            assert!(began.elapsed() < Duration::from_secs(30), "the token does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
        for (name, text) in [("pin", PIN), ("puk", PUK), ("wrong", "9988")] {
            token.write(name, text.as_bytes());
        }
        token
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("sks.sock")
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.socket()).unwrap()
    }

    /// A file in the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), content).unwrap();
        std::fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
        self.path(name)
    }

    /// `sks` with these arguments; an argument that begins with `@` is a file in the test's folder.
    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let expand = |argument: &str| match argument.strip_prefix('@') {
            Some(name) => self.path(name).into_os_string(),
            None => argument.into(),
        };
        command(&self.folder, arguments.into_iter().map(expand).collect::<Vec<_>>())
    }

    /// Runs `sks` without input.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.run_with(line, b"")
    }

    /// Runs `sks` with this input.
    pub(crate) fn run_with(&self, line: &str, input: &[u8]) -> Ran {
        Ran::of(self.command(line.split_whitespace()), input)
    }

    /// Runs `sks --json` and reads what it prints.
    pub(crate) fn json(&self, line: &str) -> Value {
        let ran = self.run(&format!("{line} --json")).ok();
        serde_json::from_slice(&ran.stdout).unwrap()
    }

    /// Enrolls a key with [`PIN`] and [`PUK`] and returns its handle.
    pub(crate) fn enroll(&self, options: &str) -> u64 {
        let line = format!("enroll --name Alice --new-pin-file @pin --puk-file @puk --out-cert @cert.pem {options}");
        self.json(&line)["key_handle"].as_u64().unwrap()
    }

    /// The protection of a key, as `sks key` shows it.
    pub(crate) fn protection(&self, key: u64) -> Value {
        self.json(&format!("key {key}"))["protection"].clone()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }
}

/// `sks` in an environment of its own: nothing of the user's is touched.
pub(crate) fn command(folder: &TempDir, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(SKS);
    command.args(arguments).current_dir(folder.path()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", folder.path()).env("XDG_DATA_HOME", folder.path().join("xdg"));
    command.env("SKS_STORE", folder.path().join("store")).env("SKS_SOCKET", folder.path().join("sks.sock"));
    command
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(mut command: Command, input: &[u8]) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        Self { code: status.code().unwrap(), stdout, stderr: String::from_utf8(stderr).unwrap() }
    }

    /// What it printed.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    /// It did it, and said nothing on stderr.
    pub(crate) fn ok(self) -> Self {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{}", self.text());
        self
    }

    /// It failed with this code, printed nothing, and said `words` on stderr.
    pub(crate) fn fails(self, code: i32, words: &str) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.text(), "");
        assert!(self.stderr.contains(words), "{words:?} is not in {:?}", self.stderr);
        assert!(!self.stderr.contains("panicked"));
        self
    }
}

/// Runs `openssl` in the token's folder: its output, or `None` where there is no such command. It must succeed.
pub(crate) fn openssl(token: &Token, line: &str) -> Option<String> {
    let ran = Command::new("openssl").args(line.split_whitespace()).current_dir(token.path("")).output();
    let Ok(Output { status, stdout, stderr }) = ran else {
        eprintln!("skipped, as there is no openssl: {line}");
        return None;
    };
    assert!(status.success(), "openssl {line}: {}", String::from_utf8_lossy(&stderr));
    Some(String::from_utf8_lossy(&stdout).into_owned())
}
