//! Any bytes as a SAD, with everything in it read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tw4s_formats::{Format, KeyKind, OidArc, Sad};

fuzz_target!(|bytes: &[u8]| {
    if let Some(sad) = kept::<Sad>(bytes) {
        let _ = sad.tbs.algorithm();
        let claims = sad.tbs.identity_token.data.claims(&OidArc::default());
        let _ = claims.map(|claims| claims.sad_key.map(|key| KeyKind::of(&key)));
    }
});

fn kept<T: Format>(bytes: &[u8]) -> Option<T> {
    match T::parse(bytes) {
        Ok(value) => {
            assert_eq!(value.to_bytes().expect("what was read can be written"), bytes);
            Some(value)
        }
        Err(error) => {
            assert!(error.at <= bytes.len());
            None
        }
    }
}
