//! git: commits signed through ssh.

use std::process::{Command, Stdio};

use crate::{good, have, module, token};

#[test]
fn git_signs_commits_with_a_key_of_the_token() {
    let needs = [
        ("git", "git"),
        ("ssh-keygen", "openssh-client"),
        ("ssh-agent", "openssh-client"),
        ("ssh-add", "openssh-client"),
    ];
    if !have(&needs) {
        return;
    }
    let daemon = token();
    let socket = daemon.path("agent").display().to_string();
    let mut agent = Command::new("ssh-agent");
    daemon.environment(&mut agent);
    agent.args(["-D", "-P", "/*", "-a", &socket]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut agent = agent.spawn().unwrap();
    for _ in 0..100 {
        if daemon.path("agent").exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let agent_at = [("SSH_AUTH_SOCK", &*socket), ("SSH_ASKPASS_REQUIRE", "force"), ("SSH_ASKPASS", "/bin/true")];
    let added = daemon.run_with("ssh-add", ["-s", &module()], &agent_at, "");
    let keys = good(&daemon.run("ssh-keygen", ["-D", &module()]));
    let key = keys.lines().find(|line| line.ends_with("free ec")).unwrap();
    let public = daemon.file("key.pub", key).display().to_string();
    daemon.file("allowed", format!("alice@example.com {key}"));
    good(&added);
    let git = |arguments: &[&str]| daemon.run_with("git", arguments, &agent_at, "");
    good(&git(&["init", "-q", "repository"]));
    for (name, value) in [
        ("user.name", "Alice"),
        ("user.email", "alice@example.com"),
        ("gpg.format", "ssh"),
        ("user.signingkey", &public),
        ("gpg.ssh.allowedSignersFile", &daemon.path("allowed").display().to_string()),
    ] {
        good(&git(&["-C", "repository", "config", name, value]));
    }
    let signed = git(&["-C", "repository", "commit", "-q", "-S", "--allow-empty", "-m", "signed"]);
    let verified = git(&["-C", "repository", "verify-commit", "HEAD"]);
    agent.kill().unwrap();
    agent.wait().unwrap();
    good(&signed);
    assert!(good(&verified).contains("Good \"git\" signature for alice@example.com"));
}
