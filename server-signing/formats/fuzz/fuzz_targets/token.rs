//! Any bytes as a token, and its extensions read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tw4s_formats::{Format, OidArc, SignedIdentityToken};

fuzz_target!(|bytes: &[u8]| {
    if let Some(token) = kept::<SignedIdentityToken>(bytes) {
        let _ = token.data.claims(&OidArc::default());
        let _ = token.data.roles("RemoteSignature").count();
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
