//! Chromium with a client certificate from the token: headless for keys without a PIN; for those with one on a display of
//! the test's own, for it asks in a dialogue.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::slice;
use std::time::{Duration, Instant};

use crate::common::Daemon;
use crate::server::Server;
use crate::settings::printed;
use crate::{PIN, PUK, Program, WRONG_PIN, good, have, said, tries_lost, unlock, wait_for, words};

/// Where Chromium reads policies. Only there can the certificate be chosen without a dialogue.
const POLICIES: &str = "/etc/chromium/policies/managed";

const NEEDS: &[(&str, &str)] = &[
    ("chromium", "chromium"),
    ("certutil", "libnss3-tools"),
    ("modutil", "libnss3-tools"),
    ("openssl", "openssl"),
    ("timeout", "coreutils"),
];

const OPTIONS: &str = "--no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --ignore-certificate-errors \
                       --user-data-dir=chromium";

/// The policy that goes with a test: the certificate of this subject is shown to the server. Of a policy that is in several
/// files Chromium takes the last, so there is one file, the last by its name, and one test at a time has it.
struct Policy {
    _lock: File,
}

impl Policy {
    fn choose(port: u16, subject: &str) -> Option<Self> {
        let lock = File::create(std::env::temp_dir().join("sks-test-chromium.lock")).unwrap();
        lock.lock().unwrap();
        let rule = serde_json::json!({
            "pattern": format!("https://localhost:{port}"),
            "filter": { "SUBJECT": { "CN": subject } },
        });
        let text = serde_json::json!({ "AutoSelectCertificateForUrls": [rule.to_string()] }).to_string();
        let written = std::fs::create_dir_all(POLICIES).and_then(|()| std::fs::write(policy(), text));
        if written.is_err() {
            eprintln!("SKIPPED: {POLICIES} cannot be written, so chromium would ask which certificate to show");
        }
        written.ok().map(|()| Self { _lock: lock })
    }
}

fn policy() -> PathBuf {
    Path::new(POLICIES).join("zz-sks-test.json")
}

impl Drop for Policy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(policy());
    }
}

/// Makes the database and registers the module, as `sks pkcs11` says.
fn register(daemon: &Daemon) {
    for line in [printed(daemon, "mkdir", "nssdb"), printed(daemon, "modutil", "nssdb")] {
        good(&daemon.run("sh", ["-c", &line]));
    }
}

fn headless(daemon: &Daemon, port: u16, seconds: &str) -> Output {
    let line = format!("-k 5 {seconds} chromium --headless=new {OPTIONS} --dump-dom https://localhost:{port}/");
    daemon.run("timeout", words(&line))
}

#[test]
fn chromium_shows_its_certificate_from_the_token() {
    if !have(NEEDS) {
        return;
    }
    // Keys with a PIN beside it do no harm.
    let daemon = crate::token();
    let server = Server::tls(&daemon);
    let Some(_policy) = Policy::choose(server.port, "free ec") else { return };
    register(&daemon);
    let page = good(&headless(&daemon, server.port, "120"));
    assert!(page.contains("Client certificate") && page.contains("CN=free ec"), "{page}");
}

/// Headless it shows its dialogue to nobody, and waits.
#[test]
fn chromium_headless_waits_for_a_pin() {
    if !have(NEEDS) {
        return;
    }
    let daemon = Daemon::start();
    daemon.enroll("my ec", Some(PIN), Some(PUK), &[]);
    let server = Server::tls(&daemon);
    let Some(_policy) = Policy::choose(server.port, "my ec") else { return };
    register(&daemon);
    let ended = headless(&daemon, server.port, "15");
    assert_eq!(ended.status.code(), Some(124), "{}", said(&ended));
    assert_eq!(tries_lost(&daemon), 0);
}

/// A display that goes with the test.
struct Display {
    _server: Program,
    name: String,
}

impl Display {
    fn start(daemon: &Daemon) -> Self {
        let mut command = Command::new("Xvfb");
        // Without -noreset it begins anew when xdotool was its only client, and drops whoever connects just then.
        command.args(words("-displayfd 1 -screen 0 1000x800x24 -nolisten tcp -noreset")).stdin(Stdio::null());
        command.stdout(std::fs::File::create(daemon.path("display")).unwrap()).stderr(Stdio::null());
        let server = Program(command.spawn().unwrap());
        let number = wait_for("the display", || {
            let number = std::fs::read_to_string(daemon.path("display")).ok()?;
            number.ends_with('\n').then(|| number.trim().to_owned())
        });
        Self { _server: server, name: format!(":{number}") }
    }

