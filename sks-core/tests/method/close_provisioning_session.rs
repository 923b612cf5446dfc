//! `closeProvisioningSession`.

use sks_core::record::{Address, Record};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::close_provisioning_session::{Request, mac_data};
use sks_wire::types::{KeyUsage, ProvisioningHandle};
use sks_wire::{MethodId, Secret, Status};

use crate::support::*;

#[test]
fn proves_success_and_lets_the_keys_be_used() {
    let mut open = Open::new();
    let made = open.key("Key.1", |_| {});
    refuses(&open.token, &sign(made.handle, ""), Status::NoKey, "still open");
    open.close();
    open.token.call(&sign(made.handle, "")).unwrap();
    let session = open.stored().unwrap();
    assert_eq!((session.open, session.mac_sequence_counter, session.session_key_uses), (false, 2, 4));
    let left = open.token.store.snapshot().into_keys().filter(|at| match at {
        Address::Name(session, ..) | Address::Pending(session, _) | Address::OpenSession(session) => {
            *session == open.handle.0
        }
        _ => false,
    });
    assert_eq!(left.count(), 0, "a closed session has no names and no deadline");
}

#[test]
fn the_session_key_is_kept_only_for_updates() {
    for updatable in [true, false] {
        let mut open = Open::with(|r| r.updatable = updatable);
        open.key("Key.1", |_| {});
        open.close();
        let key = open.stored().unwrap().session_key;
        assert_eq!(key, if updatable { Secret::from(open.key.expose()) } else { Secret::default() });
    }
}

#[test]
fn a_session_without_keys_is_removed_at_once() {
    let mut open = Open::with(|r| r.updatable = true);
    open.close();
    same(&world(&open.token), &open.before, "all of it is gone");
}

#[test]
fn needs_two_operations_and_checks_them_first() {
    costs(2, |s| s.key("Key.1", |_| {}), |s, _| s.try_close());
    costs(2, |_| {}, |s, ()| s.try_close());
}

#[test]
fn keys_must_have_all_that_they_promised() {
    let words = "lacks its certificate, symmetric key or restored private key";
    let mut open = Open::new();
    open.key("Fine", |_| {});
    open.bare_key("Key.9", |_| {});
    open.aborts(&open.close_request(), Status::SessionVerify, "Key.9");
    let mut open = Open::new();
    open.key("Key.1", |r| r.key_usage = KeyUsage::SymmetricKey.into());
    open.aborts(&open.close_request(), Status::SessionVerify, words);
    let mut open = Open::new();
    open.key("Key.1", |r| r.import_private_key = true);
    open.aborts(&open.close_request(), Status::SessionVerify, words);
    let mut open = Open::new();
    open.symmetric_key("Key.1", b"k", &[Algorithm::HmacSha1], |_| {});
    open.key("Key.2", |r| r.key_usage = KeyUsage::Transport.into());
    open.close();
}

#[test]
fn policies_must_be_used() {
    let mut open = Open::new();
    open.pin("PIN.9", |_| {});
    open.aborts(&open.close_request(), Status::SessionVerify, "the PIN policy PIN.9 governs no key");
    let mut open = Open::new();
    open.puk("PUK.9", PUK, 3);
    open.aborts(&open.close_request(), Status::SessionVerify, "the PUK policy PUK.9 governs no PIN policy");
    let mut open = Open::new();
    let puk = open.puk("PUK.1", PUK, 3);
    let pin = open.pin("PIN.1", |r| r.puk_policy_handle = puk);
    open.pin_key("Key.1", pin, PIN);
    open.pin("PIN.2", |r| r.puk_policy_handle = puk);
    open.aborts(&open.close_request(), Status::SessionVerify, "PIN.2");
}

/// Names of any script are found: the smallest and the largest that an NCName may start with.
#[test]
fn objects_of_any_name_are_found() {
    for name in ["A", "_", "z", "\u{C0}", "\u{EFFFF}"] {
        let mut open = Open::new();
        open.bare_key(name, |_| {});
        open.aborts(&open.close_request(), Status::SessionVerify, name);
    }
}

#[test]
fn the_mac_is_over_the_three_names() {
    let wrong: [fn(&Open, &mut Request); 4] = [
        |_, r| r.mac[0] ^= 1,
        |open, r| {
            let data = mac_data(&open.server_session_id, &open.client_session_id, &open.issuer_uri);
            r.mac = open.mac(MethodId::CloseProvisioningSession, &data);
        },
        |open, r| {
            let data = mac_data(&open.client_session_id, &open.server_session_id, &open.issuer_uri);
            r.mac = open.key.mac(MethodId::CloseProvisioningSession, 2, &data);
        },
        |open, r| r.mac = open.mac(MethodId::CloseProvisioningSession, &[]),
    ];
    for change in wrong {
        let mut open = Open::new();
        open.key("Key.1", |_| {});
        let mut request = open.close_request();
        change(&open, &mut request);
        open.aborts(&request, Status::Mac, "MAC does not match");
    }
}

#[test]
fn the_first_fault_in_order_is_told() {
    let faults = [
        tight(),
        fault::<Request>(Status::Mac, "MAC does not match", |r| r.mac = [1; 32]),
        fault(Status::SessionVerify, "lacks its certificate", |r| r.provisioning_handle = ProvisioningHandle(0)),
        fault(Status::SessionVerify, "was deleted", |_| {}),
    ];
    in_order(&faults, |tight, wrong| {
        let token = crowded();
        let (target, owner) = updatable_key(&token);
        let bare = wrong.iter().any(|fault| fault.words == "lacks its certificate");
        let spent = 1 + u16::from(bare);
        let mut open = Open::on(&token, |r| r.session_key_limit = spent + if tight { 1 } else { 2 });
        let request = open.delete_request(&owner, &target);
        open.send(&request);
        if bare {
            open.bare_key("Key.9", |_| {});
        }
        token.call(&delete(target.handle, "")).unwrap();
        // What is left to compare with: the target went with its session.
        open.before.retain(|at, _| world(&token).contains_key(at));
        let mut request = open.close_request();
        apply(&mut request, wrong);
        request.provisioning_handle = open.handle;
        (open, request)
    });
}

#[test]
fn policies_do_not_work_in_a_later_session() {
    let mut open = Open::new();
    let pin = open.pin("PIN.1", |_| {});
    open.pin_key("Key.1", pin, PIN);
    open.close();
    let later = Open::on(&open.token, |_| {});
    let mut request = later.key_request("Key.1");
    (request.pin_policy_handle, request.pin_value) = (pin, sks_tests::secret(PIN));
    later.aborts(&request, Status::Option, "neither 0 nor a PIN policy of this session");
}

#[test]
fn needs_an_open_session() {
    let mut open = Open::new();
    open.key("Key.1", |_| {});
    let request = open.close_request();
    open.close();
    refuses(&open.token, &request, Status::NoSession, "no provisioning session");
    let request = Request { provisioning_handle: ProvisioningHandle(99), ..request };
    refuses(&open.token, &request, Status::NoSession, "no provisioning session");
}

#[test]
fn a_session_goes_on_after_a_restart_where_it_was() {
    let mut open = Open::new();
    let made = open.key("Key.1", |_| {});
    let token = open.token.restarted();
    open.session.line = (&token).into();
    open.extension(&made, "t", b"data");
    let session = stored(&token, open.handle).unwrap();
    assert_eq!((session.mac_sequence_counter, session.session_key_uses), (2, 3));
    open.close();
    let key = token.store.snapshot().remove(&Address::Key(made.handle.0));
    assert!(matches!(key, Some(Record::Key(key)) if key.provisioned));
}
