//! `createProvisioningSession`.

use std::time::Duration;

use sks_core::record::Session;
use sks_issuer::device::VerifyingKey;
use sks_tests::{Issuing, Token, golden, id, secret};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::create_provisioning_session::{Request, attestation_data};
use sks_wire::method::{create_pin_policy, get_key_handle};
use sks_wire::types::Text;
use sks_wire::{MethodId, Status};

use crate::support::*;

#[test]
fn both_sides_agree_on_a_key_and_the_device_vouches_for_it() {
    let token = Token::default();
    let mut session = Issuing::create(&token, |r| {
        r.updatable = true;
        r.session_key_limit = 65535;
    });
    let stored = stored(&token, session.handle).unwrap();
    let expected = Session {
        open: true,
        session_key: secret(session.key.expose()),
        mac_sequence_counter: 0,
        session_key_uses: 0,
        session_key_limit: 65535,
        client_session_id: session.client_session_id.clone(),
        server_session_id: id("S-1"),
        issuer_uri: "https://ca.example.com/enroll".to_owned(),
        updatable: true,
        client_time: 1_270_548_000_000_u64.to_be_bytes(),
        session_life_time: 3600,
    };
    assert_eq!(stored, expected);
    session.close();

    let request = Issuing::request();
    let answer = token.call(&request).unwrap();
    let data = attestation_data(&request, &answer.client_session_id, &answer.client_ephemeral_key);
    let Some(stored) = crate::support::stored(&token, answer.provisioning_handle) else { panic!("it is stored") };
    let key = sks_issuer::SessionKey::from_bytes(stored.session_key.expose().try_into().unwrap());
    let device = sks_core::crypto::certificate::public_key_of(&golden("device_certificate")).unwrap();
    let device = VerifyingKey::from_spki(&device).unwrap();
    assert!(device.verifies(&key.session_hmac(&[&data]), &answer.session_attestation));
}

#[test]
fn ids_and_keys_are_fresh() {
    let token = Token::default();
    let mut names = std::collections::BTreeSet::new();
    let mut keys = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let answer = token.call(&Issuing::request()).unwrap();
        assert!(answer.client_session_id.as_str().is_ascii());
        assert!(names.insert(answer.client_session_id.as_str().to_owned()));
        assert!(keys.insert(answer.client_ephemeral_key));
    }
}

#[test]
fn the_golden_call_is_read_as_what_it_says() {
    let call = [&[1], golden("create_call_after_method_id").as_slice()].concat();
    let Ok(sks_wire::Request::CreateProvisioningSession(request)) = sks_wire::Request::decode(&call) else {
        panic!("the call is read")
    };
    let expected = Request {
        server_session_id: id("S-fedcba9876543210"),
        updatable: true,
        client_time: 1_270_548_000_123_u64.to_be_bytes(),
        session_life_time: 50000,
        session_key_limit: 25,
        ..Issuing::request()
    };
    assert_eq!(request, expected);
    let token = Token::default();
    assert_eq!(token.device.call(&call)[0], 0);
    assert_eq!(sks_wire::method::encode_request(&expected).as_slice(), call);
}

