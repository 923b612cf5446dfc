//! `addExtensionData`.

use sks_tests::{id, secret};
use sks_wire::method::add_extension_data::{Request, mac_data};
use sks_wire::method::get_key_handle;
use sks_wire::types::{Blob, Code, KeyHandle, KeyUsage, Text};
use sks_wire::{MethodId, Status};

use crate::support::*;

const TYPE: &[u8] = b"http://example.com/type";

#[test]
fn objects_are_kept_in_their_order_and_in_clear() {
    let mut open = Open::new();
    let made = open.key("Key.1", |_| {});
    let objects: [(u8, &str, &[u8], &str); 5] = [
        (3, "image/png", b"\x89PNG", "z"),
        (0, "", b"", "b"),
        (1, "", b"a secret", "a"),
        (2, "", b"<p/>", "å"),
        (0, "", b"empty type", ""),
    ];
    for (at, (base, qualifier, data, name)) in objects.into_iter().enumerate() {
        let request = open.extension_request(&made, base, qualifier.as_bytes(), data, name.as_bytes());
        open.send(&request);
        assert_eq!(usize::from(open.stored().unwrap().mac_sequence_counter), at + 2);
        let told = keys(&open.token).pop().unwrap().1.extension_type.0;
        assert_eq!(told.len(), at + 1, "types so far");
    }
    open.close();
    let told = attributes(&open.token, made.handle).extension_type.0;
    assert_eq!(told, objects.map(|(_, _, _, name)| Text::from(name)));
    for (base, qualifier, data, name) in objects {
        let object = open.token.call(&extension_of(made.handle, name)).unwrap();
        assert_eq!((object.base_type.value(), object.qualifier.as_slice()), (base, qualifier.as_bytes()));
        assert_eq!(object.extension_data, Blob(secret(data)), "in clear");
    }
}

#[test]
fn costs_one_operation_and_an_encrypted_one_two() {
    for (base, cost) in [(0, 1), (1, 2), (2, 1), (3, 1)] {
        costs(
            cost,
            |s| s.key("Key.1", |_| {}),
            |s, made| {
                let qualifier: &[u8] = if base == 3 { b"image/png" } else { b"" };
                let request = s.extension_request(&made, base, qualifier, b"data", TYPE);
                s.try_send(&request).map(drop)
            },
        );
    }
}

#[test]
fn every_usage_takes_extensions() {
    let mut open = Open::new();
    for (at, usage) in KeyUsage::ALL.iter().enumerate() {
        let made = open.key(&format!("K{at}"), |r| r.key_usage = (*usage).into());
        open.extension(&made, "t", b"");
    }
}

#[test]
fn the_size_counts_clear_bytes() {
    for base in [0, 1] {
        let mut open = Open::new();
        let made = open.key("Key.1", |_| {});
        let request = open.extension_request(&made, base, b"", &vec![7; 65536], TYPE);
        open.send(&request);
        let request = open.extension_request(&made, base, b"", &vec![7; 65537], b"other");
        open.aborts(&request, Status::Option, "over the size");
    }
    let mut open = Open::new();
    let made = open.key("Key.1", |_| {});
    let request = open.extension_request(&made, 1, b"", &vec![7; 65569], TYPE);
    open.aborts(&request, Status::Option, "over the size");
}

#[test]
fn options_that_do_not_hold_are_refused() {
    let bad: [(&str, fn(&mut Request)); 8] = [
        ("base_type at byte", |r| r.base_type = Code::raw(4)),
        ("Qualifier must be", |r| r.qualifier = b"x".to_vec()),
        ("Qualifier must be", |r| (r.base_type, r.qualifier) = (Code::raw(1), b"x".to_vec())),
        ("Qualifier must be", |r| (r.base_type, r.qualifier) = (Code::raw(2), b"x".to_vec())),
        ("Qualifier must be", |r| r.base_type = Code::raw(3)),
        ("extension_type at byte", |r| r.extension_type = Text(vec![b'a', 0xFF])),
        ("an extension of this type", |r| r.extension_type = "taken".into()),
        ("over the size", |r| r.extension_data = Blob(secret(vec![0; 65537]))),
    ];
    for (words, change) in bad {
        let mut open = Open::new();
        let made = open.key("Key.1", |_| {});
        open.extension(&made, "taken", b"");
        let mut request = open.extension_request(&made, 0, b"", b"data", TYPE);
        change(&mut request);
        open.aborts(&request, Status::Option, words);
    }
}

