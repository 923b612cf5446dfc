//! OpenSSL with libp11's engine.

use crate::{PIN, TOKEN, bad, good, have, module, openssl_verifies, token, words};

#[test]
fn openssl_signs_and_decrypts_through_its_engine() {
    if !have(&[("openssl", "openssl")]) {
        return;
    }
    let daemon = token();
    let config = format!(
        "openssl_conf = init\n[init]\nengines = engines\n[engines]\npkcs11 = sks\n[sks]\nengine_id = pkcs11\nMODULE_PATH = {}\nPIN = {PIN}\ninit = 0\n",
        module()
    );
    let config = daemon.file("openssl.cnf", config).display().to_string();
    let openssl = |line: &str| daemon.run_with("openssl", words(line), &[("OPENSSL_CONF", &config)], "");
    if !openssl("engine -t pkcs11").status.success() {
        eprintln!("SKIPPED: OpenSSL's engine pkcs11 is not installed (Debian package libengine-pkcs11-openssl)");
        return;
    }
    let token_label = TOKEN.replace(':', "%3A").replace(' ', "%20");
    let key = |label: &str| format!("pkcs11:token={token_label};object={label};type=private");
    for label in ["my%20ec", "my%20rsa"] {
        let certificate = format!("--token-label\n{TOKEN}\n--label\n{}", label.replace("%20", " "));
        let mut arguments = vec!["--module".to_owned(), module()];
        arguments.extend(["--read-object", "--type", "cert", "-o", "c.der"].map(str::to_owned));
        arguments.extend(certificate.lines().map(str::to_owned));
        if !have(&[("pkcs11-tool", "opensc")]) {
            return;
        }
        good(&daemon.run("pkcs11-tool", arguments));
        good(&openssl(&format!("dgst -engine pkcs11 -keyform engine -sha256 -sign {} -out s message", key(label))));
        openssl_verifies(&daemon, "c.der", "s", "");
    }
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
    let line = format!("dgst -engine pkcs11 -keyform engine -sha256 {pss} -sign {} -out s message", key("my%20rsa"));
    good(&openssl(&line));
    openssl_verifies(&daemon, "c.der", "s", pss);
    good(&daemon.run("openssl", words("pkeyutl -encrypt -pubin -inkey public.pem -in message -out e")));
    let line = format!("pkeyutl -engine pkcs11 -keyform engine -decrypt -inkey {} -in e", key("my%20rsa"));
    assert!(good(&openssl(&line)).contains("a message"));
    let wrong = format!("{};pin-value=0000", key("my%20rsa"));
    bad(&openssl(&format!("dgst -engine pkcs11 -keyform engine -sha256 -sign {wrong} -out s message")));
}
