//! PINs at a terminal: asked for without echo, and refused where there is none.
//!
//! `setsid` of util-linux gives the command a terminal of its own, or none.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::support::{PIN, Ran, Token};

#[test]
fn without_a_terminal_a_file_is_asked_for() {
    let token = Token::start();
    let key = token.enroll("");
    let Some(sks) = in_session(&token, &["--wait"], &format!("sign {key} --hash {}", "00".repeat(32))) else { return };
    Ran::of(sks, PIN.as_bytes()).fails(2, "there is no terminal to ask at: give --pin-file");
    let sks = in_session(&token, &["--wait"], "enroll --name Bob").unwrap();
    Ran::of(sks, b"").fails(2, "give --new-pin-file");
    assert_eq!(token.json("keys").as_array().unwrap().len(), 1);
    assert_eq!(token.protection(key)["pin_error_count"], 0);
}

#[test]
fn a_pin_is_asked_for_without_echo() {
    let token = Token::start();
    let key = token.enroll("");
    let line = format!("sign {key} --hash {}", "00".repeat(32));
    let Some((code, shown)) = converse(&token, &line, &[(&format!("PIN of key {key}: "), PIN)]) else { return };
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains(PIN), "{shown}");
    assert!(shown.contains("ME"), "{shown}");
    let (code, shown) = converse(&token, &line, &[("PIN of key", "9988")]).unwrap();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("ERROR_AUTHORIZATION") && !shown.contains("9988"), "{shown}");
}

#[test]
fn a_new_pin_is_asked_for_twice() {
    let token = Token::start();
    let line = "enroll --name Bob --with-puk";
    let all =
        [("New PIN: ", "2846"), ("New PIN again: ", "2846"), ("New PUK: ", "86420"), ("New PUK again: ", "86420")];
    let Some((code, shown)) = converse(&token, line, &all) else { return };
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("2846") && !shown.contains("86420"), "{shown}");
    let key = token.json("keys")[0]["key_handle"].as_u64().unwrap();
    token.write("new", b"2846");
    token.run(&format!("sign {key} --hash {} --pin-file @new", "00".repeat(32))).ok();

    let line = format!("change-pin {key}");
    let other = [("PIN of key", "2846"), ("New PIN: ", "1111"), ("New PIN again: ", "1112")];
    let (code, shown) = converse(&token, &line, &other).unwrap();
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("the two PINs differ"), "{shown}");
    token.run(&format!("sign {key} --hash {} --pin-file @new", "00".repeat(32))).ok();
}

/// `sks` in a session of its own, if there is a `setsid`.
fn in_session(token: &Token, options: &[&str], line: &str) -> Option<Command> {
    if Command::new("setsid").arg("--version").output().is_err() {
        eprintln!("skipped, as there is no setsid: {line}");
        return None;
    }
    let sks = token.command(line.split_whitespace());
    let mut command = Command::new("setsid");
    command.args(options).arg(sks.get_program()).args(sks.get_args()).env_clear().current_dir(token.path(""));
    command.envs(sks.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(command)
}

/// Runs `sks` at a terminal: waits for each question, and for the echo to be off, and answers. Returns the exit code
/// and all that the terminal showed.
fn converse(token: &Token, line: &str, answers: &[(&str, &str)]) -> Option<(i32, String)> {
    let mut command = in_session(token, &["--ctty", "--wait"], line)?;
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let end = |slave: &OwnedFd| Stdio::from(slave.try_clone().unwrap());
    command.stdin(end(&slave)).stdout(end(&slave)).stderr(end(&slave));
    let mut child = command.spawn().unwrap();
    // Its own ends are closed, so that reading ends with the child.
    drop(command);
    let mut master = File::from(master);
    let pieces = read_all(master.try_clone().unwrap());
    let (mut shown, mut seen) = (String::new(), 0);
    for (question, answer) in answers {
        // The echo comes back before the next question is asked, and goes after it.
        wait_for(|| {
            shown.extend(pieces.try_iter());
            let asked = shown[seen..].find(question);
            let quiet = !tcgetattr(&slave).unwrap().local_modes.contains(LocalModes::ECHO);
            asked.filter(|_| quiet).inspect(|at| seen += at + question.len()).is_some()
        });
        writeln!(master, "{answer}").unwrap();
    }
    let code = child.wait().unwrap().code().unwrap();
    drop(slave);
    shown.extend(pieces.iter());
    Some((code, shown))
}

/// Reads a terminal on a thread, until its other end is closed.
fn read_all(mut master: File) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // A terminal without another end gives EIO.
        while let Ok(length @ 1..) = master.read(&mut buffer) {
            if sender.send(String::from_utf8_lossy(&buffer[..length]).into_owned()).is_err() {
                break;
            }
        }
    });
    receiver
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing happens");
        std::thread::sleep(Duration::from_millis(5));
    }
}
