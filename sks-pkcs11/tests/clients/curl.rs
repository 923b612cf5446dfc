//! curl with OpenSSL's engine: TLS 1.3 and 1.2 with a client certificate of the token's.

use crate::openssl::{config, have_engine};
use crate::server::Server;
use crate::{PIN, bad, good, have, meets_pins, token, uri, words};

#[test]
fn curl_shows_its_certificate_from_the_token() {
    let daemon = token();
    if !have(&[("curl", "curl")]) || !have_engine(&daemon) {
        return;
    }
    let server = Server::tls(&daemon);
    let curl = |pin: &str, more: &str| {
        let line = format!("-sS --cacert server.pem --engine pkcs11 {more} https://localhost:{}/", server.port);
        daemon.run_with("curl", words(&line), &[("OPENSSL_CONF", &config(&daemon, pin))], "")
    };
    let with = |label: &str| {
        format!("--key-type ENG --key {} --cert-type ENG --cert {}", uri(label, "private"), uri(label, "cert"))
    };
    for label in ["my ec", "my rsa"] {
        for version in ["--tlsv1.3", "--tls-max 1.2"] {
            let page = good(&curl(PIN, &format!("{} {version}", with(label))));
            assert!(page.contains("Client certificate") && page.contains(&format!("CN={label}")), "{page}");
        }
    }
    bad(&curl(PIN, ""));
    // It does not say why.
    let refused = "failed to load private key from crypto engine";
    meets_pins(&daemon, |pin| curl(pin, &with("my ec")), refused, refused);
}
