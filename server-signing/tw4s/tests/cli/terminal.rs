//! `ask`: the prompt at a terminal of the test's own.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::support::Stage;

/// A command at a terminal, which shows its prompts; its stdout is apart.
struct Terminal {
    master: File,
    /// What the terminal showed.
    shown: String,
    child: Child,
}

impl Terminal {
    fn run(stage: &Stage, arguments: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = PathBuf::from(ptsname(&master, Vec::new()).unwrap().into_string().unwrap());
        let slave = OpenOptions::new().read(true).write(true).open(slave).unwrap();
        let command = stage.command(arguments);
        // It makes the terminal on its stdin that of a session of its own.
        let mut in_session = Command::new("setsid");
        in_session.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        in_session.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let child = in_session.stdin(slave).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        Self { master: File::from(master), shown: String::new(), child }
    }

    /// Waits for a prompt, and types when the terminal does not show it any more.
    fn answer(&mut self, prompt: &str, typed: &str) {
        let mut buffer = [0; 256];
        while !self.shown.ends_with(prompt) {
            let read =
                self.master.read(&mut buffer).unwrap_or_else(|error| panic!("{prompt}: {error}: {}", self.shown));
            self.shown.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        let began = Instant::now();
        while tcgetattr(self.master.as_fd()).unwrap().local_modes.contains(LocalModes::ECHO) {
            assert!(began.elapsed() < Duration::from_secs(60), "{prompt}: what is typed is shown");
            thread::sleep(Duration::from_millis(5));
        }
        self.master.write_all(format!("{typed}\n").as_bytes()).unwrap();
    }

    /// What it said on stdout, its exit code, and all that the terminal showed.
    fn end(mut self) -> (String, Option<i32>, String) {
        let mut buffer = [0; 256];
        // Its end is an error.
        while let Ok(read @ 1..) = self.master.read(&mut buffer) {
            self.shown.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        let ran = self.child.wait_with_output().unwrap();
        (String::from_utf8(ran.stdout).unwrap(), ran.status.code(), self.shown)
    }
}

const INIT: &[&str] = &["manageFW", "init", "LogonPass=anna,ask", "LogonPass=bert,ask", "0"];
const IMPORT: &[&str] = &["manageFW", "setidpkeys", "LogonPass=anna,ask", "LogonPass=bert,ask", "$idp.der"];

#[test]
fn credentials_are_asked_for_at_the_terminal_and_not_shown() {
    let stage = Stage::new();
    stage.ok(&["checksumSAM"]);
    fs::write(stage.path("idp.der"), crate::support::idp().certificate()).unwrap();
    let mut terminal = Terminal::run(&stage, INIT);
    for (name, credential) in [("anna", "geheim-1"), ("bert", "geheim-2")] {
        terminal.answer(&format!("New credential of {name}: "), credential);
        terminal.answer(&format!("Again: new credential of {name}: "), credential);
    }
    let (stdout, code, shown) = terminal.end();
    assert_eq!((stdout.as_str(), code), ("Initialization of SAM Firmware ... ok\n", Some(0)), "{shown}");
    assert!(!shown.contains("geheim"), "{shown}");
    for (credential, line, exit) in
        [("geheim-3", "Import of Public Keys ... failed\n", 1), ("geheim-2", "Import of IdP Public Keys ... ok\n", 0)]
    {
        let mut terminal = Terminal::run(&stage, IMPORT);
        terminal.answer("Credential of anna: ", "geheim-1");
        terminal.answer("Credential of bert: ", credential);
        let (stdout, code, shown) = terminal.end();
        assert_eq!((stdout.as_str(), code), (line, Some(exit)), "{shown}");
        assert!(!shown.contains("geheim"), "{shown}");
    }
}

/// Nobody sees what is typed, and a slip of the fingers would be the credential for good.
#[test]
fn a_new_credential_is_asked_for_twice() {
    let stage = Stage::new();
    let mut terminal = Terminal::run(&stage, INIT);
    terminal.answer("New credential of anna: ", "geheim-1");
    terminal.answer("Again: new credential of anna: ", "geheim-l");
    let (stdout, code, shown) = terminal.end();
    assert_eq!((stdout.as_str(), code), ("", Some(2)), "{shown}");
    assert!(!stage.path("home/firmware/state").exists());
}

#[test]
fn without_a_terminal_the_file_is_named_as_the_way() {
    let stage = Stage::new();
    let command = stage.command(INIT);
    let mut detached = Command::new("setsid");
    detached.arg("--wait").arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    let ran = detached.env("TW4S_HOME", stage.path("home")).output().unwrap();
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert_eq!((ran.status.code(), ran.stdout.len()), (Some(2), 0));
    assert!(stderr.contains("no terminal to ask at: give file:PATH"), "{stderr}");
}
