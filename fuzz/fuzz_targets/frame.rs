//! Any bytes as a stream of frames: what is read is written back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sks_wire::frame;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    let mut again = Vec::new();
    while let Ok(Some(body)) = frame::read(&mut rest, 1 << 12) {
        assert!(body.len() <= 1 << 12);
        let written = frame::write(&mut again, &body);
        assert!(written.is_ok() && bytes.starts_with(&again));
    }
});
