//! What a start makes, finds and refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sks_issuer::ca::{Subject, device_identity};
use sks_wire::method::get_device_info;

use crate::daemon::{Daemon, Home, fails, sks};

fn device_path(daemon: &Daemon) -> Vec<Vec<u8>> {
    let info = daemon.client().get_device_info(&get_device_info::Request {}).unwrap();
    info.x509_certificate.0
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let out = Command::new("base64").args(["-w", "64"]).stdin(spool(der)).output().unwrap();
    text.push_str(&String::from_utf8(out.stdout).unwrap());
    text + &format!("-----END {label}-----\n")
}

fn spool(bytes: &[u8]) -> fs::File {
    use std::io::{Seek, Write};
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

#[test]
fn makes_store_and_identity_and_keeps_them() {
    let home = Home::new();
    let daemon = home.start(&[]);
    let path = device_path(&daemon);
    assert_eq!(path.len(), 2);
    daemon.stop();
    let daemon = home.start(&[]);
    assert_eq!(device_path(&daemon), path);
    assert_eq!(fs::metadata(home.store()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(home.store().join("master.key")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn runs_on_either_engine_and_stays_with_it() {
    let home = Home::new();
    home.start(&["--engine", "redb"]).stop();
    let daemon = home.start(&[]);
    assert!(daemon.log().contains("engine=redb"), "{}", daemon.log());
    daemon.stop();
    let (code, words) = home.fails(&["--engine", "sled"]);
    assert!(code == Some(4) && words.contains("open it with redb"), "{code:?} {words}");
}

#[test]
fn a_second_daemon_on_the_store_fails() {
    let home = Home::new();
    let first = home.start(&[]);
    let other = home.path("other.sock");
    let (code, words) = home.fails(&["--socket", other.to_str().unwrap()]);
    assert_eq!(code, Some(2), "--socket is given twice: {words}");
    let mut second = sks();
    second.arg("serve").arg("--store").arg(home.store()).arg("--socket").arg(&other);
    let (code, words) = fails(second);
    assert!(code == Some(4) && words.contains("in use by another daemon"), "{code:?} {words}");
    assert!(!other.exists());
    first.answers();
}

#[test]
fn takes_its_places_from_the_environment() {
    let home = Home::new();
    let mut command = sks();
    command.arg("serve").env("SKS_STORE", home.store()).env("SKS_SOCKET", home.socket());
    home.run(command).answers();
    assert!(home.store().is_dir());
}

#[test]
fn takes_a_given_identity_once() {
    let home = Home::new();
    let name = |text| Subject::common_name(text).unwrap();
    let mut given = Vec::new();
    for turn in ["a", "b"] {
        let identity = device_identity(&name("Vendor"), &name("Device"), 1).unwrap();
        let [key, certificates] = ["key", "certs"].map(|what| home.path(&format!("{what}-{turn}.pem")));
        fs::write(&key, pem("PRIVATE KEY", identity.private_key.expose())).unwrap();
        let path: String = identity.path.iter().map(|der| format!("words\n{}", pem("CERTIFICATE", der))).collect();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&certificates, path).unwrap();
        given.push((key, certificates, identity.path));
    }
    let arguments = |key: usize, certificates: usize| {
        let (key, certificates) = (given[key].0.to_str().unwrap(), given[certificates].1.to_str().unwrap());
        ["--device-key", key, "--device-certs", certificates]
    };
    let (code, words) = home.fails(&arguments(0, 1));
    assert!(code == Some(4) && words.contains("belongs to another key"), "{code:?} {words}");
    let daemon = home.start(&arguments(0, 0));
    assert_eq!(device_path(&daemon), given[0].2);
    daemon.stop();
    let daemon = home.start(&arguments(1, 1));
    assert_eq!(device_path(&daemon), given[0].2);
    assert!(daemon.log().contains("are ignored"));
}

#[test]
fn refuses_files_that_are_no_identity() {
    let home = Home::new();
    let file = home.path("file");
    fs::write(&file, "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n").unwrap();
    let path = file.to_str().unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, words) = home.fails(&["--device-key", path, "--device-certs", path]);
    assert!(code == Some(4) && words.contains("is open to others than its owner"), "{code:?} {words}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let file = path;
    let (code, words) = home.fails(&["--device-key", file, "--device-certs", file]);
    assert!(code == Some(4) && words.contains("holds no private key in PEM"), "{code:?} {words}");
    let (code, words) = home.fails(&["--device-key", "/nonexistent", "--device-certs", file]);
    assert!(code == Some(4) && words.contains("reading /nonexistent"), "{code:?} {words}");
    home.start(&[]).answers();
}

#[test]
fn refuses_wrong_usage() {
    let home = Home::new();
    for wrong in [
        &["--engine", "bdb"][..],
        &["--max-frame", "12"],
        &["--max-frame", "4294967296"],
        &["--allow-uid", "root"],
        &["--device-key", "key.pem"],
        &["--key-file", "a", "--passphrase"],
        &["--json"],
        &["--pin-file", "f"],
    ] {
        assert_eq!(home.fails(wrong).0, Some(2), "{wrong:?}");
    }
    assert!(!home.store().exists());
    let mut command = home.serve(&[]);
    command.env("SKS_LOG", "sks=loud");
    assert_eq!(fails(command).0, Some(2));
}
