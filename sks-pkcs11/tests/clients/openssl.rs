//! OpenSSL with libp11's engine.

use crate::common::Daemon;
use crate::{PIN, WRONG_PIN, certificate, good, have, meets_pins, module, openssl_verifies_cms, token, uri, words};

/// Whether the engine is there; says if not.
pub(crate) fn have_engine(daemon: &Daemon) -> bool {
    if !have(&[("openssl", "openssl")]) {
        return false;
    }
    let there = daemon.run("openssl", words("engine -t pkcs11")).status.success();
    if !there {
        eprintln!("SKIPPED: OpenSSL's engine pkcs11 is not installed (Debian package libengine-pkcs11-openssl)");
    }
    there
}

/// Writes an openssl.cnf that names the module and a PIN.
pub(crate) fn config(daemon: &Daemon, pin: &str) -> String {
    let config = format!(
        "openssl_conf = init\n[init]\nengines = engines\n[engines]\npkcs11 = sks\n[sks]\nengine_id = pkcs11\n\
         MODULE_PATH = {}\nPIN = {pin}\ninit = 0\n",
        module()
    );
    daemon.file("openssl.cnf", config).display().to_string()
}

#[test]
fn openssl_signs_decrypts_and_derives_through_its_engine() {
    let daemon = token();
    if !have_engine(&daemon) {
        return;
    }
    let config = config(&daemon, PIN);
    let openssl = |line: &str| daemon.run_with("openssl", words(line), &[("OPENSSL_CONF", &config)], "");
    let plain = |line: &str| good(&daemon.run("openssl", words(line)));
    let engine = |key: &str| format!("-engine pkcs11 -keyform engine -inkey {}", uri(key, "private"));

    // List: the engine's store finds one object by its URI, and no other way.
    let listed = good(&openssl(&format!(
        "storeutl -engine pkcs11 -noout org.openssl.engine:pkcs11:{}",
        uri("my ec", "private")
    )));
    assert!(listed.contains("Total found: 1"), "{listed}");

    for (key, handle) in [("my ec", "3"), ("my rsa", "4")] {
        certificate(&daemon, handle, "c.pem");
        plain("x509 -in c.pem -noout -pubkey -out public.pem");
        let sign = format!("dgst -engine pkcs11 -keyform engine -sha256 -sign {} -out s", uri(key, "private"));
        let verify = "dgst -sha256 -verify public.pem -signature s";
        let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
        for more in ["", pss].iter().take(if key == "my rsa" { 2 } else { 1 }) {
            good(&openssl(&format!("{sign} {more} message")));
            assert!(plain(&format!("{verify} {more} message")).contains("Verified OK"));
        }
        let sign = format!("cms -sign {} -signer c.pem -nodetach -in message -outform der -out m.cms", engine(key));
        good(&openssl(&sign));
        openssl_verifies_cms(&daemon, "m.cms", "der");
        // To an RSA key by key transport, to an EC key by key agreement.
        plain("cms -encrypt -aes-256-cbc -in message -outform der -out e.cms c.pem");
        let decrypt = format!("cms -decrypt {} -recip c.pem -inform der -in e.cms", engine(key));
        assert!(good(&openssl(&decrypt)).contains("a message"));
    }

    for padding in ["", "-pkeyopt rsa_padding_mode:oaep"] {
        plain(&format!("pkeyutl -encrypt -pubin -inkey public.pem {padding} -in message -out e"));
        let clear = good(&openssl(&format!("pkeyutl -decrypt {} {padding} -in e", engine("my rsa"))));
        assert!(clear.contains("a message"), "{clear}");
    }

    certificate(&daemon, "3", "c.pem");
    plain("x509 -in c.pem -noout -pubkey -out public.pem");
    plain("ecparam -name prime256v1 -genkey -noout -out peer.pem");
    plain("ec -in peer.pem -pubout -out peer.pub");
    good(&openssl(&format!("pkeyutl -derive {} -peerkey peer.pub -out one", engine("my ec"))));
    plain("pkeyutl -derive -inkey peer.pem -peerkey public.pem -out two");
    let read = |name: &str| std::fs::read(daemon.path(name)).unwrap();
    assert_eq!(read("one"), read("two"));
}

#[test]
fn openssl_meets_wrong_and_locked_pins() {
    let daemon = token();
    if !have_engine(&daemon) {
        return;
    }
    let sign = |more: &str, pin: &str| {
        let key = format!("{}{more}", uri("my ec", "private"));
        let line = format!("dgst -engine pkcs11 -keyform engine -sha256 -sign {key} -out s message");
        daemon.run_with("openssl", words(&line), &[("OPENSSL_CONF", &config(&daemon, pin))], "")
    };
    meets_pins(&daemon, |pin| sign("", pin), "PIN incorrect", "PIN locked");
    let from_file = |pin: &str| {
        let file = daemon.file("pin", pin);
        // The file's PIN goes before the configuration's.
        sign(&format!(";pin-source=file:{}", file.display()), WRONG_PIN)
    };
    meets_pins(&daemon, from_file, "PIN incorrect", "PIN locked");
}
