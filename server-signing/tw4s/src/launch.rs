//! Starting the subsystem's processes: this very binary again, cut off from the terminal.
//!
//! A process says on its stdout, in one word, how its start went, and then uses it no more.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::args::Common;
use crate::checksum::OWN_BINARY;
use crate::exit::Failure;
use crate::home::{Home, Place};
use crate::instance::{Found, InstanceId};

/// How a start went.
#[derive(Debug)]
pub(crate) enum Launched {
    /// It runs now.
    New,
    /// It ran before.
    Before,
}

/// Starts the firmware process, if it does not run, and an instance's service.
pub(crate) fn both(common: &Common, home: &Home, id: &InstanceId, require_memlock: bool) -> Result<Launched, Failure> {
    let own = matches!(firmware(common, home, require_memlock)?, Launched::New);
    let service = launch(home, &home.service(id), &["serve-sam", &id.to_string()]);
    if service.is_err() && own {
        // Nobody else needs it yet. That it may stay is no second failure.
        let _ = Found::look(&home.firmware().lock).map(|found| found.map(|found| found.stop(PATIENCE)));
    }
    service
}

/// Starts the firmware process, if it does not run.
pub(crate) fn firmware(common: &Common, home: &Home, require_memlock: bool) -> Result<Launched, Failure> {
    let place = home.firmware();
    if Found::look(&place.lock)?.is_some() {
        return Ok(Launched::Before);
    }
    common.note("the firmware process is started");
    let arguments: &[&str] =
        if require_memlock { &["serve-firmware", "--require-memlock"] } else { &["serve-firmware"] };
    launch(home, &place, arguments)
}

fn launch(home: &Home, place: &Place, arguments: &[&str]) -> Result<Launched, Failure> {
    let what = place.name.as_str();
    let starting = || Failure::doing(format!("starting {what}"));
    let mut child = spawn(home, place, arguments).map_err(starting())?;
    let said = match child.stdout.take() {
        Some(stdout) => first_line(stdout).map_err(|error| {
            // It must not come up later, when its start has been called off. Killed, its store survives.
            let _ = child.kill();
            starting()(error)
        })?,
        None => String::new(),
    };
    match said.split_once(' ').unwrap_or((said.trim_end(), "")) {
        (READY, _) => Ok(Launched::New),
        (RUNNING, _) => Ok(Launched::Before),
        (FAILED, cause) => Err(Failure::text(format!("{what} does not start: {}", cause.trim_end()))),
        _ => Err(Failure::text(format!("{what} does not start; its log is {}", place.log.display()))),
    }
}

fn spawn(home: &Home, place: &Place, arguments: &[&str]) -> io::Result<Child> {
    std::fs::create_dir_all(&place.folder)?;
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&place.log)?;
    let mut command = Command::new(OWN_BINARY);
    command.arg0("tw4s").args(arguments).arg("--home").arg(home.path());
    // A group of its own: an interrupt at the terminal is not for it.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).process_group(0).current_dir("/");
    command.spawn()
}

/// What the process says; empty when it ends without a word.
fn first_line(stdout: ChildStdout) -> io::Result<String> {
    let patience = Timespec { tv_sec: START_PATIENCE, tv_nsec: 0 };
    if poll(&mut [PollFd::new(&stdout, PollFlags::IN)], Some(&patience))? == 0 {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not say that it is ready"));
    }
    let mut line = String::new();
    // It says less; more would be no word of ours.
    BufReader::new(stdout.take(4096)).read_line(&mut line)?;
    Ok(line)
}

/// Says to whoever started this process that it is at work.
pub(crate) fn say_ready() {
    say(READY);
}

/// Says that another such process runs.
pub(crate) fn say_running() {
    say(RUNNING);
}

/// Says why this process does not start.
pub(crate) fn say_failed(cause: &Failure) {
    say(&format!("{FAILED} {}", cause.to_string().replace('\n', " ")));
}

fn say(text: &str) {
    // Whoever does not listen any more does not need it.
    let mut out = io::stdout().lock();
    let _ = out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush());
}

const READY: &str = "ready";
const RUNNING: &str = "running";
const FAILED: &str = "failed";

/// Seconds that a start may take: a large database is recovered in some.
const START_PATIENCE: i64 = 120;
/// How long a process may take to end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
