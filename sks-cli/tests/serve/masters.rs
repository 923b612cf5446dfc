//! The master key: from a file, or from a passphrase.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::daemon::Home;

fn write(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// Every file of a store but its lock, with its content.
fn snapshot(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(snapshot(&entry.path()));
        } else {
            files.push((entry.path().display().to_string(), fs::read(entry.path()).unwrap()));
        }
    }
    files.sort();
    files
}

#[test]
fn a_wrong_key_file_leaves_the_store() {
    let home = Home::new();
    home.start(&[]).stop();
    let before = snapshot(&home.store());
    let wrong = home.path("wrong.key");
    let wrong_name = wrong.to_str().unwrap();

    let (code, words) = home.fails(&["--key-file", wrong_name]);
    assert!(code == Some(4) && words.contains(wrong_name), "{code:?} {words}");
    assert!(!wrong.exists(), "an old store gets no new key");
    write(&wrong, &[7; 32]);
    let (code, words) = home.fails(&["--key-file", wrong_name]);
    assert!(code == Some(4) && words.contains(wrong_name), "{code:?} {words}");
    write(&wrong, &[7; 31]);
    assert_eq!(home.fails(&["--key-file", wrong_name]).0, Some(4));
    assert_eq!(home.fails(&["--passphrase-file", wrong_name]).0, Some(4));

    assert_eq!(snapshot(&home.store()), before);
    home.start(&[]).answers();
}

#[test]
fn a_key_file_may_lie_elsewhere() {
    let home = Home::new();
    let key = home.path("elsewhere.key");
    let arguments = ["--key-file", key.to_str().unwrap()];
    home.start(&arguments).stop();
    assert!(key.exists() && !home.store().join("master.key").exists());
    home.start(&arguments).answers();
}

#[test]
fn a_passphrase_opens_its_store_and_no_other_does() {
    let home = Home::new();
    let [right, wrong] =
        [("right", &b"tulips and rain\n"[..]), ("wrong", b"tulips and snow\n")].map(|(name, words)| {
            write(&home.path(name), words);
            home.path(name).to_str().unwrap().to_owned()
        });
    home.start(&["--passphrase-file", &right]).stop();
    assert!(!home.store().join("master.key").exists());
    let before = snapshot(&home.store());
    let (code, words) = home.fails(&["--passphrase-file", &wrong]);
    assert!(code == Some(4) && words.contains("passphrase"), "{code:?} {words}");
    assert!(!words.contains("tulips"), "{words}");
    let (code, words) = home.fails(&[]);
    assert!(code == Some(4) && words.contains("passphrase"), "{code:?} {words}");
    assert_eq!(snapshot(&home.store()), before);

    let mut command = home.serve(&["--passphrase-file", "-"]);
    command.stdin(Stdio::from(fs::File::open(&right).unwrap()));
    home.run(command).answers();
}
