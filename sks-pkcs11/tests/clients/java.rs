//! Java's SunPKCS11: keytool lists, jarsigner signs.

use crate::{PIN, bad, good, have, module, token, words};

#[test]
fn java_lists_keys_and_signs_jars() {
    if !have(&[
        ("keytool", "default-jdk-headless"),
        ("jarsigner", "default-jdk-headless"),
        ("jar", "default-jdk-headless"),
    ]) {
        return;
    }
    let daemon = token();
    // The slot of the keys with a PIN has the number of the first of them.
    daemon.file("sks.cfg", format!("name = sks\nlibrary = {}\nslot = 3\n", module()));
    let provider = "-storetype PKCS11 -providerClass sun.security.pkcs11.SunPKCS11 -providerArg sks.cfg";
    let listed = good(&daemon.run("keytool", words(&format!("-list -keystore NONE {provider} -storepass {PIN}"))));
    assert!(listed.contains("my ec, PrivateKeyEntry") && listed.contains("my rsa, PrivateKeyEntry"), "{listed}");
    bad(&daemon.run("keytool", words(&format!("-list -keystore NONE {provider} -storepass 0000"))));
    for key in ["my ec", "my rsa"] {
        good(&daemon.run("jar", ["cf", "a.jar", "message"]));
        let mut arguments = words(&format!("-keystore NONE {provider} -storepass {PIN} a.jar"));
        arguments.push(key.to_owned());
        good(&daemon.run("jarsigner", arguments));
        let verified = good(&daemon.run("jarsigner", ["-verify", "a.jar"]));
        assert!(verified.contains("jar verified"), "{verified}");
    }
}
