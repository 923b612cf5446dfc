//! `createPINPolicy`.

use sks_core::record::{Address, PinPolicy, Record};
use sks_tests::{Issuing, id};
use sks_wire::Status;
use sks_wire::method::create_pin_policy::Request;
use sks_wire::types::{Code, Format, Grouping, InputMethod, NO_HANDLE, Octet, PukPolicyHandle, pattern};

use crate::support::*;

#[test]
fn keeps_what_it_was_given() {
    let mut open = Open::new();
    let puk = open.puk("PUK.1", "1", 3);
    let handle = open.pin("PIN.9", |r| {
        r.puk_policy_handle = puk;
        r.user_defined = false;
        r.user_modifiable = false;
        r.format = Format::String.into();
        r.retry_limit = Octet(255);
        r.grouping = Grouping::Unique.into();
        r.pattern_restrictions = Octet(0x1F);
        r.min_length = Octet(100);
        r.max_length = Octet(100);
        r.input_method = InputMethod::TrustedGui.into();
    });
    let expected = PinPolicy {
        session: open.handle.0,
        id: id("PIN.9"),
        puk_policy: Some(puk.0),
        user_defined: false,
        user_modifiable: false,
        format: Format::String,
        retry_limit: 255,
        grouping: Grouping::Unique,
        pattern_restrictions: 0x1F,
        min_length: 100,
        max_length: 100,
        input_method: InputMethod::TrustedGui,
    };
    assert_eq!(open.token.store.snapshot().get(&Address::PinPolicy(handle.0)), Some(&Record::PinPolicy(expected)));
}

#[test]
fn costs_nothing() {
    costs(0, |_| {}, |s, ()| s.try_send(&s.pin_request("PIN.1")).map(drop));
}

#[test]
fn the_name_must_be_new_among_pin_policies_only() {
    let mut open = Open::new();
    open.puk("X", "1", 3);
    open.bare_key("X", |_| {});
    open.pin("X", |_| {});
    open.aborts(&open.pin_request("X"), Status::Option, "an object with this ID");
}

#[test]
fn options_out_of_range_are_refused() {
    let bad: [(&str, fn(&mut Request)); 13] = [
        ("format at byte", |r| r.format = Code::raw(4)),
        ("retry_limit at byte", |r| r.retry_limit = Octet(0)),
        ("grouping at byte", |r| r.grouping = Code::raw(4)),
        ("pattern_restrictions at byte", |r| r.pattern_restrictions = Octet(0x20)),
        ("min_length at byte", |r| r.min_length = Octet(0)),
        ("max_length at byte", |r| r.max_length = Octet(101)),
        ("min_length at byte", |r| (r.min_length, r.max_length) = (Octet(101), Octet(101))),
        ("input_method at byte", |r| r.input_method = Code::raw(3)),
        ("MinLength is over MaxLength", |r| (r.min_length, r.max_length) = (Octet(9), Octet(8))),
        ("missing-group", |r| r.pattern_restrictions = Octet(pattern::MISSING_GROUP)),
        ("missing-group", |r| (r.pattern_restrictions, r.format) = (Octet(0x1F), Format::Binary.into())),
        ("neither 0 nor a PUK policy", |r| r.puk_policy_handle = PukPolicyHandle(NO_HANDLE)),
        ("neither 0 nor a PUK policy", |r| r.puk_policy_handle = PukPolicyHandle(77)),
    ];
    for (words, change) in bad {
        let open = Open::new();
        let mut request = open.pin_request("PIN.1");
        change(&mut request);
        open.aborts(&request, Status::Option, words);
    }
}

#[test]
fn a_puk_policy_of_another_session_is_refused() {
    let open = Open::new();
    // 1 is of a closed session, 2 of another open one.
    for handle in [1, 2] {
        let open = Open::on(&open.token, |_| {});
        let request = Request { puk_policy_handle: PukPolicyHandle(handle), ..open.pin_request("PIN.1") };
        open.aborts(&request, Status::Option, "neither 0 nor a PUK policy");
    }
}

#[test]
fn every_option_in_range_is_accepted() {
    let mut open = Open::new();
    let try_one = |open: &mut Issuing, at: usize, change: &dyn Fn(&mut Request)| {
        open.pin(&format!("P{at}"), change);
    };
    for value in 0..4 {
        try_one(&mut open, usize::from(value), &|r| r.format = Code::raw(value));
        try_one(&mut open, 10 + usize::from(value), &|r| r.grouping = Code::raw(value));
    }
    for bits in 0..=0x1F {
        let format = Format::Alphanumeric.into();
        try_one(&mut open, 100 + usize::from(bits), &|r| (r.pattern_restrictions, r.format) = (Octet(bits), format));
    }
    try_one(&mut open, 200, &|r| (r.min_length, r.max_length) = (Octet(1), Octet(1)));
}

#[test]
fn needs_an_open_session() {
    let open = Open::new();
    let mut request = open.pin_request("P");
    request.provisioning_handle.0 = 1;
    refuses(&open.token, &request, Status::NoSession, "no provisioning session");
}
