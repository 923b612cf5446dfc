//! `signProvisioningSessionData`.

use sks_wire::Status;
use sks_wire::method::sign_provisioning_session_data::Request;

use crate::support::*;

#[test]
fn signs_with_the_external_key_and_leaves_the_counter() {
    let mut open = Open::new();
    for data in [vec![], b"Hello SKS".to_vec(), vec![7; 65535]] {
        let request = Request { provisioning_handle: open.handle, data: data.clone() };
        assert_eq!(open.send(&request).result, open.key.external_signature(&data));
    }
    let stored = open.stored().unwrap();
    assert_eq!((stored.mac_sequence_counter, stored.session_key_uses), (0, 3));
}

#[test]
fn costs_one_operation() {
    costs(1, |_| {}, |s, ()| s.try_send(&Request { provisioning_handle: s.handle, data: vec![1] }).map(drop));
}

#[test]
fn needs_an_open_session() {
    let open = Open::new();
    for handle in [0, 1, 99, u32::MAX] {
        let provisioning_handle = sks_wire::types::ProvisioningHandle(handle);
        let request = Request { provisioning_handle, data: vec![] };
        refuses(&open.token, &request, Status::NoSession, "no provisioning session");
    }
}
