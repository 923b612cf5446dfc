//! A call's code, a status, then any bytes as the body of the firmware's answer (server signing).

#![no_main]

use libfuzzer_sys::fuzz_target;
use sks_fuzz::kept;
use tw4s_firmware::FirmwareError;
use tw4s_firmware::protocol::{
    ADMIT, Admission, Empty, FORGET, FORGOTTEN, ForgottenAnchors, GENERATE, GenerateAnswer, OK, SIGN, STATUS,
    Signatures, StatusAnswer, VERIFY_CHECKPOINT, VERIFY_WRAPPED_KEY, Value, Verdict, error_of, status_of,
};

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
        STATUS => drop(kept::<StatusAnswer>(body)),
        GENERATE => drop(kept::<GenerateAnswer>(body)),
        ADMIT => drop(kept::<Admission>(body)),
        FORGOTTEN => drop(kept::<ForgottenAnchors>(body)),
        FORGET => drop(kept::<Empty>(body)),
        SIGN => drop(kept::<Signatures>(body)),
        VERIFY_CHECKPOINT | VERIFY_WRAPPED_KEY => drop(kept::<Verdict>(body)),
        _ => drop(kept::<Value>(body)),
    }
});