#[test]
fn what_cannot_be_a_session_is_refused_without_one() {
    let key = |name: &str| std::fs::read(format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let good = Issuing::request().server_ephemeral_key;
    let mut off_curve = good.clone();
    off_curve[90] ^= 1;
    let (trailing, cut) = ([good.as_slice(), &[0]].concat(), good[..80].to_vec());
    let token = crowded();
    let cases: Vec<(Status, &str, Box<dyn Fn(&mut Request)>)> = vec![
        (Status::Option, "issuer_uri at byte", Box::new(|r| r.issuer_uri = "".into())),
        (Status::Option, "issuer_uri at byte", Box::new(|r| r.issuer_uri = Text(vec![b'x'; 1025]))),
        (Status::Option, "issuer_uri at byte", Box::new(|r| r.issuer_uri = Text(vec![0xFF]))),
        (Status::Option, "session_key_algorithm at byte", Box::new(|r| r.session_key_algorithm = Text(vec![0xFF]))),
        (Status::Option, "at least one second", Box::new(|r| r.session_life_time = 0)),
        (Status::Algorithm, "only SessionKeyAlgorithm is sk1", Box::new(|r| r.session_key_algorithm = "sk1".into())),
        (
            Status::Algorithm,
            "only SessionKeyAlgorithm is sk1",
            Box::new(|r| r.session_key_algorithm = Algorithm::Ka1.uri().into()),
        ),
    ];
    for (status, words, change) in cases {
        let mut request = Issuing::request();
        change(&mut request);
        refuses(&token, &request, status, words);
    }
    let keys = [
        (Status::Algorithm, key("p384.spki")),
        (Status::Algorithm, key("rsa-2048.spki")),
        (Status::Algorithm, key("p256-explicit.spki")),
        (Status::Crypto, key("p256-compressed.spki")),
        (Status::Crypto, vec![]),
        (Status::Crypto, off_curve),
        (Status::Crypto, trailing),
        (Status::Crypto, cut),
    ];
    for (status, server_ephemeral_key) in keys {
        let request = Request { server_ephemeral_key, ..Issuing::request() };
        refuses(&token, &request, status, "ServerEphemeralKey");
    }
}

#[test]
fn bounds_are_accepted() {
    let token = Token::default();
    for length in [1, 1024] {
        let session = Issuing::create(&token, |r| r.issuer_uri = Text(vec![b'x'; length]));
        assert_eq!(session.issuer_uri.len(), length);
    }
    let _ = Issuing::create(&token, |r| r.session_life_time = u32::MAX);
    let mut none = Issuing::create(&token, |r| r.session_key_limit = 0);
    assert_eq!(none.try_close().unwrap_err().status, Status::NotAllowed);
}

#[test]
fn the_first_fault_in_order_is_told() {
    let faults: [(Status, fn(&mut Request)); 4] = [
        (Status::Option, |r| r.session_life_time = 0),
        (Status::Algorithm, |r| r.session_key_algorithm = "x".into()),
        (Status::Crypto, |r| r.server_ephemeral_key.clear()),
        (Status::Crypto, |_| {}),
    ];
    let token = crowded();
    for (at, (status, first)) in faults[..3].iter().enumerate() {
        for (_, second) in &faults[at..] {
            let mut request = Issuing::request();
            second(&mut request);
            first(&mut request);
            refuses(&token, &request, *status, "");
        }
    }
}

/// Exactly at the end of its life time a session is still valid; a millisecond later it is gone with all that it has.
#[test]
fn the_life_time_is_enforced_by_the_tokens_own_clock() {
    for method in [MethodId::CreatePinPolicy, MethodId::GetKeyHandle] {
        let mut open = Open::with(|r| {
            r.session_life_time = 10;
            r.client_time = [0xFF; 8];
        });
        open.key("Key.1", |_| {});
        let call = |open: &Open| match method {
            MethodId::CreatePinPolicy => open.token.call(&open.pin_request("P")).map(drop),
            _ => {
                let request = get_key_handle::Request { provisioning_handle: open.handle, id: id("Key.1") };
                open.token.call(&request).map(drop)
            }
        };
        open.token.clock.advance(Duration::from_secs(10));
        call(&open).unwrap();
        open.token.clock.advance(Duration::from_millis(1));
        assert!(stored(&open.token, open.handle).is_some(), "until its next use");
        expect(&call(&open).unwrap_err(), Status::NoSession, "no provisioning session");
        same(&world(&open.token), &open.before, "all of it is gone");
    }
}

#[test]
fn the_sweep_removes_what_ran_out_and_a_restart_sweeps() {
    let mut open = Open::with(|r| r.session_life_time = 10);
    open.key("Key.1", |_| {});
    open.token.clock.advance(Duration::from_millis(10_000));
    open.token.device.sweep().unwrap();
    assert!(stored(&open.token, open.handle).is_some());
    let late = open.token.restarted();
    open.token.clock.advance(Duration::from_millis(1));
    open.token.device.sweep().unwrap();
    same(&world(&open.token), &open.before, "all of it is gone");

    assert!(stored(&late, open.handle).is_some(), "its clock started anew");
    late.clock.advance(Duration::from_secs(3601));
    late.device.sweep().unwrap();
    assert_eq!(keys(&late).len(), 1, "the closed session's");
    let malformed = [&[8], open.handle.0.to_be_bytes().as_slice()].concat();
    assert_eq!(refusal_of(&late.device.call(&malformed)).status, Status::Option);
}

#[test]
fn a_malformed_call_removes_a_session_that_ran_out() {
    let open = Open::with(|r| r.session_life_time = 1);
    open.token.clock.advance(Duration::from_millis(1001));
    let malformed = [&[8], open.handle.0.to_be_bytes().as_slice()].concat();
    open.aborts_bytes(&malformed, Status::Option, "at byte");
}

#[test]
fn a_full_store_takes_no_session() {
    let token = crowded();
    token.store.set_full(true);
    let before = world(&token);
    expect(&token.call(&Issuing::request()).unwrap_err(), Status::Storage, "no space is left");
    same(&world(&token), &before, "all of it is gone");
}

#[test]
fn handles_are_never_used_again() {
    let token = Token::default();
    let mut last = (0, 0, 0, 0);
    for round in 0..6 {
        let token = if round % 2 == 0 { token.clone() } else { token.restarted() };
        let mut session = Issuing::create(&token, |_| {});
        let puk = session.puk("PUK.1", PUK, 3);
        let pin: create_pin_policy::Response = session.send(&session.pin_request("PIN.1"));
        let key = session.bare_key("Key.1", |_| {});
        let now = (session.handle.0, puk.0, pin.pin_policy_handle.0, key.handle.0);
        if round % 2 == 0 {
            assert!(now.0 > last.0 && now.1 > last.1 && now.2 > last.2 && now.3 > last.3, "{now:?} after {last:?}");
            last = now;
        }
        // Gone again, and the handles with it.
        session.try_close().unwrap_err();
    }
}

/// A session that cannot be removed, since its record is damaged, keeps no other one.
#[test]
fn the_sweep_goes_on_after_a_damaged_session() {
    use sks_core::record::{Address, Record};
    let open = Open::with(|r| r.session_life_time = 1);
    let mut records = open.token.store.snapshot();
    records.insert(Address::OpenSession(0), Record::Time(u64::MAX));
    records.insert(Address::Session(0), Record::Mark);
    let token = Token::on(
        sks_tests::MemStore::from_snapshot(records),
        sks_core::Config::default(),
        std::sync::Arc::new(sks_core::crypto::engine()),
    );
    let mut txn = sks_core::ports::Store::begin(&token.store).unwrap();
    txn.put(Address::OpenSession(0), Record::Time(0)).unwrap();
    txn.commit().unwrap();
    token.clock.advance(Duration::from_millis(1001));
    expect(&token.device.sweep().unwrap_err().answer(), Status::Internal, "damaged");
    assert!(stored(&token, open.handle).is_none());
    // Nor does it keep the token from starting again.
    let _ = token.restarted();
}
