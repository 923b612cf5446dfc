//! Servers of a test's own on the loopback.

use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use crate::common::Daemon;
use crate::{CA, Program, good, wait_for, words};

/// A server that goes with the test.
pub(crate) struct Server {
    program: Program,
    pub(crate) port: u16,
}

impl Server {
    /// A server that a command starts on a port. Another program may take the port that was free just now: then once more.
    pub(crate) fn start(command: impl Fn(u16) -> Command) -> Self {
        wait_for("a server", || {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let program = Program(command(port).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
            let mut server = Self { program, port };
            let ended = wait_for("a server's answer", || {
                let ended = server.program.0.try_wait().unwrap().is_some();
                (ended || TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(ended)
            });
            (!ended).then_some(server)
        })
    }

    /// OpenSSL's TLS server. It demands a certificate of the local CA's, and shows it on its page.
    pub(crate) fn tls(daemon: &Daemon) -> Self {
        let line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem \
                    -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2";
        good(&daemon.run("openssl", words(line)));
        Self::start(|port| {
            let line = format!(
                "s_server -accept 127.0.0.1:{port} -cert server.pem -key server.key -Verify 1 -verify_return_error \
                 -www -quiet -CAfile {CA}"
            );
            let mut command = Command::new("openssl");
            daemon.environment(&mut command);
            command.args(words(&line)).current_dir(daemon.dir.path());
            command.stderr(std::fs::File::create(daemon.path("server.log")).unwrap());
            command
        })
    }
}
