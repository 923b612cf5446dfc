//! ssh-agent with the token's keys: it signs for ssh-keygen, and for git.

use std::process::{Command, Output, Stdio};

use crate::common::Daemon;
use crate::ssh::asking;
use crate::{PIN, Program, WRONG_PIN, bad, good, have, module, token, tries_lost, unlock, wait_for, words};

const NEEDS: &[(&str, &str)] =
    &[("ssh-keygen", "openssh-client"), ("ssh-agent", "openssh-client"), ("ssh-add", "openssh-client")];

/// An agent that goes with the test.
struct Agent<'a> {
    daemon: &'a Daemon,
    _program: Program,
    socket: String,
}

impl<'a> Agent<'a> {
    fn start(daemon: &'a Daemon) -> Self {
        let socket = daemon.path("agent").display().to_string();
        let mut agent = Command::new("ssh-agent");
        daemon.environment(&mut agent);
        agent.args(["-D", "-P", &module(), "-a", &socket]).stdin(Stdio::null()).stdout(Stdio::null());
        agent.stderr(std::fs::File::create(daemon.path("agent.log")).unwrap());
        let program = Program(agent.spawn().unwrap());
        wait_for("the agent", || daemon.path("agent").exists().then_some(()));
        Self { daemon, _program: program, socket }
    }

    fn run(&self, program: &str, arguments: &[&str], pin: &str) -> Output {
        let asking = asking(self.daemon, pin);
        let mut variables: Vec<_> = asking.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.push(("SSH_AUTH_SOCK", &self.socket));
        self.daemon.run_with(program, arguments, &variables, "")
    }

    fn add(&self, pin: &str) -> Output {
        self.run("ssh-add", &["-s", &module()], pin)
    }

    fn remove(&self) {
        good(&self.run("ssh-add", &["-e", &module()], ""));
    }

    /// The keys it has.
    fn list(&self) -> String {
        good(&self.run("ssh-add", &["-L"], ""))
    }

    fn sign(&self, key: &str) -> Output {
        let _ = std::fs::remove_file(self.daemon.path("message.sig"));
        self.run("ssh-keygen", &["-Y", "sign", "-n", "file", "-f", key, "message"], "")
    }
}

/// Writes the token's public keys to files of their names, and who may sign with them to `allowed`.
fn public_keys(daemon: &Daemon, names: &[(&str, &str)]) {
    let keys = good(&daemon.run("ssh-keygen", ["-D", &module()]));
    let mut allowed = String::new();
    for (name, file) in names {
        let key = keys.lines().find(|line| line.ends_with(name)).unwrap();
        daemon.file(file, key);
        allowed += &format!("alice@example.com {key}\n");
    }
    daemon.file("allowed", allowed);
}

#[test]
fn an_agent_signs_with_the_tokens_keys() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    let names = [("free ec", "free.pub"), ("my ec", "ec.pub"), ("my rsa", "rsa.pub")];
    public_keys(&daemon, &names);
    let agent = Agent::start(&daemon);
    good(&agent.add(PIN));
    for (name, file) in names {
        assert!(agent.list().contains(name));
        good(&agent.sign(file));
        let verify = words("-Y verify -f allowed -I alice@example.com -n file -s message.sig");
        assert!(good(&daemon.run_with("ssh-keygen", verify, &[], "a message\n")).contains("Good \"file\" signature"));
    }
}

/// ssh-add says that it added the card although the PIN was wrong, for the keys without one are there.
#[test]
fn an_agent_meets_wrong_and_locked_pins() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    public_keys(&daemon, &[("my ec", "ec.pub")]);
    let agent = Agent::start(&daemon);
    let refuses = |pin: &str, lost: u8| {
        good(&agent.add(pin));
        let keys = agent.list();
        assert!(keys.contains("free ec") && !keys.contains("my ec"), "{keys}");
        bad(&agent.sign("ec.pub"));
        // It has the module already.
        bad(&agent.add(pin));
        assert_eq!(tries_lost(&daemon), lost);
        agent.remove();
    };
    refuses(WRONG_PIN, 1);
    good(&agent.add(PIN));
    good(&agent.sign("ec.pub"));
    assert_eq!(tries_lost(&daemon), 0);

    // The PIN that the agent was given is not tried again once it is refused.
    let wrong = daemon.secret("wrong", WRONG_PIN).display().to_string();
    for key in ["3", "4"].repeat(3) {
        bad(&daemon.run(crate::common::sks(), ["sign", key, "message", "--pin-file", &wrong, "--out", "s"]));
    }
    bad(&agent.sign("ec.pub"));
    agent.remove();
    refuses(PIN, 3);
    unlock(&daemon, &["3", "4"]);
    for lost in 1..=3 {
        refuses(WRONG_PIN, lost);
    }
    refuses(PIN, 3);
}

#[test]
fn git_signs_commits_with_keys_of_the_token() {
    if !have(NEEDS) || !have(&[("git", "git")]) {
        return;
    }
    let daemon = token();
    public_keys(&daemon, &[("free ec", "free.pub"), ("my rsa", "rsa.pub")]);
    let agent = Agent::start(&daemon);
    let git = |arguments: &[&str]| agent.run("git", arguments, "");
    let at = |name: &str| daemon.path(name).display().to_string();
    good(&git(&["init", "-q", "repository"]));
    for (name, value) in [
        ("user.name", "Alice"),
        ("user.email", "alice@example.com"),
        ("gpg.format", "ssh"),
        ("gpg.ssh.allowedSignersFile", &at("allowed")),
    ] {
        good(&git(&["-C", "repository", "config", name, value]));
    }
    let commit = |key: &str| {
        let key = format!("user.signingKey={}", at(key));
        git(&["-C", "repository", "-c", &key, "commit", "-q", "-S", "--allow-empty", "-m", "signed"])
    };
    let verified = || good(&git(&["-C", "repository", "verify-commit", "HEAD"]));

    good(&agent.add(PIN));
    for key in ["free.pub", "rsa.pub"] {
        good(&commit(key));
        assert!(verified().contains("Good \"git\" signature for alice@example.com"));
    }
    agent.remove();
    // Wrong, and locked by the third: the agent does not have the key, and git makes no commit.
    for (pin, lost) in [(WRONG_PIN, 1), (PIN, 0), (WRONG_PIN, 1), (WRONG_PIN, 2), (WRONG_PIN, 3), (PIN, 3)] {
        agent.add(pin);
        let made = commit("rsa.pub");
        match lost {
            0 => _ = good(&made),
            _ => assert!(bad(&made).contains("failed to write commit object")),
        }
        assert_eq!(tries_lost(&daemon), lost);
        good(&commit("free.pub"));
        agent.remove();
    }
}
