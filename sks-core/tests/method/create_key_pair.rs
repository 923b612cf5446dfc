//! `createKeyPair`.

use sks_core::record::{Address, Key, Record};
use sks_tests::{Issuing, id, secret};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::create_key_pair::{AttestedPin, AttestedPuk, Request, attestation_data};
use sks_wire::method::create_pin_policy;
use sks_wire::types::{
    Code, DeletePolicy, ExportPolicy, Format, Grouping, KeyAlgorithm, KeyUsage, NO_HANDLE, Octet, PinPolicyHandle,
    Text, pattern,
};

use crate::support::*;

fn stored_key(open: &Open, name: &str) -> Key {
    let found = open.token.store.snapshot().into_values().find_map(|record| match record {
        Record::Key(key) if key.session == open.handle.0 && key.id.as_str() == name => Some(key),
        _ => None,
    });
    found.expect("the key is stored")
}

#[test]
fn keeps_and_attests_what_it_was_given() {
    let mut open = Open::new();
    let mut request = open.key_request("Key.9");
    request.updatable = true;
    request.enable_pin_caching = true;
    request.export_policy = ExportPolicy::None.into();
    request.private_key_backup = true;
    request.import_private_key = true;
    request.friendly_name = "Åsa's key".into();
    let answer = open.send(&request);
    let data = attestation_data(&request, &answer.generated_public_key, None);
    assert_eq!(answer.key_attestation, open.key.attestation(&[data.expose()]));
    let key = stored_key(&open, "Key.9");
    assert!(key.updatable && key.enable_pin_caching && key.private_key_backup && key.import_private_key);
    assert_eq!((key.export_policy, key.friendly_name.as_str()), (ExportPolicy::None, "Åsa's key"));
    assert!(!key.provisioned && key.certificates.is_empty() && key.pin_group.is_none());
    let backup = open.key.decrypt(&answer.private_key_and_handle.private_key.unwrap()).unwrap();
    let handle = answer.private_key_and_handle.key_handle.0;
    let Some(Record::Material(material)) = open.token.store.snapshot().remove(&Address::Material(handle)) else {
        panic!("the private key is stored")
    };
    assert_eq!(material, sks_core::record::Material::Private(backup));
    assert_eq!(open.stored().unwrap().mac_sequence_counter, 0, "there is no MAC");
}

#[test]
fn attests_the_policies_and_only_an_issuers_pin() {
    for user_defined in [true, false] {
        let mut open = Open::new();
        let puk = open.puk("PUK.1", PUK, 3);
        let policy: create_pin_policy::Request =
            create_pin_policy::Request { puk_policy_handle: puk, user_defined, ..open.pin_request("PIN.1") };
        let handle = open.send(&policy).pin_policy_handle;
        let value = if user_defined { secret(PIN) } else { secret(open.encrypt(PIN.as_bytes())) };
        let request = Request { pin_policy_handle: handle, pin_value: value, ..open.key_request("Key.1") };
        let answer = open.send(&request);
        let (puk_id, puk, pin) = (id("PUK.1"), secret(PUK), secret(PIN));
        let puk = AttestedPuk { id: &puk_id, retry_limit: 3, puk: &puk, format: Format::Numeric };
        let over = AttestedPin { policy: &policy, pin: &pin, puk: Some(puk) };
        let data = attestation_data(&request, &answer.generated_public_key, Some(over));
        assert_eq!(answer.key_attestation, open.key.attestation(&[data.expose()]), "user {user_defined}");
        let holds = |part: &[u8]| data.expose().windows(part.len()).any(|window| window == part);
        assert_eq!(holds(PIN.as_bytes()), !user_defined);
        assert_eq!(holds(b"N/A"), user_defined);
    }
}

#[test]
fn costs_one_and_one_more_for_an_issuers_pin_and_a_backup_each() {
    let make = |s: &mut Issuing, change: &dyn Fn(&mut Request)| {
        let mut request = s.key_request("Key.1");
        change(&mut request);
        s.try_send(&request).map(drop)
    };
    costs(1, |_| {}, |s, ()| make(s, &|_| {}));
    costs(2, |_| {}, |s, ()| make(s, &|r| r.private_key_backup = true));
    let policy = |user_defined| move |s: &mut Issuing| s.pin("PIN.1", |r| r.user_defined = user_defined);
    costs(1, policy(true), |s, pin| make(s, &|r| (r.pin_policy_handle, r.pin_value) = (pin, secret(PIN))));
    for backup in [false, true] {
        costs(2 + u16::from(backup), policy(false), |s, pin| {
            let value = secret(s.encrypt(PIN.as_bytes()));
            make(s, &|r| {
                (r.pin_policy_handle, r.pin_value) = (pin, value.clone());
                r.private_key_backup = backup;
            })
        });
    }
}

