//! NSS: certutil, cmsutil and tstclnt, as browsers, mail programs and their users see the token.

use std::process::Output;

use crate::common::Daemon;
use crate::server::Server;
use crate::settings::printed;
use crate::{CA, PIN, TOKEN, WRONG_PIN, certificate, good, have, meets_pins, openssl_verifies_cms, said, token, words};

/// NSS's programs, of which each test needs some.
pub(crate) const NEEDS: &[(&str, &str)] = &[
    ("certutil", "libnss3-tools"),
    ("cmsutil", "libnss3-tools"),
    ("modutil", "libnss3-tools"),
    ("tstclnt", "libnss3-tools"),
    ("openssl", "openssl"),
];

/// Makes a database and registers the module, as `sks pkcs11` says for Firefox.
pub(crate) fn database(daemon: &Daemon, folder: &str) {
    std::fs::create_dir(daemon.path(folder)).unwrap();
    good(&daemon.run("certutil", ["-N", "-d", &format!("sql:{folder}"), "--empty-password"]));
    let register = printed(daemon, "modutil", "PROFILE").replace("PROFILE", folder);
    good(&daemon.run("sh", ["-c", &register]));
}

/// Runs a program on the database `db` with a PIN in a file.
fn nss(daemon: &Daemon, program: &str, pin: &str, line: &str, with_blanks: &[&str]) -> Output {
    let pin = daemon.file("pin", pin).display().to_string();
    let mut arguments = words(&format!("-d sql:db -f {pin} {line}"));
    arguments.extend(with_blanks.iter().map(|word| (*word).to_owned()));
    daemon.run(program, arguments)
}

#[test]
fn nss_lists_signs_and_decrypts() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    database(&daemon, "db");
    let nss = |program, line: &str, with_blanks: &[&str]| good(&nss(&daemon, program, PIN, line, with_blanks));
    assert!(good(&daemon.run("modutil", words("-dbdir sql:db -list SKS"))).contains("Token Name: SKS"));
    let listed = nss("certutil", "-L -h all", &[]);
    let mine = |label: &str| format!("{TOKEN}:{label}");
    assert!(listed.contains("SKS:free ec") && listed.contains(&mine("my rsa")) && listed.contains("u,u,u"), "{listed}");
    let keys = nss("certutil", "-K -h", &[TOKEN]);
    assert!(keys.contains("my ec") && keys.contains("my rsa"), "{keys}");

    // For its own chain building it has to know the CA.
    nss("certutil", &format!("-A -n ca -t CT,C,C -i {CA}"), &[]);
    for (key, handle) in [("my ec", "3"), ("my rsa", "4")] {
        nss("certutil", "-R -s CN=again -a -o request -h", &[TOKEN, "-k", &mine(key)]);
        good(&daemon.run("openssl", ["req", "-in", "request", "-verify", "-noout"]));
        nss("cmsutil", "-S -i message -o m.cms -N", &[&mine(key)]);
        openssl_verifies_cms(&daemon, "m.cms", "der");
        certificate(&daemon, handle, "c.pem");
    }
    for cipher in ["-aes-128-cbc", "-aes-256-cbc"] {
        let line = format!("cms -encrypt {cipher} -in message -outform der -out e.cms c.pem");
        good(&daemon.run("openssl", words(&line)));
        assert!(nss("cmsutil", "-D -i e.cms", &[]).contains("a message"));
    }
}

#[test]
fn nss_shows_its_certificate_from_the_token() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    database(&daemon, "db");
    let server = Server::tls(&daemon);
    daemon.file("get", "GET / HTTP/1.0\r\n\r\n");
    let visit = |label: &str, version: &str, pin: &str| {
        let line = format!("-4 -o -h localhost -p {} -d sql:db -w {pin} -A get -V {version} -n", server.port);
        let mut arguments = words(&line);
        arguments.push(format!("{TOKEN}:{label}"));
        daemon.run("tstclnt", arguments)
    };
    for label in ["my ec", "my rsa"] {
        for version in ["tls1.3:tls1.3", "tls1.2:tls1.2"] {
            let page = good(&visit(label, version, PIN));
            assert!(page.contains("Client certificate") && page.contains(&format!("CN={label}")), "{page}");
        }
    }
    let refused = "Failed to load a suitable client certificate";
    meets_pins(&daemon, |pin| visit("my ec", "tls1.3:tls1.3", pin), refused, refused);
}

#[test]
fn nss_meets_wrong_and_locked_pins() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    database(&daemon, "db");
    // Without a PIN, for FRIENDLY says that none is needed.
    assert!(said(&nss(&daemon, "certutil", WRONG_PIN, "-L -h all", &[])).contains("my ec"));
    let keys = |pin: &str| nss(&daemon, "certutil", pin, "-K -h", &[TOKEN]);
    meets_pins(&daemon, keys, "SEC_ERROR_BAD_PASSWORD", "SEC_ERROR_LOCKED_PASSWORD");
    certificate(&daemon, "4", "c.pem");
    good(&daemon.run("openssl", words("cms -encrypt -aes-128-cbc -in message -outform der -out e.cms c.pem")));
    let decrypt = |pin: &str| nss(&daemon, "cmsutil", pin, "-D -i e.cms", &[]);
    meets_pins(&daemon, decrypt, "cmsutil: failed to decode message", "cmsutil: failed to decode message");
}
