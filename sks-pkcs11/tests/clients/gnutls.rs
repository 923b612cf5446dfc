//! GnuTLS: p11tool lists and makes keys, certtool signs with them, gnutls-cli shows their certificates.

use crate::server::Server;
use crate::{PIN, TOKEN, certificate, good, have, meets_pins, module, openssl_verifies_cms, said, token, uri, words};

#[test]
fn gnutls_lists_makes_and_uses_keys() {
    if !have(&[("p11tool", "gnutls-bin"), ("certtool", "gnutls-bin"), ("openssl", "openssl")]) {
        return;
    }
    let daemon = token();
    let run = |program: &str, line: &str, pin: &str| {
        let line = format!("--provider {} {line}", module());
        daemon.run_with(program, words(&line), &[("GNUTLS_PIN", pin)], "")
    };
    let p11tool = |line: &str| good(&run("p11tool", &format!("--batch {line}"), PIN));
    let tokens = p11tool("--list-tokens");
    assert!(tokens.contains("token=SKS") && tokens.contains("Requires login"), "{tokens}");
    let mine = format!("pkcs11:token={}", TOKEN.replace(' ', "%20"));
    assert!(p11tool(&format!("--list-all-certs {mine}")).contains("Label: my ec"));
    let keys = p11tool(&format!("--login --list-privkeys {mine}"));
    assert!(keys.contains("Label: my rsa") && keys.contains("CKA_NEVER_EXTRACTABLE"), "{keys}");

    for (key, handle) in [("my ec", "3"), ("my rsa", "4")] {
        let tested = p11tool(&format!("--login --test-sign {}", uri(key, "private")));
        assert!(tested.contains("ok"), "{tested}");
        certificate(&daemon, handle, "c.pem");
        let key = uri(key, "private");
        let line = format!("--p7-sign --load-privkey {key} --load-certificate c.pem --infile message --outfile m.cms");
        good(&run("certtool", &line, PIN));
        openssl_verifies_cms(&daemon, "m.cms", "pem");
    }
    for (kind, label) in [("ecdsa --curve=secp256r1", "made"), ("rsa --bits=2048", "brought")] {
        p11tool(&format!("--login --generate-privkey={kind} --label={label} {mine}"));
        assert!(p11tool(&format!("--login --test-sign {mine};object={label}")).contains("ok"));
        p11tool(&format!("--login --delete {mine};object={label};type=private"));
        assert!(!p11tool(&format!("--login --list-privkeys {mine}")).contains(label));
    }

    // For a wrong PIN it would ask again, were it not for --batch.
    let sign = |pin: &str| run("p11tool", &format!("--batch --login --test-sign {}", uri("my rsa", "private")), pin);
    meets_pins(&daemon, sign, "Wrong PIN has been provided", "PIN locked");
}

#[test]
fn gnutls_cli_shows_its_certificate_from_the_token() {
    if !have(&[("gnutls-cli", "gnutls-bin"), ("openssl", "openssl")]) {
        return;
    }
    let daemon = token();
    let server = Server::tls(&daemon);
    let visit = |label: &str, version: &str, pin: &str| {
        let line = format!(
            "--provider {} --priority {version} --x509cafile server.pem --x509keyfile {} --x509certfile {} -p {} localhost",
            module(),
            uri(label, "private"),
            uri(label, "cert"),
            server.port
        );
        daemon.run_with("gnutls-cli", words(&line), &[("GNUTLS_PIN", pin)], "GET / HTTP/1.0\r\n\r\n")
    };
    for label in ["my ec", "my rsa"] {
        for version in ["NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"] {
            let page = said(&visit(label, version, PIN));
            assert!(page.contains("Handshake was completed") && page.contains(&format!("CN={label}")), "{page}");
        }
    }
    meets_pins(&daemon, |pin| visit("my ec", "NORMAL", pin), "Wrong PIN has been provided", "PIN locked");
}
