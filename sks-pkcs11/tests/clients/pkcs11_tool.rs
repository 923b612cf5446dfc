//! OpenSC's pkcs11-tool: listing, every kind of operation, PINs, key generation, import, and its own test.

use std::process::Output;

use crate::common::Daemon;
use crate::{PIN, PUK, TOKEN, WRONG_PIN, bad, good, have, meets_pins, module, openssl_verifies, said, token, words};

const NEEDS: &[(&str, &str)] = &[("pkcs11-tool", "opensc"), ("openssl", "openssl")];

/// Runs it on the token of the keys without a PIN (`free`) or of those with.
fn tool(daemon: &Daemon, free: bool, line: &str, words_with_blanks: &[&str]) -> Output {
    let mut arguments = vec!["--module".to_owned(), module(), "--token-label".to_owned()];
    arguments.push(if free { "SKS" } else { TOKEN }.to_owned());
    arguments.extend(words(line));
    arguments.extend(words_with_blanks.iter().map(|word| (*word).to_owned()));
    daemon.run("pkcs11-tool", arguments)
}

/// The CKA_ID of a key: operations take no label.
fn key_id(daemon: &Daemon, free: bool, label: &str) -> String {
    id(&good(&tool(daemon, free, "-O --type pubkey", &[])), label)
}

/// The CKA_ID of a key in a list of public keys.
pub(crate) fn id(listed: &str, label: &str) -> String {
    let after = listed.split(&format!("label:      {label}\n")).nth(1).unwrap();
    after.split_whitespace().nth(1).unwrap().to_owned()
}

fn login(line: &str) -> String {
    format!("--login --pin {PIN} {line}")
}

#[test]
fn pkcs11_tool_lists_and_uses_keys() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    let slots = good(&daemon.run("pkcs11-tool", ["--module", &module(), "-L"]));
    assert!(slots.contains("SKS") && slots.contains(TOKEN) && slots.contains("login required"), "{slots}");
    let listed = good(&tool(&daemon, false, "-O", &[]));
    assert!(listed.contains("Public Key Object; EC") && !listed.contains("Private Key"), "{listed}");
    let listed = good(&tool(&daemon, false, &login("-O"), &[]));
    assert!(listed.contains("Private Key Object; RSA") && listed.contains("never extractable"), "{listed}");

    good(&tool(&daemon, false, "--read-object --type cert -o c.der --label", &["my ec"]));
    for mechanism in ["ECDSA-SHA256 --signature-format openssl", "SHA256-RSA-PKCS", "SHA256-RSA-PKCS-PSS"] {
        let (key, more) = match mechanism {
            m if m.starts_with("ECDSA") => ("my ec", ""),
            m if m.ends_with("PSS") => ("my rsa", "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"),
            _ => ("my rsa", ""),
        };
        good(&tool(&daemon, false, "--read-object --type cert -o c.der --label", &[key]));
        good(&tool(
            &daemon,
            false,
            &login(&format!("-s -m {mechanism} -i message -o s --id")),
            &[&key_id(&daemon, false, key)],
        ));
        openssl_verifies(&daemon, "c.der", "s", more);
    }
    good(&daemon.run("openssl", words("pkeyutl -encrypt -pubin -inkey public.pem -in message -out e")));
    let clear =
        good(&tool(&daemon, false, &login("--decrypt -m RSA-PKCS -i e --id"), &[&key_id(&daemon, false, "my rsa")]));
    assert!(clear.contains("a message"), "{clear}");
    let oaep = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256";
    let line = format!("pkeyutl -encrypt -pubin -inkey public.pem {oaep} -in message -out e");
    good(&daemon.run("openssl", words(&line)));
    let line = login("--decrypt -m RSA-PKCS-OAEP --hash-algorithm SHA256 --mgf MGF1-SHA256 -i e --id");
    let clear = good(&tool(&daemon, false, &line, &[&key_id(&daemon, false, "my rsa")]));
    assert!(clear.contains("a message"), "{clear}");
    good(&tool(&daemon, true, "--read-object --type cert -o c.der --label", &["free ec"]));
    let ec = key_id(&daemon, true, "free ec");
    agrees_with_openssl(&daemon, |files| {
        tool(&daemon, true, &format!("--derive -m ECDH1-DERIVE --id {ec} {files}"), &[])
    });
    for free in [true, false] {
        let tested = good(&tool(&daemon, free, &if free { "--test".to_owned() } else { login("--test") }, &[]));
        assert!(tested.contains("No errors"), "{tested}");
    }
}

