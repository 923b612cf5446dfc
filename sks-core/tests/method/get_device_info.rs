//! `getDeviceInfo`.

use sks_core::Config;
use sks_tests::{Token, golden, golden_ca};
use sks_wire::method::get_device_info::Request;

use crate::support::crowded;

#[test]
fn tells_what_the_token_is_and_can() {
    let config = Config { vendor_name: "A vendor".into(), vendor_description: "x".repeat(100), ..Config::default() };
    let info = Token::new(config).call(&Request {}).unwrap();
    assert_eq!(info.api_level, 1);
    assert_eq!((info.vendor_name, info.vendor_description), ("A vendor".into(), "x".repeat(100).as_str().into()));
    assert_eq!(info.x509_certificate.0, [golden("device_certificate"), golden_ca()], "the device's own first");
    assert_eq!(info.rsa_key_size.0, [1024, 2048, 3072, 4096]);
    assert_eq!(info.extension_data_size, 65536);
    assert!(info.rsa_exponent_support && !info.device_pin_support && !info.biometric_support);
}

/// The text's minimum, and what the rulings add.
#[test]
fn lists_every_algorithm() {
    let info = crowded().call(&Request {}).unwrap();
    let listed: Vec<String> = info.algorithm.0.iter().map(|uri| String::from_utf8(uri.0.clone()).unwrap()).collect();
    let expected = [
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        "http://xmlns.webpki.org/keygen2/1.0#algorithm.aes.ecb.nopad",
        "http://xmlns.webpki.org/keygen2/1.0#algorithm.aes.ecb.pkcs5",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
        "http://www.w3.org/2009/xmlenc11#rsa-oaep",
        "http://xmlns.webpki.org/keygen2/1.0#algorithm.ecdh",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        "http://xmlns.webpki.org/keygen2/1.0#algorithm.sk1",
        "http://xmlns.webpki.org/keygen2/1.0#algorithm.ka1",
        "urn:oid:1.2.840.10045.3.1.7",
    ];
    assert_eq!(listed, expected);
}
