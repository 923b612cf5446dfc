//! `createVolatileSession`.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use sks_core::record::{Address, Counter, Material, Record};
use sks_issuer::device::VerifyingKey;
use sks_tests::{Issuing, Token, golden, id, secret};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::create_provisioning_session::attestation_data;
use sks_wire::method::create_volatile_session::Request;
use sks_wire::method::{
    abort_provisioning_session, enumerate_provisioning_sessions, get_key_handle, get_provisioning_session,
};
use sks_wire::types::{Enumerated, Format, ProvisioningHandle};
use sks_wire::{Status, method};

use crate::support::*;

/// A session with something of every kind.
fn fill(session: &mut Issuing) -> Vec<sks_tests::Made> {
    let puk = session.puk("PUK.1", PUK, 3);
    let shared = session.pin("PIN.1", |r| r.puk_policy_handle = puk);
    let issuers = session.pin("PIN.2", |r| {
        r.user_defined = false;
        r.format = Format::String.into();
    });
    let first = session.pin_key("Key.1", shared, PIN);
    session.extension(&first, "http://example.com/e", b"extension");
    let encrypted = session.encrypt(b"1563");
    let second = session.key("Key.2", |r| (r.pin_policy_handle, r.pin_value) = (issuers, secret(&encrypted)));
    let third = session.symmetric_key("Key.3", b"a key", &[Algorithm::HmacSha1], |_| {});
    let fourth = session.key("Key.4", |r| r.updatable = true);
    vec![first, second, third, fourth]
}

/// All that is stored, without what is random: key pairs and the certificates' bytes.
fn comparable(token: &Token) -> World {
    let mut all = world(token);
    for record in all.values_mut() {
        match record {
            Record::Key(key) => {
                key.public_key.clear();
                key.certificates.iter_mut().for_each(Vec::clear);
            }
            Record::Material(Material::Private(pkcs8)) => *pkcs8 = secret(pkcs8.len().to_be_bytes()),
            _ => {}
        }
    }
    all
}

fn sessions(token: &Token) -> usize {
    let mut at = ProvisioningHandle(u32::MAX);
    let mut count = 0;
    while let Enumerated::Next { handle, .. } =
        token.call(&enumerate_provisioning_sessions::Request { provisioning_handle: at }).unwrap().next
    {
        at = ProvisioningHandle(handle);
        count += 1;
    }
    count
}

#[test]
fn what_its_close_writes_is_what_a_session_on_the_disk_leaves() {
    let [durable, volatile] = [Token::default(), Token::default()];
    let mut sessions = [
        Issuing::create(&durable, |r| r.updatable = true),
        Issuing::create_volatile(&volatile, |r| r.updatable = true),
    ];
    for session in &mut sessions {
        fill(session);
        session.close();
    }
    let [expected, found] = [comparable(&durable), comparable(&volatile)];
    assert!(expected.len() > 20);
    same(&found, &expected, "the same records");
    assert_eq!(changes(&volatile), 1, "one change");
}

#[test]
fn the_device_vouches_for_it_as_for_any_other() {
    let token = Token::default();
    let request = Issuing::request();
    let session = Issuing::create_volatile(&token, |_| {});
    session.clone().try_send(&session.pin_request("PIN.1")).unwrap();
    let answer = token.call(&Request(request.clone())).unwrap().0;
    let z = sks_issuer::EphemeralKey::from_scalar(&golden("server_private_key_d").try_into().unwrap()).unwrap();
    let info = method::create_provisioning_session::other_info(
        "https://ca.example.com/enroll",
        &golden("device_certificate"),
        &answer.client_session_id,
        &request.server_session_id,
    );
    let key = sks_issuer::SessionKey::derive(&z.agree(&answer.client_ephemeral_key).unwrap(), &info);
    let data = attestation_data(&request, &answer.client_session_id, &answer.client_ephemeral_key);
    let device = sks_core::crypto::certificate::public_key_of(&golden("device_certificate")).unwrap();
    let device = VerifyingKey::from_spki(&device).unwrap();
    assert!(device.verifies(&key.session_hmac(&[&data]), &answer.session_attestation));
}

