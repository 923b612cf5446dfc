//! Keys: enrolled, listed, used, exported, deleted.

use std::os::unix::fs::PermissionsExt;

use sks_issuer::ca::{Ca, Subject};

use crate::support::{Token, openssl};

#[test]
fn an_enrolled_key_is_listed_and_signs() {
    let token = Token::start();
    let key = token.enroll("--email alice@example.com --dns host.example.com");
    let listed = token.json("keys");
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["key_handle"], key);
    assert_eq!(listed[0]["certificate"]["subject"], "CN=Alice");
    assert_eq!(listed[0]["certificate"]["key_algorithm"], "p256");
    assert!(token.run("keys").ok().text().contains("Alice"));

    token.write("data", b"what is signed");
    token.run(&format!("sign {key} @data --pin-file @pin --out @signature")).ok();
    if openssl(&token, "x509 -in cert.pem -pubkey -noout -out public.pem").is_some() {
        let said = openssl(&token, "dgst -sha256 -verify public.pem -signature signature data").unwrap();
        assert_eq!(said, "Verified OK\n");
        openssl(&token, "verify -CAfile xdg/sks/local-ca/ca.pem cert.pem").unwrap_or_else(|| panic!());
        let text = openssl(&token, "x509 -in cert.pem -noout -text").unwrap();
        assert!(text.contains("email:alice@example.com, DNS:host.example.com"), "{text}");
    }
}