#[test]
fn two_keys_may_have_the_same_type() {
    let mut open = Open::new();
    for name in ["A", "B"] {
        let made = open.key(name, |_| {});
        open.extension(&made, "t", b"");
    }
}

#[test]
fn comes_after_the_certificate() {
    let mut open = Open::new();
    let made = open.bare_key("Key.1", |_| {});
    let request = open.extension_request(&made, 0, b"", b"", TYPE);
    open.aborts(&request, Status::NotAllowed, "setCertificatePath comes first");
}

#[test]
fn the_mac_covers_all_of_it() {
    let wrong: [fn(&Open, &mut Request); 6] = [
        |_, r| r.mac[7] ^= 1,
        |_, r| r.base_type = Code::raw(2),
        |_, r| r.extension_data = Blob(secret("other")),
        |_, r| r.extension_type = "other".into(),
        |_, r| (r.base_type, r.qualifier) = (Code::raw(3), b"q".to_vec()),
        |open, r| {
            let request = get_key_handle::Request { provisioning_handle: open.handle, id: id("Key.2") };
            r.key_handle = open.token.call(&request).unwrap().key_handle;
        },
    ];
    for change in wrong {
        let mut open = Open::new();
        let made = open.key("Key.1", |_| {});
        open.key("Key.2", |_| {});
        let mut request = open.extension_request(&made, 0, b"", b"data", TYPE);
        change(&open, &mut request);
        open.aborts(&request, Status::Mac, "MAC does not match");
    }
}

#[test]
fn the_first_fault_in_order_is_told() {
    let faults = [
        fault::<Request>(Status::NoKey, "did not create a key", |r| r.key_handle = KeyHandle(99)),
        fault(Status::NotAllowed, "setCertificatePath comes first", |r| {
            if r.key_handle.0 != 99 {
                r.key_handle = KeyHandle(0);
            }
        }),
        fault(Status::Option, "an extension of this type", |r| r.extension_type = "taken".into()),
        tight(),
        fault(Status::Crypto, "does not decrypt", |r| r.extension_data = Blob(secret([0; 31]))),
        fault(Status::Mac, "MAC does not match", |r| r.mac = [1; 32]),
        fault(Status::Option, "over the size", |r| {
            if r.extension_data.0.len() != 31 {
                r.extension_data = Blob(secret("too long, made below"));
            }
        }),
    ];
    in_order(&faults, |tight, wrong| {
        let mut open = Open::limited(if tight { 5 } else { 6 });
        let bare = open.bare_key("Bare", |_| {});
        let made = open.key("Key.1", |_| {});
        open.extension(&made, "taken", b"");
        let mut request = Request { mac: [0; 32], ..open.extension_request(&made, 1, b"", b"data", TYPE) };
        apply(&mut request, wrong);
        if request.key_handle.0 == 0 {
            request.key_handle = bare.handle;
        }
        let mut data = b"data".to_vec();
        if request.extension_data.0.expose().starts_with(b"too long") {
            data = vec![0; 65537];
            request.extension_data = Blob(secret(open.encrypt(&data)));
        }
        if request.mac == [0; 32] {
            let data = mac_data(&made.certificate, &[1], b"", &data, &request.extension_type.0).concat();
            request.mac = open.mac(MethodId::AddExtensionData, &[&data]);
        }
        (open, request)
    });
}

#[test]
fn attributes_that_no_answer_could_hold_are_refused() {
    let config = sks_core::Config { max_answer: 2000, ..sks_core::Config::default() };
    let token = sks_tests::Token::new(config);
    let mut open = Open::on(&token, |_| {});
    let made = open.key("Key.1", |_| {});
    let request = open.extension_request(&made, 0, b"", b"", &[b'x'; 2000]);
    open.aborts(&request, Status::Storage, "largest answer");
}

#[test]
fn needs_an_open_session() {
    let mut open = Open::new();
    let made = open.key("Key.1", |_| {});
    let mut request = open.extension_request(&made, 0, b"", b"", TYPE);
    request.provisioning_handle.0 = 1;
    refuses(&open.token, &request, Status::NoSession, "no provisioning session");
}
