//! Under systemd: a socket handed over, and word of readiness.

use std::fs::File;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::daemon::{Home, PATIENCE, sks};

#[test]
fn tells_when_it_is_ready_and_when_it_stops() {
    let home = Home::new();
    let path = home.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let received = || {
        let mut text = [0; 200];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    };
    let mut command = home.serve(&[]);
    command.env("NOTIFY_SOCKET", &path);
    let daemon = home.run(command);
    assert_eq!(received().trim(), "READY=1");
    daemon.stop();
    assert_eq!(received().trim(), "STOPPING=1");
}

#[test]
fn listens_where_it_is_told_and_leaves_that_socket() {
    let home = Home::new();
    // It listens, and runs the daemon at the first connection.
    let mut activate = Command::new("systemd-socket-activate");
    activate.arg("--listen").arg(home.socket()).arg(sks().get_program());
    activate.arg("serve").arg("--store").arg(home.store()).arg("--socket").arg(home.path("unused"));
    let spawned = activate.stdin(Stdio::null()).stderr(File::create(home.path("log")).unwrap()).spawn();
    let Ok(mut child) = spawned else { return eprintln!("skipped: systemd-socket-activate is not there") };
    let start = Instant::now();
    while UnixStream::connect(home.socket()).is_err() {
        assert!(start.elapsed() < PATIENCE, "{:?}", child.try_wait());
        thread::sleep(Duration::from_millis(5));
    }
    let answered = sks().arg("raw").arg("--socket").arg(home.socket()).arg("1f").output().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    let code = child.wait().unwrap().code();
    let log = std::fs::read_to_string(home.path("log")).unwrap();
    assert!(answered.status.success(), "{answered:?} {log}");
    assert_eq!(code, Some(0), "{log}");
    assert!(!home.path("unused").exists());
    assert!(home.socket().exists(), "the socket is systemd's");
}

#[test]
fn refuses_what_it_cannot_listen_on() {
    let home = Home::new();
    let mut command = home.serve(&[]);
    // Whatever file descriptor 3 is here, it is no Unix stream socket of ours.
    command.env("LISTEN_FDS", "1");
    let (code, words) = crate::daemon::fails(command);
    assert!(code == Some(4) && words.contains("systemd passed"), "{code:?} {words}");
}
