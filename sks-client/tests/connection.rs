//! A client against a peer that answers from a script: what a connection keeps, and when it is given up.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{self, Cursor, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use sks_client::{Client, Error};
use sks_wire::method::{
    self, abort_provisioning_session, encode_refusal, encode_response, enumerate_keys, get_change_count, perform_hmac,
    set_certificate_path, verify_pin,
};
use sks_wire::types::{Code, Enumerated, Id, KeyHandle, KeyUsage, ProvisioningHandle};
use sks_wire::{MethodId, Refused, Secret, Status, frame};

/// A stream that answers from a script and keeps what it is sent.
struct Script {
    answers: Cursor<Vec<u8>>,
    sent: Vec<u8>,
}

impl Script {
    fn client(answers: &[Vec<u8>]) -> Client<Script> {
        let mut bytes = Vec::new();
        for answer in answers {
            frame::write(&mut bytes, answer).unwrap();
        }
        Client::new(Script { answers: Cursor::new(bytes), sent: Vec::new() })
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.answers.read(buffer)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn bytes(encoded: impl AsRef<[u8]>) -> Vec<u8> {
    encoded.as_ref().to_vec()
}

fn count(count: u32) -> Vec<u8> {
    let encoded = encode_response(&get_change_count::Response { count });
    bytes(&encoded[..])
}

fn listed(handle: u32) -> Vec<u8> {
    let item = enumerate_keys::Key {
        provisioning_handle: ProvisioningHandle(1),
        id: Id::new("Key.1").unwrap(),
        key_usage: Code::from(KeyUsage::Signature),
        friendly_name: "a key".into(),
        x509_certificate: vec![].into(),
        endorsed_algorithm: vec![].into(),
        extension_type: vec![].into(),
    };
    let encoded = encode_response(&enumerate_keys::Response { next: Enumerated::Next { handle, item } });
    bytes(&encoded[..])
}

fn end() -> Vec<u8> {
    let encoded = encode_response(&enumerate_keys::Response { next: Enumerated::End });
    bytes(&encoded[..])
}

#[test]
fn a_typed_call_sends_a_frame_and_reads_its_answer() {
    let mut client = Script::client(&[count(7)]);
    assert_eq!(client.get_change_count(&get_change_count::Request {}).unwrap().count, 7);
    assert_eq!(client.stream().sent, [0, 0, 0, 1, 121]);
}

#[test]
fn a_refusal_is_typed_and_leaves_the_connection_usable() {
    let refused = Refused { status: Status::Authorization, text: "wrong PIN".to_owned() };
    let refusal = encode_refusal(&refused);
    let mut client = Script::client(&[bytes(&refusal[..]), count(1)]);
    let request = verify_pin::Request { key_handle: KeyHandle(1), pin: Secret::new(b"0".to_vec()) };
    let error = client.verify_pin(&request).unwrap_err();
    assert_eq!(error.refused(), Some(&refused));
    assert_eq!(client.get_change_count(&get_change_count::Request {}).unwrap().count, 1);
}

#[test]
fn calls_are_pipelined_in_order() {
    let mut client = Script::client(&[count(1), vec![0]]);
    client.send(&get_change_count::Request {}).unwrap();
    client.send(&abort_provisioning_session::Request { provisioning_handle: ProvisioningHandle(9) }).unwrap();
    assert_eq!(client.receive::<get_change_count::Request>().unwrap().count, 1);
    client.receive::<abort_provisioning_session::Request>().unwrap();
}

#[test]
fn an_answer_that_cannot_be_read_does_not_end_the_connection() {
    let mut client = Script::client(&[vec![0, 1], count(2)]);
    assert!(matches!(client.get_change_count(&get_change_count::Request {}), Err(Error::Protocol(_))));
    assert_eq!(client.get_change_count(&get_change_count::Request {}).unwrap().count, 2);
}

#[test]
fn an_answer_over_the_limit_ends_the_connection() {
    let mut client = Script::client(&[count(1), count(2)]);
    client.set_max_response(4);
    let failed = client.get_change_count(&get_change_count::Request {});
    assert!(matches!(failed, Err(Error::TooLong { length: 5, max: 4 })));
    client.set_max_response(5);
    assert!(matches!(client.get_change_count(&get_change_count::Request {}), Err(Error::Connection(_))));
}

#[test]
fn the_end_of_the_stream_is_an_error() {
    let mut client = Script::client(&[]);
    let Err(Error::Connection(source)) = client.call_raw(&[121]) else { panic!("an answer from nowhere") };
    assert_eq!(source.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn keys_are_listed_to_the_end_and_no_further() {
    let mut client = Script::client(&[listed(3), listed(5), end(), listed(8)]);
    let handles: Vec<u32> = client.keys().map(|key| key.unwrap().handle.0).collect();
    assert_eq!(handles, [3, 5]);
    let asked: Vec<&[u8]> = client.stream().sent.chunks(9).map(|call| &call[4..]).collect();
    assert_eq!(asked, [[32, 0xFF, 0xFF, 0xFF, 0xFF], [32, 0, 0, 0, 3], [32, 0, 0, 0, 5]]);
}

#[test]
fn a_token_that_lists_in_a_circle_is_left() {
    let mut client = Script::client(&[listed(3), listed(3), listed(3)]);
    let found: Vec<bool> = client.keys().map(|key| key.is_ok()).collect();
    assert_eq!(found, [true, false]);
}

#[test]
fn a_missing_socket_and_an_abandoned_one_are_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sks.sock");
    assert!(matches!(Client::connect(&path), Err(Error::Absent { path: p, .. }) if p == path));
    drop(UnixListener::bind(&path).unwrap());
    assert!(matches!(Client::connect(&path), Err(Error::Absent { .. })));
}

#[test]
fn a_silent_token_runs_into_the_time_out() {
    let (near, _far) = UnixStream::pair().unwrap();
    let mut client = Client::new(near);
    client.set_timeout(Some(Duration::from_millis(20))).unwrap();
    assert!(matches!(client.get_change_count(&get_change_count::Request {}), Err(Error::Connection(_))));
    // The late answer must not be taken for the next call's.
    assert!(matches!(client.get_change_count(&get_change_count::Request {}), Err(Error::Connection(_))));
}

#[test]
fn what_would_be_cut_is_not_sent() {
    let mut client = Script::client(&[vec![0]]);
    let data = |length| perform_hmac::Request {
        key_handle: KeyHandle(1),
        hmac_algorithm: "x".into(),
        pin: Secret::default(),
        data: vec![0; length],
    };
    assert!(matches!(client.perform_hmac(&data(65536)), Err(Error::Argument(_))));
    let path = set_certificate_path::Request {
        provisioning_handle: ProvisioningHandle(1),
        key_handle: KeyHandle(1),
        x509_certificate: vec![vec![0x30]; 256].into(),
        mac: [0; 32],
    };
    assert!(matches!(client.set_certificate_path(&path), Err(Error::Argument(_))));
    assert_eq!(client.stream().sent, []);
    client.send(&data(65535)).unwrap();
}

#[test]
fn what_is_out_of_range_is_the_tokens_to_refuse() {
    let mut client = Script::client(&[]);
    let empty_path = set_certificate_path::Request {
        provisioning_handle: ProvisioningHandle(1),
        key_handle: KeyHandle(1),
        x509_certificate: vec![].into(),
        mac: [0; 32],
    };
    client.send(&empty_path).unwrap();
}

#[test]
fn every_method_of_the_table_has_its_call() {
    macro_rules! count_calls {
        ($($number:literal $module:ident $variant:ident $name:literal,)*) => {{
            type Call<R, A> = fn(&mut Client<Script>, &R) -> Result<A, Error>;
            $(let _: Call<method::$module::Request, method::$module::Response> = Client::$module;)*
            [$($number),*].len()
        }};
    }
    assert_eq!(sks_wire::for_each_method!(count_calls), MethodId::ALL.len());
}
