//! `abortProvisioningSession`.

use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::abort_provisioning_session::Request;
use sks_wire::types::ProvisioningHandle;

use crate::support::*;

#[test]
fn removes_all_that_the_session_created_and_nothing_else() {
    let mut open = Open::new();
    let puk = open.puk("PUK.1", PUK, 3);
    open.puk("PUK.unused", PUK, 3);
    let pin = open.pin("PIN.1", |r| r.puk_policy_handle = puk);
    open.pin("PIN.unused", |r| r.puk_policy_handle = puk);
    let made = open.pin_key("Key.1", pin, PIN);
    open.pin_key("Key.2", pin, PIN);
    open.extension(&made, "t", b"data");
    open.bare_key("Key.3", |_| {});
    open.symmetric_key("Key.4", b"k", &[Algorithm::HmacSha1], |_| {});
    open.token.call(&Request { provisioning_handle: open.handle }).unwrap();
    same(&world(&open.token), &open.before, "all of it is gone");
}

#[test]
fn targets_of_post_provisioning_stay() {
    let token = crowded();
    let (target, owner) = updatable_key(&token);
    let mut open = Open::on(&token, |_| {});
    let request = open.delete_request(&owner, &target);
    open.send(&request);
    let before = open.before.len();
    open.token.call(&Request { provisioning_handle: open.handle }).unwrap();
    assert_eq!(world(&token).len(), before);
    token.call(&sign(target.handle, "")).unwrap();
}

#[test]
fn a_session_that_is_not_open_is_refused() {
    let open = Open::new();
    for handle in [0, 1, 99, u32::MAX] {
        let request = Request { provisioning_handle: ProvisioningHandle(handle) };
        refuses(&open.token, &request, Status::NoSession, "no provisioning session");
    }
}

#[test]
fn a_full_store_still_lets_sessions_go() {
    let mut open = Open::new();
    let pin = open.pin("PIN.1", |_| {});
    open.pin_key("Key.1", pin, PIN);
    open.token.store.set_full(true);
    open.abort();
    same(&world(&open.token), &open.before, "all of it is gone");
}

/// An operation that a full store refuses ends the session like any other, whatever the session has by then.
#[test]
fn an_operation_that_finds_the_store_full_ends_the_session() {
    let operations: [fn(&mut Open) -> sks_wire::Refused; 4] = [
        |open| open.token.call(&open.puk_request("PUK.2", PUK)).unwrap_err(),
        |open| open.token.call(&open.key_request("Key.2")).unwrap_err(),
        |open| {
            let data = vec![];
            let request =
                sks_wire::method::sign_provisioning_session_data::Request { provisioning_handle: open.handle, data };
            open.token.call(&request).unwrap_err()
        },
        |open| open.try_close().unwrap_err(),
    ];
    for operation in operations {
        let mut open = Open::new();
        let pin = open.pin("PIN.1", |_| {});
        open.pin_key("Key.1", pin, PIN);
        open.token.store.set_full(true);
        expect(&operation(&mut open), Status::Storage, "no space is left");
        same(&world(&open.token), &open.before, "all of it is gone");
        open.token.store.set_full(false);
        let count = changes(&open.token);
        closed_key(&open.token, |_| {});
        assert_ne!(changes(&open.token), count);
        assert_eq!(changes(&open.token), changes(&open.token), "counted again");
    }
}

#[test]
fn a_full_store_lets_sessions_go_that_ran_out() {
    let mut open = Open::with(|r| r.session_life_time = 1);
    open.key("Key.1", |_| {});
    open.token.store.set_full(true);
    open.token.clock.advance(std::time::Duration::from_millis(1001));
    open.token.device.sweep().unwrap();
    same(&world(&open.token), &open.before, "all of it is gone");
}