#[test]
fn options_that_do_not_hold_are_refused() {
    let bad: [(&str, fn(&mut Request)); 27] = [
        ("biometric_protection at byte", |r| r.biometric_protection = Code::raw(4)),
        ("no biometric protection", |r| r.biometric_protection = Code::raw(1)),
        ("no biometric protection", |r| r.biometric_protection = Code::raw(3)),
        ("export_policy at byte", |r| r.export_policy = Code::raw(4)),
        ("delete_policy at byte", |r| r.delete_policy = Code::raw(3)),
        ("key_usage at byte", |r| r.key_usage = Code::raw(6)),
        ("friendly_name at byte", |r| r.friendly_name = Text(vec![b'x'; 101])),
        ("friendly_name at byte", |r| r.friendly_name = Text(vec![0xFF])),
        ("attestation_algorithm at byte", |r| r.attestation_algorithm = Text(vec![0xFF])),
        ("named_curve at byte", |r| r.key_algorithm = KeyAlgorithm::Ecc { curve: Text(vec![0xFF]) }),
        ("PINValue must be empty", |r| r.pin_value = secret("1")),
        ("no device PIN", |r| r.pin_policy_handle = PinPolicyHandle(NO_HANDLE)),
        ("no device PIN", |r| (r.pin_policy_handle, r.pin_value) = (PinPolicyHandle(NO_HANDLE), secret("1"))),
        ("neither 0 nor a PIN policy", |r| r.pin_policy_handle = PinPolicyHandle(77)),
        ("neither 0 nor a PIN policy", |r| r.pin_policy_handle = PinPolicyHandle(1)),
        ("neither 0 nor a PIN policy", |r| r.pin_policy_handle = PinPolicyHandle(2)),
        ("pin needs a PIN policy", |r| r.export_policy = ExportPolicy::Pin.into()),
        ("pin needs a PIN policy", |r| r.delete_policy = DeletePolicy::Pin.into()),
        ("puk needs a PIN policy", |r| r.export_policy = ExportPolicy::Puk.into()),
        ("puk needs a PIN policy", |r| r.delete_policy = DeletePolicy::Puk.into()),
        ("must be non-exportable", |r| {
            (r.key_usage, r.export_policy) = (KeyUsage::Transport.into(), ExportPolicy::None.into());
        }),
        ("neither PrivateKeyBackup", |r| (r.key_usage, r.private_key_backup) = (KeyUsage::Transport.into(), true)),
        ("neither PrivateKeyBackup", |r| (r.key_usage, r.import_private_key) = (KeyUsage::Transport.into(), true)),
        ("neither PrivateKeyBackup", |r| (r.key_usage, r.private_key_backup) = (KeyUsage::SymmetricKey.into(), true)),
        ("neither PrivateKeyBackup", |r| (r.key_usage, r.import_private_key) = (KeyUsage::SymmetricKey.into(), true)),
        ("RSAKeySize", |r| r.key_algorithm = KeyAlgorithm::Rsa { size: 1023, exponent: 0 }),
        ("RSAKeySize", |r| r.key_algorithm = KeyAlgorithm::Rsa { size: 0, exponent: 0 }),
    ];
    for (words, change) in bad {
        let open = Open::new();
        let mut request = open.key_request("Key.1");
        change(&mut request);
        open.aborts(&request, Status::Option, words);
    }
}

#[test]
fn exponents_are_zero_or_odd_and_over_one() {
    for exponent in [1, 2, 4, 65536, 0xFFFF_FFFE] {
        let open = Open::new();
        let key_algorithm = KeyAlgorithm::Rsa { size: 1024, exponent };
        let request = Request { key_algorithm, ..open.key_request("Key.1") };
        open.aborts(&request, Status::Option, "RSAExponent");
    }
    let mut open = Open::new();
    for exponent in [0, 3, 65537, u32::MAX] {
        let made = open.bare_key(&format!("K{exponent}"), |r| {
            r.key_algorithm = KeyAlgorithm::Rsa { size: 1024, exponent };
        });
        let asked = if exponent == 0 { 65537 } else { exponent };
        let bytes = asked.to_be_bytes();
        let start = bytes.iter().position(|byte| *byte != 0).unwrap();
        let ending = made.public_key.ends_with(&bytes[start..]);
        assert!(ending, "the exponent ends an RSA key");
    }
}

