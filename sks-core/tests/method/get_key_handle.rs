//! `getKeyHandle`.

use sks_tests::id;
use sks_wire::Status;
use sks_wire::method::get_key_handle::Request;
use sks_wire::types::ProvisioningHandle;

use crate::support::*;

#[test]
fn finds_keys_by_name_whatever_their_state() {
    let mut open = Open::new();
    let bare = open.bare_key("A", |_| {});
    let made = open.key("B", |_| {});
    for (name, handle) in [("A", bare.handle), ("B", made.handle)] {
        let request = Request { provisioning_handle: open.handle, id: id(name) };
        assert_eq!(open.send(&request).key_handle, handle);
    }
    assert_eq!(open.stored().unwrap().session_key_uses, 3, "it costs nothing");
}

#[test]
fn an_unknown_name_does_not_end_the_session() {
    let mut open = Open::new();
    open.bare_key("A", |_| {});
    open.pin("PIN.9", |_| {});
    for name in ["a", "PIN.9", "Key.1"] {
        let request = Request { provisioning_handle: open.handle, id: id(name) };
        refuses(&open.token, &request, Status::NoKey, "no key with this ID");
    }
}

#[test]
fn needs_an_open_session() {
    let open = Open::new();
    for handle in [0, 1, 99, u32::MAX] {
        let request = Request { provisioning_handle: ProvisioningHandle(handle), id: id("Key.1") };
        refuses(&open.token, &request, Status::NoSession, "no provisioning session");
    }
}