#[test]
fn nobody_sees_it_before_its_close() {
    let token = crowded();
    let (before, count, listed, open) = (world(&token), changes(&token), keys(&token), sessions(&token));
    let mut session = Issuing::create_volatile(&token, |_| {});
    let made = fill(&mut session);
    same(&world(&token), &before, "nothing is written");
    assert_eq!((changes(&token), sessions(&token)), (count, open));
    assert_eq!(keys(&token), listed);
    let names = get_provisioning_session::Request {
        server_session_id: session.server_session_id.clone(),
        client_session_id: session.client_session_id.clone(),
        issuer_uri: session.issuer_uri.clone().into_bytes(),
    };
    refuses(&token, &names, Status::NoSession, "no open provisioning session");
    refuses(&token, &sign(made[0].handle, PIN), Status::NoKey, "no key with this handle");
    let find = |name: &str| get_key_handle::Request { provisioning_handle: session.handle, id: id(name) };
    assert_eq!(token.call(&find("Key.2")).unwrap().key_handle, made[1].handle);
    refuses(&token, &find("Key.9"), Status::NoKey, "no key with this ID");
    session.close();
    assert_eq!((changes(&token), sessions(&token)), (count + 1, open + 1));
    assert_eq!(keys(&token).len(), listed.len() + made.len());
    token.call(&sign(made[0].handle, PIN)).unwrap();
}

/// Each way in which a session ends but a close that succeeds.
#[test]
fn any_other_end_leaves_nothing() {
    let ends: [fn(&mut Issuing, &Token); 7] = [
        |session, token| {
            token.call(&abort_provisioning_session::Request { provisioning_handle: session.handle }).unwrap();
        },
        |session, _| {
            session.counter += 1;
            assert_eq!(session.try_close().unwrap_err().status, Status::Mac);
        },
        |session, _| {
            session.bare_key("Key.unfinished", |_| {});
            assert_eq!(session.try_close().unwrap_err().status, Status::SessionVerify);
        },
        |session, token| {
            let call = [&[8], session.handle.0.to_be_bytes().as_slice()].concat();
            assert_eq!(refusal_of(&token.device.call(&call)).status, Status::Option);
        },
        |_, token| {
            token.clock.advance(Duration::from_millis(3_600_001));
            token.device.sweep().unwrap();
        },
        |_, token| token.clock.advance(Duration::from_millis(3_600_001)),
        |session, token| {
            token.store.set_full(true);
            expect(&session.try_close().unwrap_err(), Status::Storage, "no space is left");
            token.store.set_full(false);
        },
    ];
    for end in ends {
        let token = Token::default();
        closed_key(&token, |_| {});
        let (before, count) = (world(&token), changes(&token));
        let mut session = Issuing::create_volatile(&token, |_| {});
        fill(&mut session);
        end(&mut session, &token);
        expect(&session.try_close().unwrap_err(), Status::NoSession, "no provisioning session");
        same(&world(&token), &before, "nothing is left");
        assert_eq!(changes(&token), count);
    }
}

#[test]
fn a_session_without_keys_leaves_nothing() {
    let token = Token::default();
    let before = world(&token);
    Issuing::create_volatile(&token, |_| {}).close();
    same(&world(&token), &before, "nothing is left");
}

#[test]
fn post_provisioning_is_refused() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    let before = world(&token);
    let mut session = Issuing::create_volatile(&token, |_| {});
    let request = session.delete_request(&owner, &target);
    expect(&session.try_send(&request).unwrap_err(), Status::NotAllowed, "not volatile");
    expect(&session.try_close().unwrap_err(), Status::NoSession, "");
    let mut session = Issuing::create_volatile(&token, |_| {});
    let new = session.key("Key.New", |_| {});
    let request = session.update_request(&new, &owner, &target);
    expect(&session.try_send(&request).unwrap_err(), Status::NotAllowed, "not volatile");
    same(&world(&token), &before, "nothing is left, nor is anything charged");
}

/// Its keys can be targets once it is closed, as those of any session.
#[test]
fn its_keys_can_be_updated_later() {
    let token = Token::default();
    let mut first = Issuing::create_volatile(&token, |r| r.updatable = true);
    let made = fill(&mut first);
    first.close();
    let mut later = Issuing::create(&token, |_| {});
    let new = later.key("Key.New", |_| {});
    let request = later.update_request(&new, &first.key, &made[3]);
    later.send(&request);
    later.close();
    token.call(&sign(made[3].handle, "")).unwrap();
}

#[test]
fn handles_are_never_given_twice() {
    let token = Token::default();
    let mut given: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    let mut token_now = token.clone();
    for round in 0..40 {
        if round % 7 == 6 {
            token_now = token_now.restarted();
        }
        let volatile = round % 3 != 0;
        let mut session = match volatile {
            true => Issuing::create_volatile(&token_now, |_| {}),
            false => Issuing::create(&token_now, |_| {}),
        };
        let puk = session.puk("PUK.1", PUK, 3);
        let pin = session.pin("PIN.1", |r| r.puk_policy_handle = puk);
        let key = session.pin_key("Key.1", pin, PIN).handle;
        for (kind, handle) in [("session", session.handle.0), ("PUK", puk.0), ("PIN", pin.0), ("key", key.0)] {
            let given = given.entry(kind).or_default();
            assert!(given.last().is_none_or(|last| *last < handle), "{kind} {handle} after {:?}", given.last());
            given.insert(handle);
        }
        match round % 4 {
            0 => session.close(),
            1 => session.abort(),
            _ => {}
        }
    }
}

