//! Any bytes as the objects that carry a signature of ours or of a new key.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sks_fuzz::kept;
use tw4s_formats::{CertificationRequest, KeyKind, SignedPublicKey, SubjectPublicKeyInfoOwned, WrappedKey};

fuzz_target!(|bytes: &[u8]| {
    kept::<WrappedKey>(bytes);
    kept::<SignedPublicKey>(bytes);
    if let Some(request) = kept::<CertificationRequest>(bytes) {
        let _ = request.check_structure();
    }
    if let Some(key) = kept::<SubjectPublicKeyInfoOwned>(bytes) {
        let _ = KeyKind::of(&key);
    }
});
