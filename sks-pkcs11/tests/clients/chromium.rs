//! Chromium, headless, with a client certificate: a token without a PIN, for it asks for PINs in a dialogue.

use std::path::{Path, PathBuf};

use crate::common::Daemon;
use crate::tls::Server;
use crate::{good, have, module, words};

/// Where Chromium reads policies. Only there can the certificate be chosen without a dialogue.
const POLICIES: &str = "/etc/chromium/policies/managed";

/// A policy that goes with the test.
struct Policy(PathBuf);

impl Policy {
    fn choose_any_certificate(port: u16) -> Option<Self> {
        let file = Path::new(POLICIES).join(format!("sks-test-{port}.json"));
        let text = format!(
            r#"{{"AutoSelectCertificateForUrls":["{{\"pattern\":\"https://localhost:{port}\",\"filter\":{{}}}}"]}}"#
        );
        std::fs::create_dir_all(POLICIES).and_then(|()| std::fs::write(&file, text)).ok()?;
        Some(Self(file))
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn chromium_shows_its_certificate_from_the_token() {
    let needs = [
        ("chromium", "chromium"),
        ("certutil", "libnss3-tools"),
        ("modutil", "libnss3-tools"),
        ("openssl", "openssl"),
        ("timeout", "coreutils"),
    ];
    if !have(&needs) {
        return;
    }
    let daemon = Daemon::start();
    daemon.enroll("free ec", None, None, &[]);
    let server = Server::start(&daemon);
    let Some(_policy) = Policy::choose_any_certificate(server.port) else {
        eprintln!("SKIPPED: {POLICIES} cannot be written, so chromium would ask which certificate to show");
        return;
    };
    std::fs::create_dir_all(daemon.path(".pki/nssdb")).unwrap();
    good(&daemon.run("certutil", words("-N -d sql:.pki/nssdb --empty-password")));
    let add = ["-force", "-dbdir", "sql:.pki/nssdb", "-add", "sks", "-libfile", &module()];
    good(&daemon.run("modutil", add));
    let line = format!(
        "60 chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --ignore-certificate-errors \
         --user-data-dir={} --dump-dom https://localhost:{}/",
        daemon.path("profile").display(),
        server.port
    );
    let page = String::from_utf8_lossy(&daemon.run("timeout", words(&line)).stdout).into_owned();
    assert!(page.contains("Client certificate") && page.contains("free ec"), "{page}");
}
