//! The socket's file: its mode, its directory, and what was there before.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::daemon::{Home, fails, sks};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn is_the_owners_alone() {
    let home = Home::new();
    let daemon = home.start(&[]);
    assert_eq!(mode(&home.socket()), 0o600);
    daemon.stop();
    assert!(!home.socket().exists());
}

#[test]
fn is_open_to_all_when_credentials_decide() {
    let home = Home::new();
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o700)).unwrap();
    let daemon = home.start(&["--allow-uid", "12345", "--allow-uid", "12346"]);
    assert_eq!(mode(&home.socket()), 0o666);
    daemon.answers();
    // But nobody gets as far as that.
    daemon.logs("other users cannot enter");
}

#[test]
fn gets_a_directory_of_its_own() {
    let home = Home::new();
    let socket = home.path("run/sks/sks.sock");
    let mut command = sks();
    command.arg("serve").arg("--store").arg(home.store()).env("SKS_SOCKET", &socket);
    std::os::unix::fs::symlink(&socket, home.socket()).unwrap();
    let daemon = home.run(command);
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    daemon.stop();
    assert!(!socket.exists());

    // One that was there stays as it was.
    let shared = home.path("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(home.socket()).unwrap();
    std::os::unix::fs::symlink(shared.join("k"), home.socket()).unwrap();
    let mut command = sks();
    command.arg("serve").arg("--store").arg(home.store()).arg("--socket").arg(shared.join("k"));
    home.run(command).stop();
    assert_eq!(mode(&shared), 0o755);
}

#[test]
fn left_by_a_killed_daemon_is_taken_over() {
    let home = Home::new();
    home.start(&[]).kill();
    assert!(home.socket().exists());
    home.start(&[]).answers();
}

#[test]
fn of_a_live_daemon_is_not_taken_over() {
    let home = Home::new();
    let first = home.start(&[]);
    let mut second = sks();
    second.arg("serve").arg("--store").arg(home.path("store2")).arg("--socket").arg(home.socket());
    let (code, words) = fails(second);
    assert!(code == Some(4) && words.contains("a daemon listens there already"), "{code:?} {words}");
    first.answers();
}

#[test]
fn is_never_put_over_something_else() {
    let home = Home::new();
    fs::write(home.socket(), "precious").unwrap();
    let (code, words) = home.fails(&[]);
    assert!(code == Some(4) && words.contains("is not a socket"), "{code:?} {words}");
    assert_eq!(fs::read(home.socket()).unwrap(), b"precious");

    fs::remove_file(home.socket()).unwrap();
    fs::create_dir(home.socket()).unwrap();
    assert_eq!(home.fails(&[]).0, Some(4));
    fs::remove_dir(home.socket()).unwrap();
    let _datagrams = UnixDatagram::bind(home.socket()).unwrap();
    assert_eq!(home.fails(&[]).0, Some(4));
    assert!(home.socket().exists());
}

#[test]
fn with_too_long_a_path_is_refused() {
    let home = Home::new();
    let mut command = sks();
    command.arg("serve").arg("--store").arg(home.store()).arg("--socket").arg(home.path(&"x".repeat(120)));
    let (code, words) = fails(command);
    assert!(code == Some(4) && words.contains("xxx"), "{code:?} {words}");
}
