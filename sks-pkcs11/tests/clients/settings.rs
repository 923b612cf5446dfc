//! What `sks pkcs11` prints, run as it is printed.

use crate::common::{Daemon, sks};
use crate::openssl::have_engine;
use crate::server::Server;
use crate::ssh::asking;
use crate::{good, have, module, said, token};

/// All of it.
fn settings(daemon: &Daemon) -> String {
    good(&daemon.run(sks(), ["pkcs11", "--module", &module()]))
}

/// The command line printed that begins with one word and holds another.
pub(crate) fn printed(daemon: &Daemon, program: &str, holds: &str) -> String {
    let settings = settings(daemon).replace("\\\n", " ");
    let found: Vec<_> = settings
        .lines()
        .filter(|line| line.split(' ').next() == Some(program) && line.contains(holds))
        .map(str::to_owned)
        .collect();
    assert_eq!(found.len(), 1, "{settings}");
    found[0].clone()
}

/// Writes the lines that are to be saved in a file, and gives its path.
pub(crate) fn saved(daemon: &Daemon, file: &str) -> String {
    let settings = settings(daemon);
    let after = settings.split_once(&format!("Save as {file}:\n")).unwrap().1;
    let content = after.split("# then").next().unwrap();
    daemon.file(file, content).display().to_string()
}

#[test]
fn settings_for_openssl_and_curl_work_as_printed() {
    let daemon = token();
    if !have_engine(&daemon) || !have(&[("curl", "curl")]) {
        return;
    }
    saved(&daemon, "sks-openssl.cnf");
    let export = printed(&daemon, "export", "OPENSSL_CONF");
    let run = |line: &str| good(&daemon.run("sh", ["-c", &format!("{export}\n{line}")]));
    let free = |line: &str| line.replace("TOKEN", "SKS").replace("LABEL", "free%20ec");
    let sign = free(&printed(&daemon, "openssl", "-sign"));
    run(&sign.replace("SIGNATURE", "s").replace("FILE", "message"));
    crate::certificate(&daemon, "1", "c.pem");
    run("openssl x509 -in c.pem -noout -pubkey -out public.pem");
    assert!(run("openssl dgst -sha256 -verify public.pem -signature s message").contains("Verified OK"));

    let server = Server::tls(&daemon);
    let address = format!("--cacert server.pem https://localhost:{}/", server.port);
    let visit = printed(&daemon, "curl", "--engine").replace("https://...", &address);
    assert!(run(&free(&visit)).contains("CN=free ec"));
    // With a PIN, as the settings say.
    let pin = daemon.file("pin", crate::PIN).display().to_string();
    let with_pin = visit.replace("type=private", &format!("type=private;pin-source=file:{pin}"));
    let with_pin = with_pin.replace("TOKEN", "local-issuer%20user-pin").replace("LABEL", "my%20ec");
    assert!(run(&with_pin).contains("CN=my ec"));
}

#[test]
fn settings_for_git_work_as_printed() {
    if !have(&[("git", "git"), ("ssh-add", "openssh-client"), ("ssh-agent", "openssh-client")]) {
        return;
    }
    let daemon = token();
    let lines = [
        "git init -q . && git config user.name Alice && git config user.email alice@example.com".to_owned(),
        printed(&daemon, "git", "gpg.format"),
        printed(&daemon, "git", "user.signingKey"),
        printed(&daemon, "eval", "ssh-agent"),
        "trap 'ssh-agent -k' EXIT".to_owned(),
        printed(&daemon, "ssh-add", "-s"),
        "git commit -q -S --allow-empty -m signed".to_owned(),
        format!("echo \"alice@example.com $({})\" >allowed", printed(&daemon, "ssh-keygen", "-D") + " | head -n 1"),
        "git -c gpg.ssh.allowedSignersFile=allowed verify-commit HEAD".to_owned(),
    ];
    let asking = asking(&daemon, crate::PIN);
    let asking: Vec<_> = asking.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let told = said(&daemon.run_with("sh", ["-ec", &lines.join("\n")], &asking, ""));
    assert!(told.contains("Good \"git\" signature for alice@example.com"), "{told}");
}

#[test]
fn settings_for_listing_tools_work_as_printed() {
    let daemon = token();
    for (program, package, holds, what) in [
        ("ssh-keygen", "openssh-client", "-D", "free ec"),
        ("p11tool", "gnutls-bin", "--list-tokens", "token=local-issuer%20user-pin"),
        ("p11tool", "gnutls-bin", "--list-all", "Label: free rsa"),
        ("pkcs11-tool", "opensc", "--list-slots", "local-issuer user-pin"),
    ] {
        if have(&[(program, package)]) {
            let listed = good(&daemon.run("sh", ["-c", &printed(&daemon, program, holds)]));
            assert!(listed.contains(what), "{listed}");
        }
    }
}
