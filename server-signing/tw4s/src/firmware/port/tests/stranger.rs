//! Another user's process that listens at the firmware's socket.

#![allow(clippy::print_stderr, reason = "a test that skips says so")]

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::*;

/// Nobody's, commonly.
const OTHER: u32 = 65_534;
const SOCKET: &str = "TW4S_TEST_STRANGER";

/// What that process does, until it is killed.
#[test]
fn listens_as_another_user() {
    let Some(path) = env::var_os(SOCKET) else { return };
    let beside = Path::new(&path).with_extension("new");
    let listener = UnixListener::bind(&beside).unwrap();
    fs::set_permissions(&beside, Permissions::from_mode(0o666)).unwrap();
    fs::rename(&beside, &path).unwrap();
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        while let Ok(Some(_)) = Frame::read(&mut &stream, 1 << 20) {
            Frame::new(OK, &value(1).to_bytes().unwrap()).write(&mut &stream).unwrap();
        }
    }
}

struct Stranger(Child);

impl Stranger {
    fn listen(socket: &Path, uid: u32) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "firmware::port::tests::stranger::listens_as_another_user"]).env(SOCKET, socket);
        let child = command.uid(uid).gid(uid).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let stranger = Self(child);
        let start = Instant::now();
        while !socket.exists() {
            assert!(start.elapsed() < Duration::from_secs(60), "it does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        stranger
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn another_user_s_process_is_not_believed() {
    let may_run = |uid| {
        let mut other = Command::new(env::current_exe().unwrap());
        other.arg("--list").uid(uid).gid(uid).output().is_ok_and(|ran| ran.status.success())
    };
    if !rustix::process::geteuid().is_root() || !may_run(OTHER) {
        return eprintln!("SKIPPED: another_user_s_process_is_not_believed: another user cannot run this program");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let runtime = Runtime::new().unwrap();
    for (uid, believed) in [(0, true), (OTHER, false)] {
        let socket = folder.path().join(format!("{uid}.sock"));
        let _stranger = Stranger::listen(&socket, uid);
        let port = Port::new(&socket);
        let answer = runtime.block_on(port.verify_token(b"token", None));
        assert_eq!(answer.is_ok(), believed, "{uid}: {answer:?}");
    }
}
