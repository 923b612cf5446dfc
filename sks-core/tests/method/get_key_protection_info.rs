//! `getKeyProtectionInfo`.

use sks_tests::{Issuing, secret};
use sks_wire::Status;
use sks_wire::method::get_key_protection_info::{Request, Response};
use sks_wire::types::{
    BiometricProtection, Code, DeletePolicy, ExportPolicy, Format, Grouping, InputMethod, KeyHandle, KeyUsage, Octet,
};

use crate::support::*;

#[test]
fn a_key_without_a_pin_has_zeros() {
    let token = crowded();
    let handle = closed_key(&token, |r| r.updatable = true).handle;
    let expected = Response {
        protection_status: 0,
        puk_retry_limit: 0,
        puk_error_count: 0,
        user_modifiable: false,
        format: Code::raw(0),
        retry_limit: 0,
        grouping: Code::raw(0),
        pattern_restrictions: 0,
        min_length: 0,
        max_length: 0,
        input_method: Code::raw(0),
        pin_error_count: 0,
        biometric_protection: BiometricProtection::None.into(),
        private_key_backup: false,
        export_policy: ExportPolicy::NonExportable.into(),
        updatable: true,
        delete_policy: DeletePolicy::None.into(),
        enable_pin_caching: false,
        import_private_key: false,
    };
    assert_eq!(info(&token, handle), expected);
}

#[test]
fn policies_are_told_as_given_with_their_counters() {
    let token = crowded();
    let mut session = Issuing::create(&token, |_| {});
    let puk = session.puk("PUK.1", PUK, 7);
    let policy = session.pin("PIN.1", |r| {
        r.puk_policy_handle = puk;
        r.format = Format::String.into();
        r.retry_limit = Octet(2);
        r.grouping = Grouping::Unique.into();
        r.pattern_restrictions = Octet(0x11);
        r.min_length = Octet(5);
        r.max_length = Octet(9);
        r.input_method = InputMethod::TrustedGui.into();
    });
    let made = session.bare_key("Key.1", |r| {
        (r.pin_policy_handle, r.pin_value) = (policy, secret("aB1.x"));
        r.private_key_backup = true;
        r.export_policy = ExportPolicy::Puk.into();
        r.delete_policy = DeletePolicy::Pin.into();
        r.enable_pin_caching = true;
        r.key_usage = KeyUsage::Signature.into();
    });
    session.certify(&made);
    session.close();
    assert_eq!(token.refusal(&verify(made.handle, "wrong")), Status::Authorization);
    assert_eq!(token.refusal(&unlock(made.handle, "0")), Status::Authorization);
    let expected = Response {
        protection_status: 0x03,
        puk_retry_limit: 7,
        puk_error_count: 1,
        user_modifiable: true,
        format: Format::String.into(),
        retry_limit: 2,
        grouping: Grouping::Unique.into(),
        pattern_restrictions: 0x11,
        min_length: 5,
        max_length: 9,
        input_method: InputMethod::TrustedGui.into(),
        pin_error_count: 1,
        biometric_protection: BiometricProtection::None.into(),
        private_key_backup: true,
        export_policy: ExportPolicy::Puk.into(),
        updatable: false,
        delete_policy: DeletePolicy::Pin.into(),
        enable_pin_caching: true,
        import_private_key: false,
    };
    assert_eq!(info(&token, made.handle), expected);
    assert_eq!(token.refusal(&verify(made.handle, "wrong")), Status::Authorization);
    assert_eq!(info(&token, made.handle).protection_status, 0x07, "locked");
}

#[test]
fn a_pin_without_a_puk_has_the_first_bit_only() {
    let token = crowded();
    let handle = pin_only_key(&token);
    assert_eq!(info(&token, handle).protection_status, 0x01);
}

#[test]
fn only_keys_of_closed_sessions_are_found() {
    let token = crowded();
    refuses(&token, &Request { key_handle: KeyHandle(2) }, Status::NoKey, "still open");
    refuses(&token, &Request { key_handle: KeyHandle(99) }, Status::NoKey, "no key with this handle");
}

/// A key that goes while it is looked at is no key, and not a damaged store.
#[test]
fn a_deletion_meanwhile_is_no_damage() {
    let token = crowded();
    let handle = pin_only_key(&token);
    let other = token.clone();
    token.store.after_get(sks_core::record::Address::Key(handle.0), move || {
        other.call(&delete(handle, "")).unwrap();
    });
    let refused = token.call(&Request { key_handle: handle }).unwrap_err();
    expect(&refused, Status::NoKey, "no key with this handle");
}
