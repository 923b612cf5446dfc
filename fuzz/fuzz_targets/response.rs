//! A method's number, then any bytes as its answer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sks_wire::method::encode_refusal;
use sks_wire::{MethodId, Response};

fuzz_target!(|input: &[u8]| {
    let Some((number, bytes)) = input.split_first() else { return };
    let Some(id) = MethodId::from_number(*number) else { return };
    match Response::decode(id, bytes) {
        Ok(Ok(response)) => assert_eq!(&*response.encode(), bytes),
        Ok(Err(refused)) => assert_eq!(encode_refusal(&refused), bytes),
        Err(error) => assert!(error.at <= bytes.len()),
    }
});