#[test]
fn a_hash_stdin_and_every_encoding_give_a_signature() {
    let token = Token::start();
    let key = token.enroll("");
    let hash = "00".repeat(32);
    let base64 = token.run(&format!("sign {key} --hash {hash} --pin-file @pin")).ok().text();
    assert!(base64.starts_with("MEQ") || base64.starts_with("MEU") || base64.starts_with("MEY"), "{base64}");
    let hex = token.run_with(&format!("sign {key} --hex --pin-file @pin"), b"from stdin").ok().text();
    assert!(hex.starts_with("304"), "{hex}");
    let json = token.json(&format!("sign {key} --hash {hash} --pin-file @pin --algorithm ECDSA-SHA256"));
    assert_eq!(json["signature_algorithm"], "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256");
    assert_eq!(json["hashed_data"], "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    token
        .run(&format!("sign {key} --hash 00 --pin-file @pin"))
        .fails(1, "ERROR_OPTION: HashedData is not as long as the algorithm's hash");
}

#[test]
fn an_rsa_key_signs_with_pss_and_decrypts() {
    let token = Token::start();
    let key = token.enroll("--type rsa2048");
    token.write("data", b"what is signed");
    token.run(&format!("sign {key} @data --algorithm rsa-pss-sha512 --pin-file @pin --out @signature")).ok();
    if openssl(&token, "x509 -in cert.pem -pubkey -noout -out public.pem").is_none() {
        return;
    }
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    openssl(&token, &format!("dgst -sha512 {pss} -verify public.pem -signature signature data")).unwrap();

    let encrypt = "pkeyutl -encrypt -pubin -inkey public.pem -in data -out block";
    for (padding, algorithm) in [
        ("-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256", ""),
        ("-pkeyopt rsa_padding_mode:oaep", "--algorithm rsa-oaep-mgf1p"),
        ("-pkeyopt rsa_padding_mode:pkcs1", "--algorithm rsa-1_5"),
    ] {
        openssl(&token, &format!("{encrypt} {padding}")).unwrap();
        let ran = token.run(&format!("decrypt {key} @block --pin-file @pin {algorithm}")).ok();
        assert_eq!(ran.stdout, b"what is signed");
    }
    token.run(&format!("decrypt {key} @block --pin-file @pin")).fails(1, "ERROR_CRYPTO");
    token.run(&format!("decrypt {key} @data --pin-file @pin")).fails(1, "ERROR_OPTION");
    let line = format!("decrypt {key} @block --pin-file @pin --algorithm rsa-1_5 --out @clear");
    token.run(&line).ok();
    assert_eq!(std::fs::read(token.path("clear")).unwrap(), b"what is signed");
    assert_eq!(std::fs::metadata(token.path("clear")).unwrap().permissions().mode() & 0o777, 0o600);
    token.run(&line).fails(4, "File exists");
}

#[test]
fn an_exportable_key_leaves_with_its_pin_and_into_a_file_for_its_owner() {
    let token = Token::start();
    let key = token.enroll("--exportable");
    token.run(&format!("export {key} --pin-file @wrong --out @key.pem")).fails(1, "ERROR_AUTHORIZATION");
    assert!(!token.path("key.pem").exists());
    token.run(&format!("export {key} --pin-file @pin --out @key.pem")).ok();
    let mode = std::fs::metadata(token.path("key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let shown = token.run(&format!("export {key} --pin-file @pin")).ok();
    assert_eq!(shown.stdout, std::fs::read(token.path("key.pem")).unwrap());
    token.run(&format!("export {key} --pin-file @pin --out @key.pem")).fails(4, "File exists");
    if let Some(of_key) = openssl(&token, "pkey -in key.pem -pubout") {
        assert_eq!(of_key, openssl(&token, "x509 -in cert.pem -pubkey -noout").unwrap());
    }
}

#[test]
fn a_file_keeps_its_content_until_there_is_another() {
    let token = Token::start();
    let key = token.enroll("");
    let sign = format!("sign {key} --hash {} --out @signature --pin-file", "00".repeat(32));
    token.run(&format!("{sign} @wrong")).fails(1, "ERROR_AUTHORIZATION");
    assert!(!token.path("signature").exists());
    token.write("signature", &[b'x'; 1000]);
    token.run(&format!("{sign} @wrong")).fails(1, "ERROR_AUTHORIZATION");
    assert_eq!(std::fs::read(token.path("signature")).unwrap(), [b'x'; 1000]);
    token.run(&format!("{sign} @pin")).ok();
    assert!(std::fs::read(token.path("signature")).unwrap().len() < 80);
    // An open file that cannot be: the PIN is not tried.
    token.run(&format!("sign {key} --hash 00 --out @missing/x --pin-file @wrong")).fails(4, "missing/x");
    assert_eq!(token.protection(key)["pin_error_count"], 0);

    token.write("short", b"1");
    let certificate = std::fs::read(token.path("cert.pem")).unwrap();
    token.run("enroll --name Bob --new-pin-file @short --out-cert @cert.pem").fails(1, "ERROR_OPTION");
    assert_eq!(std::fs::read(token.path("cert.pem")).unwrap(), certificate);
}

#[test]
fn a_key_is_not_exportable_unless_it_was_made_so() {
    let token = Token::start();
    let key = token.enroll("");
    token.run(&format!("export {key}")).fails(1, "ERROR_NOT_ALLOWED: the key is not exportable");
}

#[test]
fn a_key_without_a_pin_asks_for_none() {
    let token = Token::start();
    let made = token.json("enroll --name Free --no-pin --exportable");
    let key = made["key_handle"].as_u64().unwrap();
    assert_eq!(made["export_policy"], "none");
    token.run_with(&format!("sign {key}"), b"x").ok();
    assert!(token.run(&format!("export {key}")).ok().text().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    token.run(&format!("sign {key} --hash {} --pin-file @pin", "00".repeat(32))).fails(1, "ERROR_AUTHORIZATION");
    token.run(&format!("delete {key}")).ok();
}

#[test]
fn deleting_asks_for_what_the_policy_says() {
    let token = Token::start();
    let by_pin = token.enroll("--delete-policy pin");
    token.run(&format!("delete {by_pin} --pin-file @wrong")).fails(1, "ERROR_AUTHORIZATION: the PIN is wrong");
    assert_eq!(token.run(&format!("delete {by_pin} --pin-file @pin")).ok().text(), format!("key {by_pin} deleted\n"));
    let by_puk = token.enroll("--delete-policy puk");
    assert_eq!(token.json(&format!("delete {by_puk} --puk-file @puk"))["key_handle"], by_puk);
    token.run(&format!("key {by_puk}")).fails(1, "ERROR_NO_KEY");
    assert_eq!(token.json("keys").as_array().unwrap().len(), 0);
    assert_eq!(token.json("sessions").as_array().unwrap().len(), 0);
}

#[test]
fn the_local_ca_is_made_once_and_kept_from_others() {
    let token = Token::start();
    let first = token.json("enroll --name One --no-pin");
    let second = token.json("enroll --name Two --no-pin --type rsa2048 --usage authentication");
    assert_eq!(first["certificate"]["issuer"], second["certificate"]["issuer"]);
    assert_eq!(first["x509_certificate"][1], second["x509_certificate"][1]);
    assert_eq!(second["certificate"]["key_algorithm"], "rsa2048");
    assert_eq!(second["key_usage"], "authentication");
    let mode = std::fs::metadata(token.path("xdg/sks/local-ca/ca-key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_given_ca_certifies() {
    let token = Token::start();
    let ca = Ca::create(&Subject::common_name("Given CA").unwrap(), 1).unwrap();
    ca.save(&token.path("ca-key.pem"), &token.path("ca.pem")).unwrap();
    let made = token.json("enroll --name Alice --no-pin --ca-key @ca-key.pem --ca-cert @ca.pem");
    assert_eq!(made["certificate"]["issuer"], "CN=Given CA");
    assert!(!token.path("xdg/sks/local-ca").exists());
    token.run("enroll --name Alice --no-pin --ca-key @pin --ca-cert @ca.pem").fails(4, "loading the CA");
    assert_eq!(token.json("keys").as_array().unwrap().len(), 1);
}
