//! GnuTLS: p11tool lists and makes keys, certtool signs with them.

use crate::{PIN, TOKEN, bad, good, have, module, token, words};

#[test]
fn gnutls_lists_makes_and_tests_keys() {
    if !have(&[("p11tool", "gnutls-bin")]) {
        return;
    }
    let daemon = token();
    let pin = [("GNUTLS_PIN", PIN)];
    let provider = format!("--provider {}", module());
    let p11tool =
        |line: &str, variables| daemon.run_with("p11tool", words(&format!("{provider} --batch {line}")), variables, "");
    let tokens = good(&p11tool("--list-tokens", &pin));
    assert!(tokens.contains("token=SKS") && tokens.contains("Requires login"), "{tokens}");
    let mine = format!("pkcs11:token={}", TOKEN.replace(':', "%3A").replace(' ', "%20"));
    assert!(good(&p11tool(&format!("--list-all-certs {mine}"), &pin)).contains("Label: my ec"));
    let keys = good(&p11tool(&format!("--login --list-privkeys {mine}"), &pin));
    assert!(keys.contains("Label: my rsa") && keys.contains("CKA_NEVER_EXTRACTABLE"), "{keys}");
    for label in ["my%20ec", "my%20rsa"] {
        let tested = good(&p11tool(&format!("--login --test-sign {mine};object={label}"), &pin));
        assert!(tested.contains("ok"), "{tested}");
    }
    good(&p11tool(&format!("--login --generate-privkey=ecdsa --curve=secp256r1 --label=made {mine}"), &pin));
    assert!(good(&p11tool(&format!("--login --test-sign {mine};object=made"), &pin)).contains("ok"));
    bad(&p11tool(&format!("--login --test-sign {mine};object=made"), &[("GNUTLS_PIN", "0000")]));
}
