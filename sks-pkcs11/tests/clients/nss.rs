//! NSS: certutil and modutil, as browsers and their users see the token.

use crate::{PIN, TOKEN, bad, good, have, module, token};

#[test]
fn nss_lists_certificates_and_keys() {
    if !have(&[("certutil", "libnss3-tools"), ("modutil", "libnss3-tools")]) {
        return;
    }
    let daemon = token();
    std::fs::create_dir(daemon.path("db")).unwrap();
    good(&daemon.run("certutil", ["-N", "-d", "sql:db", "--empty-password"]));
    let module = module();
    good(&daemon.run("modutil", ["-force", "-dbdir", "sql:db", "-add", "sks", "-libfile", &module]));
    let listed = good(&daemon.run("modutil", ["-dbdir", "sql:db", "-list", "sks"]));
    assert!(listed.contains("Token Name: SKS"), "{listed}");
    let pin = daemon.file("pin", PIN).display().to_string();
    let listed = good(&daemon.run("certutil", ["-L", "-d", "sql:db", "-h", "all", "-f", &pin]));
    assert!(listed.contains("SKS:free ec") && listed.contains("u,u,u"), "{listed}");
    let keys = good(&daemon.run("certutil", ["-K", "-d", "sql:db", "-h", TOKEN, "-f", &pin]));
    assert!(keys.contains("my ec") && keys.contains("my rsa"), "{keys}");
    let wrong = daemon.file("wrong", "0000").display().to_string();
    bad(&daemon.run("certutil", ["-K", "-d", "sql:db", "-h", TOKEN, "-f", &wrong]));
    // A certificate request is signed with the key.
    let arguments = ["-R", "-d", "sql:db", "-h", "SKS", "-k", "SKS:free ec", "-s", "CN=again", "-a", "-o", "request"];
    good(&daemon.run("certutil", arguments));
    if have(&[("openssl", "openssl")]) {
        good(&daemon.run("openssl", ["req", "-in", "request", "-verify", "-noout"]));
    }
}
