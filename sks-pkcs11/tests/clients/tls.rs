//! TLS 1.3 and 1.2 with a client certificate, against OpenSSL's server on the loopback: curl and gnutls-cli.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::Daemon;
use crate::{PIN, TOKEN, good, have, module, said, token, words};

/// A server that goes with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    /// A server that demands a certificate of the local CA's.
    pub(crate) fn start(daemon: &Daemon) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem \
                    -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2";
        good(&daemon.run("openssl", words(line)));
        let mut command = Command::new("openssl");
        daemon.environment(&mut command);
        let line = format!(
            "s_server -accept 127.0.0.1:{port} -cert server.pem -key server.key -Verify 1 -verify_return_error -www -quiet -CAfile data/sks/local-ca/ca.pem"
        );
        command.args(words(&line)).current_dir(daemon.dir.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(std::fs::File::create(daemon.path("server.log")).unwrap());
        let child = command.spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn uri(label: &str, kind: &str) -> String {
    format!("pkcs11:token={};object={label};type={kind}", TOKEN.replace(':', "%3A").replace(' ', "%20"))
}

#[test]
fn curl_shows_its_certificate_from_the_token() {
    if !have(&[("curl", "curl"), ("openssl", "openssl")]) {
        return;
    }
    let daemon = token();
    let config = format!(
        "openssl_conf = init\n[init]\nengines = engines\n[engines]\npkcs11 = sks\n[sks]\nengine_id = pkcs11\nMODULE_PATH = {}\nPIN = {PIN}\ninit = 0\n",
        module()
    );
    let config = daemon.file("openssl.cnf", config).display().to_string();
    let variables = [("OPENSSL_CONF", config.as_str())];
    if !daemon.run_with("openssl", words("engine -t pkcs11"), &variables, "").status.success() {
        eprintln!("SKIPPED: OpenSSL's engine pkcs11 is not installed (Debian package libengine-pkcs11-openssl)");
        return;
    }
    let server = Server::start(&daemon);
    for label in ["my%20ec", "my%20rsa"] {
        for version in ["--tlsv1.3", "--tls-max 1.2"] {
            let (key, certificate) = (uri(label, "private"), uri(label, "cert"));
            let line = format!(
                "-sS --cacert server.pem {version} --engine pkcs11 --key-type ENG --key {key} --cert-type ENG --cert {certificate} https://localhost:{}/",
                server.port
            );
            let page = good(&daemon.run_with("curl", words(&line), &variables, ""));
            assert!(page.contains("Client certificate"), "{page}");
        }
    }
    let refused = daemon.run_with(
        "curl",
        words(&format!("-sS --cacert server.pem https://localhost:{}/", server.port)),
        &variables,
        "",
    );
    assert!(!refused.status.success() || !said(&refused).contains("Client certificate"));
}

#[test]
fn gnutls_cli_shows_its_certificate_from_the_token() {
    if !have(&[("gnutls-cli", "gnutls-bin"), ("openssl", "openssl")]) {
        return;
    }
    let daemon = token();
    let server = Server::start(&daemon);
    for label in ["my%20ec", "my%20rsa"] {
        let line = format!(
            "--provider {} --x509cafile server.pem --x509keyfile {} --x509certfile {} -p {} localhost",
            module(),
            uri(label, "private"),
            uri(label, "cert"),
            server.port
        );
        let variables = [("GNUTLS_PIN", PIN)];
        let output = daemon.run_with("gnutls-cli", words(&line), &variables, "GET / HTTP/1.0\r\n\r\n");
        let page = said(&output);
        assert!(page.contains("Handshake was completed") && page.contains("Client certificate"), "{page}");
    }
}
