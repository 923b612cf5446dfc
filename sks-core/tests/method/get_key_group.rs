//! `getKeyGroup`; which keys share a PIN is tested with `verifyPIN` and `deleteKey`.

use sks_wire::Status;
use sks_wire::method::get_key_group::{Request, Response};
use sks_wire::types::{KeyHandle, PinPolicyHandle, PukPolicyHandle};

use crate::support::*;

#[test]
fn tells_the_policies_and_the_group() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    let expected = Response {
        pin_policy_handle: PinPolicyHandle(3),
        pin_group: handle,
        puk_policy_handle: PukPolicyHandle(3),
        pin_policy_id: "PIN.1".into(),
    };
    assert_eq!(group(&token, handle), expected);
    let handle = pin_only_key(&token);
    assert_eq!(group(&token, handle).puk_policy_handle, PukPolicyHandle(0));
    let none = Response {
        pin_policy_handle: PinPolicyHandle(0),
        pin_group: KeyHandle(0),
        puk_policy_handle: PukPolicyHandle(0),
        pin_policy_id: "".into(),
    };
    let handle = closed_key(&token, |_| {}).handle;
    assert_eq!(group(&token, handle), none);
}

#[test]
fn only_keys_of_closed_sessions_are_found() {
    let token = crowded();
    refuses(&token, &Request { key_handle: KeyHandle(2) }, Status::NoKey, "still open");
    refuses(&token, &Request { key_handle: KeyHandle(99) }, Status::NoKey, "no key with this handle");
}
