//! What each method does, and what its refusals leave behind: through the token's face, on a store in memory.
//!
//! One file a method. Each refusal of a provisioning method is checked to remove the session with everything created
//! in it and nothing else; each other refusal to change nothing but counters.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::type_complexity,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_imports,
    reason = "a test fails by panicking, and each file speaks the support's language"
)]

mod support;

mod method {
    mod abort_provisioning_session;
    mod add_extension_data;
    mod asymmetric_key_decrypt;
    mod change_pin;
    mod close_provisioning_session;
    mod create_key_pair;
    mod create_pin_policy;
    mod create_provisioning_session;
    mod create_puk_policy;
    mod create_volatile_session;
    mod delete_key;
    mod enumerate_keys;
    mod enumerate_provisioning_sessions;
    mod export_key;
    mod get_change_count;
    mod get_device_info;
    mod get_extension_object;
    mod get_key_attributes;
    mod get_key_group;
    mod get_key_handle;
    mod get_key_protection_info;
    mod get_provisioning_session;
    mod key_agreement;
    mod perform_hmac;
    mod post_provisioning_delete_key;
    mod post_provisioning_update_key;
    mod restore_private_key;
    mod set_certificate_path;
    mod set_pin;
    mod set_symmetric_key;
    mod sign_hashed_data;
    mod sign_provisioning_session_data;
    mod symmetric_key_encrypt;
    mod unlock_key;
    mod verify_pin;
}

use std::collections::BTreeSet;

use sks_core::gate::{Class, class};
use sks_wire::{MethodId, Status};
use support::*;

#[test]
fn each_method_has_its_file() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/method");
    let files: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let methods = MethodId::ALL.iter().map(|id| format!("{}.rs", id.module())).collect();
    assert_eq!(files, methods);
    let declared = include_str!("methods.rs");
    for id in MethodId::ALL {
        assert!(declared.contains(&format!("    mod {};\n", id.module())), "{} runs", id.module());
    }
}

/// The operations in a session that the rulings count up.
#[test]
fn operations_in_a_session_are_those_of_the_ruling() {
    let operations: Vec<u8> =
        MethodId::ALL.iter().filter(|id| class(**id) == Class::Operation).map(|id| id.number()).collect();
    assert_eq!(operations, [2, 6, 7, 8, 9, 10, 11, 12, 20, 50, 51]);
    let in_session: Vec<u8> =
        MethodId::ALL.iter().filter(|id| class(**id) == Class::InSession).map(|id| id.number()).collect();
    assert_eq!(in_session, [5, 19]);
}

#[test]
fn a_malformed_operation_ends_the_open_session_that_it_names() {
    for id in MethodId::ALL.iter().filter(|id| class(**id) == Class::Operation) {
        let open = Open::new();
        let call = [&[id.number()], open.handle.0.to_be_bytes().as_slice()].concat();
        open.aborts_bytes(&call, Status::Option, "at byte");
        let open = Open::new();
        let call = [&[id.number()], open.handle.0.to_be_bytes().as_slice(), &[0xFF; 400]].concat();
        open.aborts_bytes(&call, Status::Option, "at byte");
    }
}

#[test]
fn a_malformed_call_that_names_no_open_session_changes_nothing() {
    let token = crowded();
    let closed = 1u32.to_be_bytes();
    let open = 2u32.to_be_bytes();
    let before = token.store.snapshot();
    for id in MethodId::ALL {
        for tail in [&[][..], &open[..3], &[closed.as_slice(), &[0xFF; 400]].concat(), &[0xFF; 400]] {
            if tail.is_empty() && matches!(id, MethodId::GetDeviceInfo | MethodId::GetChangeCount) {
                continue;
            }
            let answer = token.device.call(&[&[id.number()], tail].concat());
            expect(&refusal_of(&answer), Status::Option, "at byte");
        }
        if class(*id) != Class::Operation {
            let answer = token.device.call(&[&[id.number()], open.as_slice(), &[0xFF; 400]].concat());
            expect(&refusal_of(&answer), Status::Option, "at byte");
        }
        assert_eq!(token.store.snapshot(), before, "{}", id.name());
    }
}

#[test]
fn an_unknown_method_touches_no_session() {
    let token = crowded();
    let before = token.store.snapshot();
    for number in (0..=255).filter(|number| MethodId::from_number(*number).is_none()) {
        let answer = token.device.call(&[&[number], 2u32.to_be_bytes().as_slice()].concat());
        expect(&refusal_of(&answer), Status::Option, "no method has this number");
    }
    expect(&refusal_of(&token.device.call(&[])), Status::Option, "method at byte 0");
    assert_eq!(token.store.snapshot(), before);
}

#[test]
fn every_refusals_text_is_a_sentence_that_helps() {
    for (name, status, text) in sks_core::refusal::Refusal::ALL {
        let filled_in = *text == "{e}";
        let helpful = text.is_ascii() && text.split(' ').count() >= 4 && !text.ends_with('.') && text.trim() == *text;
        assert!(filled_in || helpful, "{name} ({status}): {text:?}");
    }
}
