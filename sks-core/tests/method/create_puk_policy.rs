//! `createPUKPolicy`.

use sks_core::record::{Address, Record};
use sks_tests::secret;
use sks_wire::Status;
use sks_wire::method::create_puk_policy::Request;
use sks_wire::types::{Code, Format};

use crate::support::*;

#[test]
fn keeps_the_puk_in_clear_with_its_rules() {
    let mut open = Open::new();
    let request = Request { format: Format::Alphanumeric.into(), retry_limit: 7, ..open.puk_request("PUK.9", "A1") };
    let counter = open.stored().unwrap().mac_sequence_counter;
    let handle = open.send(&request).puk_policy_handle;
    let Some(Record::PukPolicy(puk)) = open.token.store.snapshot().remove(&Address::PukPolicy(handle.0)) else {
        panic!("the policy is stored")
    };
    assert_eq!((puk.puk, puk.format, puk.retry_limit, puk.error_count), (secret("A1"), Format::Alphanumeric, 7, 0));
    assert_eq!((puk.session, puk.id.as_str()), (open.handle.0, "PUK.9"));
    assert_eq!(open.stored().unwrap().mac_sequence_counter, counter, "there is no MAC");
}

#[test]
fn costs_one_operation() {
    costs(1, |_| {}, |s, ()| s.try_send(&s.puk_request("PUK.1", "1")).map(drop));
}

#[test]
fn the_name_must_be_new_among_puk_policies_only() {
    let mut open = Open::new();
    open.pin("X", |_| {});
    open.bare_key("X", |_| {});
    open.puk("X", "1", 3);
    open.aborts(&open.puk_request("X", "1"), Status::Option, "an object with this ID");
}

#[test]
fn a_puk_has_1_to_100_bytes_of_its_format() {
    let ok: [(Format, &[u8]); 6] = [
        (Format::Numeric, b"0123456789"),
        (Format::Numeric, &[b'1'; 100]),
        (Format::Alphanumeric, b"A"),
        (Format::String, "å".as_bytes()),
        (Format::Binary, &[0xFF]),
        (Format::Binary, &[0; 100]),
    ];
    let mut open = Open::new();
    for (at, (format, puk)) in ok.iter().enumerate() {
        let request = Request { format: (*format).into(), ..open.puk_request(&format!("P{at}"), puk) };
        open.send(&request);
    }
    let bad: [(Format, &[u8], &str); 7] = [
        (Format::Numeric, b"", "1 to 100 bytes"),
        (Format::Binary, &[0; 101], "1 to 100 bytes"),
        (Format::Numeric, b"12A", "its Format"),
        (Format::Numeric, b"1 ", "its Format"),
        (Format::Alphanumeric, b"a", "its Format"),
        (Format::String, &[0xFF], "its Format"),
        (Format::Alphanumeric, "Å".as_bytes(), "its Format"),
    ];
    for (format, puk, words) in bad {
        let open = Open::new();
        let request = Request { format: format.into(), ..open.puk_request("P", puk) };
        open.aborts(&request, Status::Option, words);
    }
}

#[test]
fn encrypted_data_that_does_not_decrypt_is_refused() {
    let open = Open::new();
    let good = open.puk_request("P", "1").puk_value;
    let mut broken = good.clone();
    broken[31] ^= 1;
    drop(open);
    for puk_value in [vec![], good[..16].to_vec(), good[..31].to_vec(), [good.as_slice(), &[0]].concat(), vec![0; 32]] {
        let open = Open::new();
        let request = Request { puk_value, ..open.puk_request("P", "1") };
        open.aborts(&request, Status::Crypto, "does not decrypt");
    }
}

#[test]
fn the_first_fault_in_order_is_told() {
    let faults = [
        fault::<Request>(Status::Option, "format at byte", |r| r.format = Code::raw(4)),
        fault(Status::Option, "an object with this ID", |r| r.id = sks_tests::id("Taken")),
        tight(),
        fault(Status::Crypto, "does not decrypt", |r| r.puk_value = vec![0; 31]),
        fault(Status::Option, "its Format", |r| r.puk_value.clear()),
    ];
    in_order(&faults, |tight, wrong| {
        let mut open = Open::limited(if tight { 1 } else { 2 });
        open.puk("Taken", "1", 3);
        let mut request = open.puk_request("P", "1");
        apply(&mut request, wrong);
        if request.puk_value.is_empty() {
            request.puk_value = open.encrypt(b"x");
        }
        (open, request)
    });
}

#[test]
fn needs_an_open_session() {
    let open = Open::new();
    for handle in [0, 1, 99, u32::MAX] {
        let request =
            Request { provisioning_handle: sks_wire::types::ProvisioningHandle(handle), ..open.puk_request("P", "1") };
        refuses(&open.token, &request, Status::NoSession, "no provisioning session");
    }
}
