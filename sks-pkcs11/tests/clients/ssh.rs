//! OpenSSH: keys listed, and a login to a server of the test's own on the loopback.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::common::Daemon;
use crate::server::Server;
use crate::settings::printed;
use crate::{PIN, good, have, meets_pins, module, token};

/// What ssh and ssh-add ask for a PIN: a program that tells the one in the file `ssh-pin`.
pub(crate) fn asking(daemon: &Daemon, pin: &str) -> [(&'static str, String); 3] {
    let script = daemon.file("askpass", "#!/bin/sh\necho asked >>\"$ASKPASS_PIN.asked\"\ncat \"$ASKPASS_PIN\"\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let pin = daemon.file("ssh-pin", pin);
    [("SSH_ASKPASS", script), ("SSH_ASKPASS_REQUIRE", "force".into()), ("ASKPASS_PIN", pin)]
        .map(|(name, value)| (name, value.display().to_string()))
}

fn server(daemon: &Daemon) -> Server {
    let _ = std::fs::create_dir_all("/run/sshd");
    good(&daemon.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "host"]));
    let dir = daemon.dir.path().display();
    let config = format!(
        "ListenAddress 127.0.0.1\nHostKey {dir}/host\nAuthorizedKeysFile {dir}/authorized\nPidFile none\n\
         StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
    );
    let config = daemon.file("sshd_config", config);
    Server::start(|port| {
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-p", &port.to_string(), "-f"]).arg(&config);
        command.stderr(std::fs::File::create(daemon.path("sshd.log")).unwrap());
        command
    })
}

#[test]
fn ssh_logs_in_with_the_tokens_keys() {
    if !have(&[("ssh", "openssh-client"), ("ssh-keygen", "openssh-client"), ("sshd", "openssh-server")]) {
        return;
    }
    let daemon = token();
    let listed = good(&daemon.run("ssh-keygen", ["-D", &module()]));
    let server = server(&daemon);
    let login = |name: &str, pin: &str| {
        let key: Vec<&str> = listed.lines().filter(|line| line.ends_with(name)).collect();
        assert_eq!(key.len(), 1, "{listed}");
        daemon.file("authorized", key[0]);
        let asking = asking(&daemon, pin);
        let asking: Vec<_> = asking.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentityAgent=none";
        let rest = format!("-F none {options} -p {} 127.0.0.1 echo logged in", server.port);
        let line = printed(&daemon, "ssh", "user@host").replace("user@host", &rest);
        daemon.run_with("sh", ["-c", &line], &asking, "")
    };
    for name in ["free ec", "free rsa", "my ec", "my rsa"] {
        let told = good(&login(name, PIN));
        assert!(told.contains("logged in"), "{name}: {told}");
    }
    // The same said in the configuration.
    let setting = printed(&daemon, "PKCS11Provider", "");
    let set = good(&daemon.run("ssh", ["-G", "-F", &daemon.file("ssh_config", setting).display().to_string(), "host"]));
    assert!(set.contains(&format!("pkcs11provider {}", module())), "{set}");

    let _ = std::fs::remove_file(daemon.path("ssh-pin.asked"));
    meets_pins(&daemon, |pin| login("my ec", pin), "login failed: PIN incorrect", "login failed: PIN locked");
    // Asked once each time.
    assert_eq!(std::fs::read_to_string(daemon.path("ssh-pin.asked")).unwrap().lines().count(), 7);
}