#[test]
fn unknown_algorithms_are_refused() {
    let bad: [(&str, fn(&mut Request)); 5] = [
        ("AttestationAlgorithm is ka1", |r| r.attestation_algorithm = Algorithm::Sk1.uri().into()),
        ("AttestationAlgorithm is ka1", |r| r.attestation_algorithm = "".into()),
        ("NamedCurve is P-256", |r| r.key_algorithm = KeyAlgorithm::Ecc { curve: "urn:oid:1.3.132.0.34".into() }),
        ("NamedCurve is P-256", |r| r.key_algorithm = KeyAlgorithm::Ecc { curve: "".into() }),
        ("NamedCurve is P-256", |r| r.key_algorithm = KeyAlgorithm::Ecc { curve: Algorithm::Ka1.uri().into() }),
    ];
    for (words, change) in bad {
        let open = Open::new();
        let mut request = open.key_request("Key.1");
        change(&mut request);
        open.aborts(&request, Status::Algorithm, words);
    }
}

#[test]
fn an_updatable_key_is_accepted_in_a_session_that_is_not() {
    let mut open = Open::new();
    let key = open.key("Key.1", |r| r.updatable = true);
    open.close();
    assert!(info(&open.token, key.handle).updatable, "reported as given");
}

#[test]
fn the_name_must_be_new_among_keys_only() {
    let mut open = Open::new();
    open.puk("X", "1", 3);
    open.pin("X", |_| {});
    open.bare_key("X", |_| {});
    open.aborts(&open.key_request("X"), Status::Option, "an object with this ID");
}

/// A PIN is checked against length, format, patterns and grouping; the user's and the issuer's alike.
#[test]
fn pins_that_break_the_policy_are_refused() {
    type Change = fn(&mut create_pin_policy::Request);
    let bad: [(&str, &[u8], Change); 12] = [
        ("shorter than MinLength", b"", |_| {}),
        ("shorter than MinLength", b"123", |_| {}),
        ("longer than MaxLength", b"123456789", |_| {}),
        ("its policy's Format", b"123A", |_| {}),
        ("its policy's Format", b"12a3", |r| r.format = Format::Alphanumeric.into()),
        ("its policy's Format", b"\xFF\xFF\xFF\xFF", |r| r.format = Format::String.into()),
        ("two-in-a-row", b"1124", |r| r.pattern_restrictions = Octet(pattern::TWO_IN_A_ROW)),
        ("three-in-a-row", b"1114", |r| r.pattern_restrictions = Octet(pattern::THREE_IN_A_ROW)),
        ("sequence", b"9876", |r| r.pattern_restrictions = Octet(pattern::SEQUENCE)),
        ("repeated", b"1231", |r| r.pattern_restrictions = Octet(pattern::REPEATED)),
        ("missing-group", b"135674", |r| {
            (r.pattern_restrictions, r.format) = (Octet(pattern::MISSING_GROUP), Format::Alphanumeric.into());
        }),
        ("missing-group", b"aB12", |r| {
            (r.pattern_restrictions, r.format) = (Octet(pattern::MISSING_GROUP), Format::String.into());
        }),
    ];
    for (words, pin, change) in bad {
        for user_defined in [true, false] {
            let mut open = Open::new();
            let policy = open.pin("PIN.1", |r| {
                r.user_defined = user_defined;
                change(r);
            });
            let value = if user_defined { secret(pin) } else { secret(open.encrypt(pin)) };
            let request = Request { pin_policy_handle: policy, pin_value: value, ..open.key_request("Key.1") };
            open.aborts(&request, Status::Option, words);
        }
    }
}

#[test]
fn lengths_at_the_bounds_are_accepted() {
    let mut open = Open::new();
    let policy = open.pin("PIN.1", |_| {});
    open.pin_key("A", policy, "1234");
    open.pin_key("B", policy, "12345678");
    open.bare_key("C", |r| r.friendly_name = Text(vec![b'x'; 100]));
}

