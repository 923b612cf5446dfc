//! Any bytes as a call.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sks_wire::Request;

fuzz_target!(|bytes: &[u8]| match Request::parse(bytes) {
    Ok(request) => {
        assert_eq!(&*request.encode(), bytes);
        match request.check() {
            Ok(()) => assert_eq!(Request::decode(bytes), Ok(request)),
            Err(error) => assert!(error.at < bytes.len()),
        }
    }
    Err(error) => assert!(error.at <= bytes.len()),
});
