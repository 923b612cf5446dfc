//! The CA's certificates, read by what read them later: OpenSSL, and this crate's own path check.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test that skips says so")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use sks_issuer::DeviceError;
use sks_issuer::ca::{self, Ca, CaError, Leaf, LocalCa, Purpose, Subject};
use sks_issuer::device::verify_path;
use sks_wire::types::KeyUsage;

fn subject(name: &str) -> Subject {
    Subject::common_name(name).unwrap()
}

/// Runs openssl in a folder; `None` where there is none.
fn openssl(folder: &Path, arguments: &str) -> Option<String> {
    let run = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).stdin(Stdio::null()).output();
    let Ok(output) = run else {
        eprintln!("skipped: openssl {arguments}: there is no openssl here");
        return None;
    };
    let both = [output.stdout, output.stderr].concat();
    let shown = String::from_utf8_lossy(&both).into_owned();
    assert!(output.status.success(), "openssl {arguments}: {shown}");
    Some(shown)
}

#[test]
fn openssl_accepts_a_key_and_its_certificate_of_each_kind() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    if openssl(at, "version").is_none() {
        return;
    }
    let ca = Ca::create(&subject("Åsa's CA"), 10).unwrap();
    ca.save(&at.join("ca.key"), &at.join("ca.pem")).unwrap();
    openssl(at, "genrsa -out rsa.key 2048");
    openssl(at, "rsa -in rsa.key -pubout -outform DER -out rsa.spki");
    let rsa = fs::read(at.join("rsa.spki")).unwrap();
    let ec = ca::generate_key().unwrap().public_key;
    for (name, spki) in [("rsa", &rsa), ("ec", &ec)] {
        let leaf = Leaf {
            purposes: vec![Purpose::ClientAuth, Purpose::EmailProtection],
            email: Some("alice@example.com".to_owned()),
            dns_names: vec!["alice.example.com".to_owned()],
            ..Leaf::new(subject("Alice \"秘密\", O=Bank"), KeyUsage::Universal)
        };
        fs::write(at.join("leaf.der"), ca.issue(spki, &leaf).unwrap()).unwrap();
        openssl(at, "verify -x509_strict -purpose sslclient -CAfile ca.pem leaf.der");
        openssl(at, "verify -x509_strict -purpose smimesign -CAfile ca.pem leaf.der");
        let text = openssl(at, "x509 -in leaf.der -noout -text").unwrap();
        for part in
            ["TLS Web Client Authentication, E-mail Protection", "email:alice@example.com, DNS:alice.example.com"]
        {
            assert!(text.contains(part), "{name}: {text}");
        }
        let usage =
            if name == "rsa" { "Digital Signature, Key Encipherment" } else { "Digital Signature, Key Agreement" };
        assert!(text.contains(usage) && text.contains("CA:FALSE"), "{text}");
        assert!(!text.contains("CA Issuers") && !text.contains("Policy"), "{text}");
    }
}

#[test]
fn openssl_accepts_a_device_path() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let identity = ca::device_identity(&subject("Vendor CA"), &subject("Device 1"), 25).unwrap();
    fs::write(at.join("device.der"), &identity.path[0]).unwrap();
    fs::write(at.join("vendor.der"), &identity.path[1]).unwrap();
    fs::write(at.join("device.key"), identity.private_key.expose()).unwrap();
    if openssl(at, "x509 -inform DER -in vendor.der -out vendor.pem").is_none() {
        return;
    }
    openssl(at, "verify -x509_strict -CAfile vendor.pem device.der");
    let text = openssl(at, "x509 -in device.der -noout -text").unwrap();
    assert!(text.contains("Digital Signature\n") && !text.contains("Policies"), "{text}");
    let certified = openssl(at, "x509 -in device.der -noout -pubkey").unwrap();
    assert_eq!(openssl(at, "pkey -inform DER -in device.key -pubout").unwrap(), certified);
}

#[test]
fn a_given_ca_made_by_openssl_issues() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    if openssl(at, "ecparam -name prime256v1 -genkey -noout -out sec1.key").is_none() {
        return;
    }
    openssl(at, "req -x509 -new -key sec1.key -out ca.pem -days 30 -subj /C=SE/O=Example/CN=Given");
    let load = |mode| {
        fs::set_permissions(at.join("sec1.key"), fs::Permissions::from_mode(mode)).unwrap();
        Ca::load(&at.join("sec1.key"), &at.join("ca.pem"))
    };
    assert!(matches!(load(0o640), Err(CaError::Exposed(key)) if key == at.join("sec1.key")));
    let ca = load(0o600).unwrap();
    let leaf = Leaf::new(subject("Alice"), KeyUsage::Signature);
    let path = ca.issue_path(&ca::generate_key().unwrap().public_key, &leaf).unwrap();
    fs::write(at.join("leaf.der"), &path[0]).unwrap();
    openssl(at, "verify -CAfile ca.pem leaf.der");
    let text = openssl(at, "x509 -in leaf.der -noout -text").unwrap();
    assert!(text.contains("Digital Signature, Non Repudiation"), "{text}");
    // Two years were asked for; the CA has a month.
    let end = |file| openssl(at, &format!("x509 -in {file} -noout -enddate")).unwrap();
    assert_eq!(end("leaf.der"), end("ca.pem"));
}

