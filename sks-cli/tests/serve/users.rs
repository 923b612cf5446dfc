//! Who may connect. Other users are played by children of root; without root there is nobody to play them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::daemon::{Daemon, Home, sks};

const STRANGER: u32 = 64_999;
const FRIEND: u32 = 65_000;

/// A home that others can enter, and a copy of the binary that they can run; `None` without root.
fn open_home() -> Option<(Home, PathBuf)> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can play other users");
        return None;
    }
    let home = Home::new();
    fs::set_permissions(home.path(""), Permissions::from_mode(0o755)).unwrap();
    let binary = home.path("sks");
    fs::copy(sks().get_program(), &binary).unwrap();
    fs::set_permissions(&binary, Permissions::from_mode(0o755)).unwrap();
    Some((home, binary))
}

fn info_as(uid: u32, binary: &PathBuf, home: &Home) -> Output {
    let mut command = Command::new(binary);
    command.arg("raw").arg("--socket").arg(home.socket()).arg("1f").uid(uid).gid(uid).current_dir("/");
    command.output().unwrap()
}

fn assert_refused(output: &Output, daemon: &Daemon) {
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(output.stdout.is_empty());
    daemon.answers();
}

#[test]
fn only_the_owner_without_options() {
    let Some((home, binary)) = open_home() else { return };
    let daemon = home.start(&[]);
    assert_refused(&info_as(STRANGER, &binary, &home), &daemon);
    // Not even where the file's mode lets them.
    fs::set_permissions(home.socket(), Permissions::from_mode(0o666)).unwrap();
    assert_refused(&info_as(STRANGER, &binary, &home), &daemon);
    daemon.logs("this uid is not allowed uid=64999");
}

#[test]
fn those_who_are_named() {
    let Some((home, binary)) = open_home() else { return };
    let daemon = home.start(&["--allow-uid", &FRIEND.to_string()]);
    let friend = info_as(FRIEND, &binary, &home);
    assert!(friend.status.success() && friend.stdout.starts_with(b"00"), "{friend:?}");
    assert_refused(&info_as(STRANGER, &binary, &home), &daemon);
}

/// Such a client's pid reads 0: a daemon in a container is asked by a client outside.
#[test]
fn clients_in_another_pid_namespace() {
    let home = Home::new();
    let daemon = home.serve(&[]);
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child"]).arg(daemon.get_program()).args(daemon.get_args());
    if !Command::new("unshare").args(["--pid", "--fork", "true"]).status().is_ok_and(|status| status.success()) {
        return eprintln!("skipped: no pid namespace can be made");
    }
    home.run(command).answers();
}
