//! A code, then any bytes as the body of a call to the firmware (server signing).

#![no_main]

use libfuzzer_sys::fuzz_target;
use sks_fuzz::kept;
use tw4s_firmware::protocol::{
    ADMINISTER, ADMIT, ANCHOR, Administration, Admission, AdmitCall, Empty, FORGET, FORGOTTEN, FORGOTTEN_IS_RECORDED,
    ForgottenAnchors, Frame, GENERATE, GenerateCall, INTEGRITY_KEY, Import, SET_IDP_KEYS, SIGN, SIGN_CHECKPOINT,
    STATUS, VERIFY_CHECKPOINT, VERIFY_MESSAGE, VERIFY_TOKEN, VERIFY_WRAPPED_KEY, Value, VerifyCheckpointCall,
    VerifyMessageCall, VerifyTokenCall, spec_code, spec_of,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((code, body)) = bytes.split_first() else { return };
    match *code {
        STATUS | INTEGRITY_KEY => drop(kept::<Empty>(body)),
        SIGN | FORGET => drop(kept::<Admission>(body)),
        GENERATE => {
            if let Some(call) = kept::<GenerateCall>(body) {
                assert!(spec_of(call.spec).is_none_or(|spec| spec_code(spec) == call.spec));
            }
        }
        VERIFY_TOKEN => drop(kept::<VerifyTokenCall>(body)),
        VERIFY_MESSAGE => drop(kept::<VerifyMessageCall>(body)),
        ADMIT => drop(kept::<AdmitCall>(body)),
        SIGN_CHECKPOINT | VERIFY_WRAPPED_KEY | ANCHOR | FORGOTTEN => drop(kept::<Value>(body)),
        FORGOTTEN_IS_RECORDED => drop(kept::<ForgottenAnchors>(body)),
        VERIFY_CHECKPOINT => drop(kept::<VerifyCheckpointCall>(body)),
        SET_IDP_KEYS => {
            if let Ok(read) = Import::decode(body) {
                let again = Import::encode(&read.logons, &read.certificates).expect("what was read can be written");
                assert_eq!(&again[..], body);
            }
        }
        ADMINISTER => {
            if let Ok(read) = Administration::decode(body) {
                let again = Administration::encode(&read.logons, &read.changes).expect("what was read can be written");
                assert_eq!(&again[..], body);
            }
        }
        _ => {}
    }
    stream(bytes);
});

/// The same bytes as a stream of frames: what is read is written back the same.
fn stream(bytes: &[u8]) {
    let mut rest = bytes;
    let mut again = Vec::new();
    while let Ok(Some(frame)) = Frame::read(&mut rest, 1 << 12) {
        assert!(frame.body().len() < 1 << 12);
        assert!(frame.write(&mut again).is_ok() && bytes.starts_with(&again));
    }
}