#[test]
fn a_ca_that_is_none_is_refused() {
    let ca = Ca::create(&subject("CA"), 1).unwrap();
    let other = Ca::create(&subject("CA"), 1).unwrap();
    let key = ca.key_pem().unwrap();
    assert!(matches!(Ca::from_pem(&key, &other.certificate_pem().unwrap()), Err(CaError::Mismatch)));
    assert!(matches!(Ca::from_pem("", &ca.certificate_pem().unwrap()), Err(CaError::Key)));
    assert!(matches!(Ca::from_pem(&key, &key), Err(CaError::Certificate(_))));
    assert!(matches!(ca.issue(&[0x30, 0], &Leaf::new(subject("x"), KeyUsage::Universal)), Err(CaError::PublicKey)));
}

#[test]
fn an_alternative_name_is_checked() {
    let ca = Ca::create(&subject("CA"), 1).unwrap();
    let spki = ca::generate_key().unwrap().public_key;
    for email in ["", "alice", "@", "alice@", "a b@c", "å@b", "a@b\n"] {
        let leaf = Leaf { email: Some(email.to_owned()), ..Leaf::new(subject("x"), KeyUsage::Universal) };
        assert!(matches!(ca.issue(&spki, &leaf), Err(CaError::AlternativeName)), "{email:?}");
    }
}

#[test]
fn serial_numbers_differ_and_are_long() {
    let ca = Ca::create(&subject("CA"), 1).unwrap();
    let spki = ca::generate_key().unwrap().public_key;
    let issue = || ca.issue(&spki, &Leaf::new(subject("x"), KeyUsage::Universal)).unwrap();
    let serial = |der: &[u8]| {
        // Certificate, TBSCertificate and version come before it, each with a known header.
        let at = der.windows(5).position(|found| found == [0xA0, 3, 2, 1, 2]).unwrap() + 5;
        assert_eq!(der[at..at + 2], [2, 17]);
        der[at + 2..at + 19].to_vec()
    };
    assert_ne!(serial(&issue()), serial(&issue()));
}

#[test]
fn a_local_ca_is_made_once_and_kept_private() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("sks/local-ca");
    let made = LocalCa::open_or_create(&at).unwrap();
    let again = LocalCa::open_or_create(&at).unwrap();
    assert_eq!(made.certificate(), again.certificate());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&at), 0o700);
    assert_eq!(mode(&at.join("ca-key.pem")), 0o600);
    assert_eq!(fs::read_to_string(made.certificate_file()).unwrap(), made.certificate_pem().unwrap());
    let files = fs::read_dir(&at).unwrap().count();
    assert_eq!(files, 2, "nothing but the two files is left");

    fs::remove_file(made.certificate_file()).unwrap();
    LocalCa::open_or_create(&at).unwrap();
    assert!(made.certificate_file().exists());

    fs::set_permissions(at.join("ca-key.pem"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(LocalCa::open_or_create(&at), Err(CaError::Exposed(_))));
}

#[test]
fn a_local_ca_made_by_several_at_once_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("local-ca");
    let made: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| LocalCa::open_or_create(&at).unwrap().certificate().to_vec())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(made.iter().all(|certificate| certificate == &made[0]));
}

#[test]
fn a_damaged_local_ca_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca-key.pem");
    fs::write(&file, "nothing").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(LocalCa::open_or_create(folder.path()), Err(CaError::Key)));
    assert_eq!(fs::read_to_string(&file).unwrap(), "nothing");
}

#[test]
fn a_path_is_followed_to_its_anchor() {
    let identity = ca::device_identity(&subject("Vendor CA"), &subject("Device"), 1).unwrap();
    let [device, vendor] = &identity.path[..] else { panic!("two certificates") };
    let now = SystemTime::now();
    verify_path(&identity.path, vendor, now).unwrap();
    verify_path(std::slice::from_ref(device), vendor, now).unwrap();
    verify_path(&identity.path, device, now).unwrap();

    let year = Duration::from_secs(400 * 24 * 3600);
    assert_eq!(verify_path(&identity.path, vendor, now + year), Err(DeviceError::Validity(0)));
    assert_eq!(verify_path(&identity.path, vendor, now - year), Err(DeviceError::Validity(0)));
    assert_eq!(verify_path(&[], vendor, now), Err(DeviceError::Missing));
    assert_eq!(verify_path(&[vec![0x30, 0]], vendor, now), Err(DeviceError::Unreadable(0)));

    let twin = Ca::create(&subject("Vendor CA"), 1).unwrap();
    assert_eq!(verify_path(&identity.path, twin.certificate(), now), Err(DeviceError::Untrusted));
    let other = Ca::create(&subject("Other CA"), 1).unwrap();
    assert_eq!(verify_path(&identity.path, other.certificate(), now), Err(DeviceError::Untrusted));

    // The device's certificate is no CA's: it cannot stand for another device.
    let forged = [vendor.clone(), device.clone()];
    assert_eq!(verify_path(&forged, other.certificate(), now), Err(DeviceError::Issuer(0)));
}

#[test]
fn no_bit_of_a_device_certificate_can_be_changed() {
    let identity = ca::device_identity(&subject("Vendor CA"), &subject("Device"), 1).unwrap();
    let now = SystemTime::now();
    for at in 0..identity.path[0].len() {
        let mut changed = identity.path[0].clone();
        changed[at] ^= 1;
        assert!(verify_path(&[changed], &identity.path[1], now).is_err(), "byte {at}");
    }
}
