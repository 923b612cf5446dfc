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
    assert_eq!(world(&open.token), open.before);
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