/// What a second key's PIN must be, by grouping: (grouping, first usage and PIN, second usage and PIN, whether it may).
#[test]
fn grouping_says_how_pins_relate() {
    use Grouping as G;
    use KeyUsage::{Authentication as A, Signature as S, Universal as U};
    let rules = [
        (G::None, S, "1111", S, "1111", true),
        (G::None, S, "1111", S, "2222", true),
        (G::Shared, S, "1111", A, "1111", true),
        (G::Shared, S, "1111", S, "2222", false),
        (G::SignatureStandard, S, "1111", S, "1111", true),
        (G::SignatureStandard, S, "1111", S, "2222", false),
        (G::SignatureStandard, S, "1111", A, "1111", false),
        (G::SignatureStandard, S, "1111", A, "2222", true),
        (G::SignatureStandard, A, "1111", U, "1111", true),
        (G::SignatureStandard, A, "1111", U, "2222", false),
        (G::Unique, S, "1111", A, "1111", false),
        (G::Unique, S, "1111", S, "2222", true),
    ];
    for (grouping, usage, pin, usage2, pin2, allowed) in rules {
        let mut open = Open::new();
        let policy = open.pin("PIN.1", |r| r.grouping = grouping.into());
        let with = |open: &Open, name, usage: KeyUsage, pin: &str| Request {
            pin_policy_handle: policy,
            pin_value: secret(pin),
            key_usage: usage.into(),
            ..open.key_request(name)
        };
        let first = with(&open, "A", usage, pin);
        open.send(&first);
        let second = with(&open, "B", usage2, pin2);
        if allowed {
            open.send(&second);
        } else {
            open.aborts(&second, Status::Option, "Grouping");
        }
    }
}

#[test]
fn an_issuers_pin_must_decrypt() {
    for pin_value in [vec![], vec![0; 31], vec![0; 32], vec![0; 33]] {
        let mut open = Open::new();
        let policy = open.pin("PIN.1", |r| r.user_defined = false);
        let request = Request { pin_policy_handle: policy, pin_value: secret(pin_value), ..open.key_request("Key.1") };
        open.aborts(&request, Status::Crypto, "does not decrypt");
    }
}

#[test]
fn the_first_fault_in_order_is_told() {
    let faults = [
        fault::<Request>(Status::Option, "key_usage at byte", |r| r.key_usage = Code::raw(6)),
        fault(Status::Option, "an object with this ID", |r| r.id = id("Taken")),
        fault(Status::Option, "neither 0 nor a PIN policy", |r| r.pin_policy_handle = PinPolicyHandle(1)),
        fault(Status::Option, "no biometric protection", |r| r.biometric_protection = Code::raw(1)),
        fault(Status::Option, "RSAKeySize", |r| r.key_algorithm = KeyAlgorithm::Rsa { size: 1, exponent: 0 }),
        tight(),
        fault(Status::Crypto, "does not decrypt", |r| r.pin_value = secret([0; 31])),
        fault(Status::Option, "shorter than MinLength", |r| {
            // Encrypted below, unless it is not to decrypt.
            if r.pin_value.is_empty() {
                r.pin_value = secret("1");
            }
        }),
        fault(Status::Algorithm, "AttestationAlgorithm", |r| r.attestation_algorithm = "x".into()),
        fault(Status::Algorithm, "NamedCurve", |r| {
            if matches!(r.key_algorithm, KeyAlgorithm::Ecc { .. }) {
                r.key_algorithm = KeyAlgorithm::Ecc { curve: "x".into() };
            }
        }),
    ];
    in_order(&faults, |tight, wrong| {
        let mut open = Open::limited(if tight { 2 } else { 3 });
        open.bare_key("Taken", |_| {});
        let policy = open.pin("PIN.1", |r| r.user_defined = false);
        let mut request = Request { pin_policy_handle: policy, ..open.key_request("Key.1") };
        apply(&mut request, wrong);
        if request.pin_value.len() < 31 {
            let clear = if request.pin_value.is_empty() { b"1563".to_vec() } else { b"1".to_vec() };
            request.pin_value = secret(open.encrypt(&clear));
        }
        (open, request)
    });
}

#[test]
fn needs_an_open_session() {
    let open = Open::new();
    let mut request = open.key_request("Key.1");
    request.provisioning_handle.0 = 1;
    refuses(&open.token, &request, Status::NoSession, "no provisioning session");
}

/// Even a defect of the token is a refusal, so it ends the session too.
#[test]
fn a_panic_ends_the_session_and_not_the_token() {
    let token = crowded();
    let crypto = sks_tests::HookedCrypto(|| panic!("a defect"));
    let config = sks_core::Config::default();
    let token = sks_tests::Token::on(token.store.clone(), config, std::sync::Arc::new(crypto));
    let mut open = Open::on(&token, |_| {});
    open.pin("PIN.1", |_| {});
    open.aborts(&open.key_request("Key.1"), Status::Internal, "a defect of the token");
    let mut other = Issuing::create(&token, |_| {});
    other.close();
}
