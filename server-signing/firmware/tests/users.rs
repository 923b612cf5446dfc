//! Who may speak to the firmware: its own user, and those who are named. The socket's mode keeps others out as well, until
//! somebody changes it; here it is open to all.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test that skips says so")]

#[macro_use]
mod support;

use std::env;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use support::{World, master};
use tw4s_firmware::protocol::{Frame, OK, STATUS};
use tw4s_firmware::server::{Server, ServerOptions};
use tw4s_firmware::{Firmware, SoftwareModule};
use tw4s_formats::OidArc;

/// Nobody's, commonly.
const OTHER: u32 = 65_534;
const SOCKET: &str = "TW4S_TEST_SOCKET";

/// What a process of the other user does: it asks for the status, and ends well if it is answered.
#[test]
fn asks_as_another_user() {
    let Some(socket) = env::var_os(SOCKET) else { return };
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let asked = Frame::new(STATUS, &[0x30, 0]).write(&mut &stream);
    let mut answer = [0; 5];
    let answered = asked.and_then(|()| (&stream).read_exact(&mut answer));
    assert!(answered.is_ok() && answer.last() == Some(&OK), "{answered:?}");
}

/// Whether a process of the other user is answered by a server with these options.
fn is_answered(world: &World, options: ServerOptions) -> bool {
    let module = Box::new(SoftwareModule::new(&master()).unwrap());
    let firmware = Arc::new(Firmware::open(&world.state(), &master(), module, OidArc::default()).unwrap());
    let socket = world.dir.path().join("open.sock");
    let server = Server::bind(&socket, options).unwrap();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    let stop = server.stopper().unwrap();
    let thread = thread::spawn(move || server.run(&firmware).unwrap());
    let mut other = Command::new(env::current_exe().unwrap());
    let asked = other.args(["--exact", "asks_as_another_user"]).env(SOCKET, &socket).uid(OTHER).gid(OTHER).output();
    stop.stop();
    thread.join().unwrap();
    asked.unwrap().status.success()
}

#[test]
fn other_users_are_answered_if_they_are_named_alone() {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        return eprintln!("skipped: only root can be another user");
    }
    // Where the other user cannot run this program there is nothing to be seen.
    let mut runs = Command::new(env::current_exe().unwrap());
    if !runs.arg("--list").uid(OTHER).gid(OTHER).output().is_ok_and(|ran| ran.status.success()) {
        return eprintln!("skipped: another user cannot run this program");
    }
    let world = World::new(&master(), || Box::new(SoftwareModule::new(&master()).unwrap()));
    assert!(!is_answered(&world, ServerOptions::default()));
    assert!(is_answered(&world, ServerOptions { uids: [OTHER].into(), ..ServerOptions::default() }));
}