/// Whether OpenSSL derives the same from a key whose certificate is in `c.der`. `derive` is given options that name files.
pub(crate) fn agrees_with_openssl(daemon: &Daemon, derive: impl Fn(&str) -> Output) {
    let openssl = |line: &str| good(&daemon.run("openssl", words(line)));
    openssl("ecparam -name prime256v1 -genkey -noout -out peer.pem");
    openssl("ec -in peer.pem -pubout -outform der -out peer.der");
    good(&derive("-i peer.der -o secret"));
    // Not by pkcs11-tool's reading of a public key: OpenSC 0.23 gives OpenSSL bytes there that it never set.
    openssl("x509 -inform der -in c.der -noout -pubkey -out own.pem");
    openssl("pkeyutl -derive -inkey peer.pem -peerkey own.pem -out other");
    assert_eq!(std::fs::read(daemon.path("secret")).unwrap(), std::fs::read(daemon.path("other")).unwrap());
}

#[test]
fn pkcs11_tool_makes_imports_and_deletes_keys() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    for free in [true, false] {
        let line = |line: &str| if free { line.to_owned() } else { login(line) };
        good(&tool(&daemon, free, &line("--keypairgen --key-type EC:prime256v1 --label made --id 0a"), &[]));
        good(&tool(&daemon, free, &line("--keypairgen --key-type rsa:2048 --label rsa --id 0b"), &[]));
        good(&tool(&daemon, free, &line("--keygen --key-type AES:32 --label aes --id 0c"), &[]));
        good(&tool(&daemon, free, &line("-s -m ECDSA-SHA256 --signature-format openssl -i message -o s --id 0a"), &[]));
        good(&tool(&daemon, free, "--read-object --type cert -o c.der --id 0a", &[]));
        openssl_verifies(&daemon, "c.der", "s", "");
        let iv = "--iv 000102030405060708090a0b0c0d0e0f";
        good(&tool(&daemon, free, &line(&format!("--encrypt -m AES-CBC-PAD {iv} --id 0c -i message -o e")), &[]));
        let clear = good(&tool(&daemon, free, &line(&format!("--decrypt -m AES-CBC-PAD {iv} --id 0c -i e")), &[]));
        assert!(clear.contains("a message"), "{clear}");

        good(&daemon.run("openssl", words("genrsa -out r.pem 2048")));
        good(&daemon.run("openssl", words("rsa -in r.pem -traditional -outform der -out r.der")));
        good(&tool(&daemon, free, &line("--write-object r.der --type privkey --id 0d --label brought"), &[]));
        good(&tool(&daemon, free, &line("-s -m SHA256-RSA-PKCS -i message -o s --id 0d"), &[]));
        good(&tool(&daemon, free, "--read-object --type cert -o c.der --id 0d", &[]));
        openssl_verifies(&daemon, "c.der", "s", "");
        good(&tool(&daemon, free, &line("--delete-object --type privkey --id 0d"), &[]));
        assert!(!good(&tool(&daemon, free, &line("-O"), &[])).contains("brought"));
    }
}

#[test]
fn pkcs11_tool_meets_wrong_and_locked_pins() {
    if !have(NEEDS) {
        return;
    }
    let daemon = token();
    let key = key_id(&daemon, false, "my ec");
    let sign = |pin: &str| {
        let line = format!("--login --pin {pin} -s -m ECDSA-SHA256 -i message -o s --id {key}");
        tool(&daemon, false, &line, &[])
    };
    meets_pins(&daemon, sign, "CKR_PIN_INCORRECT", "CKR_PIN_LOCKED");

    let slots = || good(&daemon.run("pkcs11-tool", ["--module", &module(), "-L"]));
    for told in ["user PIN count low", "final user PIN try", "user PIN locked"] {
        bad(&sign(WRONG_PIN));
        assert!(slots().contains(told), "{}", slots());
    }
    let officer = format!("--login --login-type so --so-pin {PUK} --init-pin --pin 7777");
    good(&tool(&daemon, false, &officer, &[]));
    good(&tool(&daemon, false, "--login --pin 7777 --change-pin --new-pin 8888", &[]));
    good(&sign("8888"));
    let refused = said(&tool(&daemon, false, &login("-O"), &[]));
    assert!(refused.contains("CKR_PIN_INCORRECT"), "{refused}");
}
