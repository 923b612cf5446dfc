//! Java's SunPKCS11: keytool, jarsigner, and a program on the Java Cryptography Architecture.

use std::process::Output;

use crate::common::Daemon;
use crate::settings::{printed, saved};
use crate::{CA, PIN, bad, good, have, meets_pins, token, words};

/// All are in one package.
const NEEDS: &[(&str, &str)] = &[
    ("java", "default-jdk-headless"),
    ("javac", "default-jdk-headless"),
    ("keytool", "default-jdk-headless"),
    ("jarsigner", "default-jdk-headless"),
    ("jar", "default-jdk-headless"),
];

/// The provider's configuration as `sks pkcs11` prints it, for the slot of the keys with a PIN: the first of them is key 3.
fn configure(daemon: &Daemon) {
    let file = saved(daemon, "sks-java.cfg");
    let content = std::fs::read_to_string(&file).unwrap();
    assert!(content.contains("slot = 0\n"));
    std::fs::write(file, content.replace("slot = 0\n", "slot = 3\n")).unwrap();
}

const PROVIDER: &str =
    "-keystore NONE -storetype PKCS11 -providerClass sun.security.pkcs11.SunPKCS11 -providerArg sks-java.cfg";

fn keytool(daemon: &Daemon, pin: &str, line: &str, with_blanks: &[&str]) -> Output {
    let mut arguments = words(&format!("{line} {PROVIDER} -storepass {pin}"));
    arguments.extend(with_blanks.iter().map(|word| (*word).to_owned()));
    daemon.run("keytool", arguments)
}

#[test]
fn keytool_lists_and_uses_keys() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    // It asks for a password, which keys without a PIN do not have.
    saved(&daemon, "sks-java.cfg");
    let free = daemon.run_with("sh", ["-c", &printed(&daemon, "keytool", "-list")], &[], "\n");
    assert!(good(&free).contains("free ec, PrivateKeyEntry"));

    configure(&daemon);
    let keytool = |line: &str, with_blanks: &[&str]| keytool(&daemon, PIN, line, with_blanks);
    let listed = good(&keytool("-list", &[]));
    assert!(listed.contains("my ec, PrivateKeyEntry") && listed.contains("my rsa, PrivateKeyEntry"), "{listed}");
    meets_pins(&daemon, |pin| self::keytool(&daemon, pin, "-v -list", &[]), "CKR_PIN_INCORRECT", "CKR_PIN_LOCKED");
    good(&keytool("-genseckey -alias made -keyalg AES -keysize 256", &[]));
    assert!(good(&keytool("-list", &[])).contains("made, SecretKeyEntry"));
    for key in ["my ec", "my rsa"] {
        good(&keytool("-certreq -file request", &["-alias", key]));
        if have(&[("openssl", "openssl")]) {
            good(&daemon.run("openssl", ["req", "-in", "request", "-verify", "-noout"]));
        }
    }
    // It makes the key, but wants to store a certificate of its own beside it.
    for kind in ["EC -groupname secp256r1", "RSA -keysize 2048"] {
        let told = bad(&keytool(&format!("-genkeypair -keyalg {kind} -dname CN=other -alias other"), &[]));
        assert!(told.contains("CKR_ATTRIBUTE_READ_ONLY") || told.contains("CKR_ACTION_PROHIBITED"), "{told}");
    }
}

#[test]
fn jarsigner_signs() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    configure(&daemon);
    let sign = |pin: &str, key: &str| {
        good(&daemon.run("jar", ["cf", "a.jar", "message"]));
        let mut arguments = words(&format!("{PROVIDER} -storepass {pin} -sigfile SKS a.jar"));
        arguments.push(key.to_owned());
        daemon.run("jarsigner", arguments)
    };
    for (key, block) in [("my ec", "META-INF/SKS.EC"), ("my rsa", "META-INF/SKS.RSA")] {
        good(&sign(PIN, key));
        assert!(good(&daemon.run("jarsigner", ["-verify", "a.jar"])).contains("jar verified"));
        if have(&[("openssl", "openssl")]) {
            good(&daemon.run("jar", ["xf", "a.jar"]));
            let line =
                format!("cms -verify -inform der -in {block} -content META-INF/SKS.SF -CAfile {CA} -purpose any");
            good(&daemon.run("openssl", words(&line)));
        }
    }
    // It does not say why.
    meets_pins(&daemon, |pin| sign(pin, "my ec"), "keystore load: load failed", "keystore load: load failed");
}

#[test]
fn a_java_program_uses_the_token() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    configure(&daemon);
    daemon.file("Token.java", include_str!("Token.java"));
    good(&daemon.run("javac", ["Token.java"]));
    let java = |pin: &str, more: &str| daemon.run("java", words(&format!("-cp . Token sks-java.cfg {pin} {more}")));
    meets_pins(&daemon, |pin| java(pin, ""), "CKR_PIN_INCORRECT", "CKR_PIN_LOCKED");
    let told = good(&java(PIN, "all"));
    for done in [
        "lists my ec",
        "lists my rsa",
        "signs SHA256withECDSA true",
        "signs RSASSA-PSS true",
        "decrypts true",
        "agrees true",
        "generates EC true",
        "generates RSA true",
    ] {
        assert!(told.contains(done), "no {done}: {told}");
    }
}