/// The handles of a token that has had no volatile session are those that they always were.
#[test]
fn handles_are_set_aside_for_volatile_sessions_only() {
    let token = Token::default();
    let session = || Issuing::create(&token, |_| {}).handle.0;
    assert_eq!([session(), session()], [1, 2]);
    assert_eq!(Issuing::create_volatile(&token, |_| {}).handle.0, 3);
    assert_eq!(token.store.snapshot()[&Address::Counter(Counter::Provisioning)], Record::Number(258));
    assert_eq!(Issuing::create_volatile(&token, |_| {}).handle.0, 4);
    assert_eq!(session(), 259);
    assert_eq!(Issuing::create_volatile(&token, |_| {}).handle.0, 260);
}

/// Handles that are set aside are no change, and no sign of a count that was lost.
#[test]
fn a_new_tokens_change_count_stays_at_0_until_a_close() {
    let token = Token::default();
    for _ in 0..2 {
        let mut session = Issuing::create_volatile(&token, |_| {});
        fill(&mut session);
        assert_eq!(changes(&token), 0);
        assert_eq!(changes(&token.restarted()), 0);
        session.abort();
        assert_eq!(changes(&token), 0);
    }
    let mut session = Issuing::create_volatile(&token, |_| {});
    fill(&mut session);
    session.close();
    assert_eq!(changes(&token), 1);
}

#[test]
fn only_so_many_are_open_at_once() {
    let token = Token::default();
    let mut brief = Issuing::create_volatile(&token, |r| r.session_life_time = 10);
    let mut others: Vec<Issuing> = (1..64).map(|_| Issuing::create_volatile(&token, |_| {})).collect();
    let full = |token: &Token| {
        let refused = Issuing::try_create_volatile(token, |_| {}).err().unwrap();
        expect(&refused, Status::Storage, "as many volatile sessions");
    };
    full(&token);
    brief.key("Key.1", |_| {});
    // One that ran out makes room, one that has ended, too.
    token.clock.advance(Duration::from_millis(10_001));
    let _late = Issuing::create_volatile(&token, |_| {});
    full(&token);
    assert_eq!(brief.try_close().unwrap_err().status, Status::NoSession);
    let mut last = others.pop().unwrap();
    last.key("Key.1", |_| {});
    last.close();
    let _later = Issuing::create_volatile(&token, |_| {});
    full(&token);
    Issuing::create(&token, |_| {}).abort();
}

/// 1 MiB: of data, and of many small records.
#[test]
fn a_session_holds_only_so_much() {
    let token = Token::default();
    let mut session = Issuing::create_volatile(&token, |_| {});
    let made = session.key("Key.1", |_| {});
    for n in 0..15 {
        session.extension(&made, &format!("t{n}"), &[7; 65536]);
    }
    let request = session.extension_request(&made, 0, b"", &[7; 65536], b"t15");
    expect(&session.try_send(&request).unwrap_err(), Status::Storage, "at most 1 MiB");
    expect(&session.try_close().unwrap_err(), Status::NoSession, "");

    let mut session = Issuing::create_volatile(&token, |_| {});
    let policies = (0..).find(|n| {
        let request = session.pin_request(&format!("PIN.{n}"));
        session.try_send(&request).is_err_and(|refused| refused.status == Status::Storage)
    });
    assert!(policies.is_some_and(|policies| (900..1100).contains(&policies)), "{policies:?}");
}

#[test]
fn volatile_sessions_run_side_by_side() {
    let token = Token::default();
    thread::scope(|scope| {
        for n in 0..4 {
            let token = &token;
            scope.spawn(move || {
                for _ in 0..20 {
                    let mut session = match n % 2 {
                        0 => Issuing::create_volatile(token, |_| {}),
                        _ => Issuing::create(token, |_| {}),
                    };
                    let pin = session.pin("PIN.1", |_| {});
                    let key = session.pin_key("Key.1", pin, PIN);
                    session.close();
                    token.call(&sign(key.handle, PIN)).unwrap();
                }
            });
        }
    });
    assert_eq!(keys(&token).len(), 80);
    assert_eq!(sessions(&token), 80);
}
