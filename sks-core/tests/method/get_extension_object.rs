//! `getExtensionObject`; what is stored is tested with `addExtensionData`.

use sks_core::record::Address;
use sks_tests::{Issuing, secret};
use sks_wire::Status;
use sks_wire::types::{BaseType, KeyHandle};

use crate::support::*;

#[test]
fn an_encrypted_object_is_told_as_one_and_in_clear() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let made = session.key("Key.1", |_| {});
    let request = session.extension_request(&made, 1, b"", b"a secret", b"t");
    session.send(&request);
    session.close();
    let object = token.call(&extension_of(made.handle, "t")).unwrap();
    assert_eq!((object.base_type, object.qualifier), (BaseType::EncryptedExtension.into(), vec![]));
    assert_eq!(object.extension_data.0, secret("a secret"));
}

#[test]
fn an_unknown_type_is_refused() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let made = session.key("Key.1", |_| {});
    session.extension(&made, "t", b"");
    session.close();
    for name in ["", "T", "tt"] {
        refuses(&token, &extension_of(made.handle, name), Status::Option, "no extension of this type");
    }
}

#[test]
fn only_keys_of_closed_sessions_are_found() {
    let token = crowded();
    refuses(&token, &extension_of(KeyHandle(2), "http://example.com/e"), Status::NoKey, "still open");
    refuses(&token, &extension_of(KeyHandle(99), "t"), Status::NoKey, "no key with this handle");
}

/// The answer is the old key's or the new one's, never a type of one and the data of the other.
#[test]
fn an_update_meanwhile_mixes_no_two_keys() {
    let token = crowded();
    let mut first = Issuing::create(&token, |r| r.updatable = true);
    let target = first.key("Key.1", |r| r.updatable = true);
    first.extension(&target, "a", b"old a");
    first.extension(&target, "b", b"old b");
    first.close();
    let mut second = Issuing::create(&token, |_| {});
    let new = second.key("New", |_| {});
    second.extension(&new, "b", b"new b");
    second.extension(&new, "c", b"new c");
    let request = second.update_request(&new, &first.key, &target);
    second.send(&request);
    token.store.after_get(Address::Key(target.handle.0), move || second.close());
    let object = token.call(&extension_of(target.handle, "b")).unwrap();
    assert_eq!(object.extension_data.0, secret("new b"));
}
