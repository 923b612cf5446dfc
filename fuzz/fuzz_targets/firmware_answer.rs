//! A call's code, a status, then any bytes as the body of the firmware's answer (server signing).

#![no_main]

use libfuzzer_sys::fuzz_target;
use tw4s_firmware::FirmwareError;
use tw4s_firmware::protocol::{
    ADMIT, Admission, Empty, FORGET, GENERATE, GenerateAnswer, OK, SIGN, STATUS, Signatures, StatusAnswer,
    VERIFY_CHECKPOINT, VERIFY_WRAPPED_KEY, Value, Verdict, error_of, status_of,
};
use tw4s_formats::Format;

fuzz_target!(|bytes: &[u8]| {
    let [code, status, body @ ..] = bytes else { return };
    if *status != OK {
        if let Some(error) = error_of(*status, body) {
            assert_eq!(status_of(&error), *status);
            assert!(matches!(error, FirmwareError::NotOperational(_)) || error_of(*status, &[]) == Some(error));
        }
        return;
    }
    match *code {
        STATUS => kept::<StatusAnswer>(body),
        GENERATE => kept::<GenerateAnswer>(body),
        ADMIT => kept::<Admission>(body),
        FORGET => kept::<Empty>(body),
        SIGN => kept::<Signatures>(body),
        VERIFY_CHECKPOINT | VERIFY_WRAPPED_KEY => kept::<Verdict>(body),
        _ => kept::<Value>(body),
    }
});

fn kept<T: Format>(body: &[u8]) {
    match T::parse(body) {
        Ok(value) => assert_eq!(value.to_bytes().expect("what was read can be written"), body),
        Err(error) => assert!(error.at <= body.len()),
    }
}
