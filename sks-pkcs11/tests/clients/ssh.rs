//! OpenSSH: keys listed, and a login to a server of the test's own on the loopback.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::Daemon;
use crate::{PIN, bad, good, have, module, said, token, words};

/// A server that goes with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(daemon: &Daemon) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        good(&daemon.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "host"]));
        let dir = daemon.dir.path().display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {dir}/host\nAuthorizedKeysFile {dir}/authorized\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
        );
        let config = daemon.file("sshd_config", config);
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(config).stdin(Stdio::null());
        command.stderr(std::fs::File::create(daemon.path("sshd.log")).unwrap());
        let child = command.spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "sshd does not start");
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

#[test]
fn ssh_logs_in_with_the_tokens_keys() {
    if !have(&[("ssh", "openssh-client"), ("ssh-keygen", "openssh-client"), ("sshd", "openssh-server")]) {
        return;
    }
    let daemon = token();
    let listed = good(&daemon.run("ssh-keygen", ["-D", &module()]));
    assert!(listed.contains("free ec") && listed.contains("my rsa"), "{listed}");
    let _ = std::fs::create_dir_all("/run/sshd");
    let server = Server::start(&daemon);
    let ask = daemon.file("askpass", "#!/bin/sh\ncat \"$ASKPASS_PIN\"\n");
    std::fs::set_permissions(&ask, std::fs::Permissions::from_mode(0o755)).unwrap();
    let login = |name: &str, pin: &str| {
        let key: Vec<&str> = listed.lines().filter(|line| line.ends_with(name)).collect();
        assert_eq!(key.len(), 1);
        daemon.file("authorized", key[0]);
        let pin = daemon.file("ssh-pin", pin).display().to_string();
        let ask = ask.display().to_string();
        let variables = [("SSH_ASKPASS", &*ask), ("SSH_ASKPASS_REQUIRE", "force"), ("ASKPASS_PIN", &pin)];
        let options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1";
        let line = format!(
            "-F none {options} -o IdentityAgent=none -o PKCS11Provider={} -p {} 127.0.0.1 echo logged in",
            module(),
            server.port
        );
        daemon.run_with("ssh", words(&line), &variables, "")
    };
    for name in ["free ec", "free rsa", "my ec", "my rsa"] {
        let output = login(name, PIN);
        assert!(said(&output).contains("logged in"), "{name}: {}", said(&output));
    }
    bad(&login("my ec", "0000"));
}
