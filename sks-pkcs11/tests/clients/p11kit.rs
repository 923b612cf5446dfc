//! p11-kit: the module as one of many, registered for a user, and used through p11-kit's own module by programs that know
//! nothing of it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::{Daemon, sks};
use crate::pkcs11_tool::{agrees_with_openssl, id};
use crate::{PIN, TOKEN, good, have, meets_pins, module, openssl_verifies, token_with, words};

/// The user and group nobody. p11-kit reads no user's configuration when root runs it.
const NOBODY: &str = "65534";

/// p11-kit's module for programs that do not load p11-kit itself.
fn proxy() -> Option<PathBuf> {
    let libraries = Path::new("/usr/lib").read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let found = libraries.map(|folder| folder.join("p11-kit-proxy.so")).find(|file| file.exists());
    if found.is_none() {
        eprintln!("SKIPPED: p11-kit-proxy.so is not installed (Debian package p11-kit-modules)");
    }
    found
}

/// Runs a program as a user with p11-kit's configuration in the token's directory.
fn as_user(daemon: &Daemon, program: &str, arguments: Vec<String>) -> Output {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return daemon.run(program, arguments);
    }
    let user =
        [&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups", program].map(str::to_owned);
    daemon.run("setpriv", user.into_iter().chain(arguments))
}

/// A token that the user can reach, registered.
fn token() -> Daemon {
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let daemon = token_with(if root { &["--allow-uid", NOBODY] } else { &[] });
    good(&daemon.run(sks(), ["pkcs11", "install", "--module", &module()]));
    std::fs::set_permissions(daemon.dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    daemon
}

#[test]
fn p11_kit_lists_the_module_and_its_tokens() {
    if !have(&[("p11-kit", "p11-kit"), ("setpriv", "util-linux")]) {
        return;
    }
    let daemon = token();
    let listed = good(&as_user(&daemon, "p11-kit", words("list-modules")));
    assert!(listed.contains("sks: ") && listed.contains("token: SKS") && listed.contains(TOKEN), "{listed}");
    if have(&[("p11tool", "gnutls-bin")]) {
        // It finds what p11-kit knows.
        let listed = good(&as_user(&daemon, "p11tool", words("--batch --list-all-certs pkcs11:token=SKS")));
        assert!(listed.contains("Label: free ec"), "{listed}");
    }
}

#[test]
fn p11_kit_passes_every_operation_on() {
    let needs = [("p11-kit", "p11-kit"), ("setpriv", "util-linux"), ("pkcs11-tool", "opensc"), ("openssl", "openssl")];
    let (true, Some(proxy)) = (have(&needs), proxy()) else { return };
    let daemon = token();
    let tool = |line: &str, with_blanks: &[&str]| {
        let mut arguments = words(&format!("--module {} --token-label", proxy.display()));
        arguments.push(TOKEN.to_owned());
        arguments.extend(words(line));
        arguments.extend(with_blanks.iter().map(|word| (*word).to_owned()));
        as_user(&daemon, "pkcs11-tool", arguments)
    };
    let listed = good(&tool("-O --type pubkey", &[]));
    let (ec, rsa) = (id(&listed, "my ec"), id(&listed, "my rsa"));
    for (key, mechanism) in [("my ec", "ECDSA-SHA256 --signature-format openssl"), ("my rsa", "SHA256-RSA-PKCS")] {
        good(&tool("--read-object --type cert -o c.der --label", &[key]));
        let sign = format!("--login --pin {PIN} -s -m {mechanism} -i message -o s --id {}", id(&listed, key));
        good(&tool(&sign, &[]));
        openssl_verifies(&daemon, "c.der", "s", "");
    }
    good(&daemon.run("openssl", words("pkeyutl -encrypt -pubin -inkey public.pem -in message -out e")));
    let clear = good(&tool(&format!("--login --pin {PIN} --decrypt -m RSA-PKCS -i e --id {rsa}"), &[]));
    assert!(clear.contains("a message"), "{clear}");
    good(&tool("--read-object --type cert -o c.der --label", &["my ec"]));
    agrees_with_openssl(&daemon, |files| {
        tool(&format!("--login --pin {PIN} --derive -m ECDH1-DERIVE --id {ec} {files}"), &[])
    });

    let login = |pin: &str| tool(&format!("--login --pin {pin} -O"), &[]);
    meets_pins(&daemon, login, "CKR_PIN_INCORRECT", "CKR_PIN_LOCKED");
}
