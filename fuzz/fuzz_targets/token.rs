//! Any bytes as a token, and its extensions read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sks_fuzz::kept;
use tw4s_formats::{OidArc, SignedIdentityToken};

fuzz_target!(|bytes: &[u8]| {
    if let Some(token) = kept::<SignedIdentityToken>(bytes) {
        let _ = token.data.claims(&OidArc::default());
        let _ = token.data.roles("RemoteSignature").count();
    }
});