    /// What xdotool says, if it finds what it is to find.
    fn xdotool(&self, daemon: &Daemon, line: &str) -> Option<String> {
        let output = daemon.run_with("xdotool", words(line), &[("DISPLAY", &self.name)], "");
        let told = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && !told.is_empty()).then_some(told)
    }

    /// Starts Chromium on the server's page, types PINs as it asks for them, and cancels when there are no more. Gives whether
    /// the page came, and how often it asked.
    fn visit(&self, daemon: &Daemon, port: u16, pins: &[&str]) -> (bool, usize) {
        let mut command = Command::new("timeout");
        daemon.environment(&mut command);
        command.args(words(&format!("-k 5 300 chromium {OPTIONS} https://localhost:{port}/")));
        command.env("DISPLAY", &self.name).current_dir(daemon.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut chromium = Program(command.spawn().unwrap());
        let mut pins = pins.iter();
        let mut asked = Vec::new();
        let title = wait_for("a page", || {
            assert_eq!(chromium.0.try_wait().unwrap(), None, "Chromium ended");
            if let Some(window) = self.xdotool(daemon, "search --onlyvisible --name ^Unlock") {
                self.answer(daemon, &mut asked, &window, &mut pins);
                return None;
            }
            self.xdotool(daemon, "search --onlyvisible --name ^localhost.*Chromium$ getwindowname")
        });
        drop(chromium);
        // An error's page has the title "localhost".
        (title.starts_with(&format!("localhost:{port} ")), asked.len())
    }

    /// Types the next PIN into a new dialogue; again into one that is still there after a while, for it may have been too
    /// early for it to take keys.
    fn answer<'a>(
        &self,
        daemon: &Daemon,
        asked: &mut Vec<Dialogue<'a>>,
        window: &str,
        pins: &mut slice::Iter<'a, &'a str>,
    ) {
        let known = asked.iter().position(|dialogue| dialogue.window == window).unwrap_or_else(|| {
            asked.push(Dialogue { window: window.to_owned(), pin: pins.next(), typed: None });
            asked.len() - 1
        });
        let dialogue = &mut asked[known];
        if dialogue.typed.is_some_and(|typed| typed.elapsed() < Duration::from_secs(8)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
        let keys = match dialogue.pin {
            Some(pin) => vec!["key", "ctrl+a", "type", pin, "key", "Return"],
            None => vec!["key", "Escape"],
        };
        self.xdotool(daemon, &format!("windowfocus {window}"));
        for key in keys.chunks(2) {
            self.xdotool(daemon, &key.join(" "));
        }
        dialogue.typed = Some(Instant::now());
    }
}

/// A dialogue that asks for a PIN.
struct Dialogue<'a> {
    window: String,
    /// None cancels it.
    pin: Option<&'a &'a str>,
    typed: Option<Instant>,
}

#[test]
fn chromium_meets_wrong_and_locked_pins() {
    if !have(NEEDS) || !have(&[("Xvfb", "xvfb"), ("xdotool", "xdotool")]) {
        return;
    }
    let daemon = Daemon::start();
    daemon.enroll("my ec", Some(PIN), Some(PUK), &[]);
    let server = Server::tls(&daemon);
    let Some(_policy) = Policy::choose(server.port, "my ec") else { return };
    register(&daemon);
    let display = Display::start(&daemon);
    let visit = |pins: &[&str]| {
        let (came, asked) = display.visit(&daemon, server.port, pins);
        (came, asked, tries_lost(&daemon))
    };
    // Whether the page came, how often it asked for a PIN, how many tries were lost. The last question is cancelled.
    assert_eq!(visit(&[WRONG_PIN]), (false, 2, 1));
    assert_eq!(visit(&[WRONG_PIN, PIN]), (true, 2, 0));
    // Once it is locked it does not ask again, and on the next visit the right PIN does not help.
    assert_eq!(visit(&[WRONG_PIN, WRONG_PIN, WRONG_PIN]), (false, 3, 3));
    assert_eq!(visit(&[PIN]), (false, 1, 3));
    unlock(&daemon, &["1"]);
    assert_eq!(visit(&[PIN]), (true, 1, 0));
}
