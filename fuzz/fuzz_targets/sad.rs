//! Any bytes as a SAD, with everything in it read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sks_fuzz::kept;
use tw4s_formats::{KeyKind, OidArc, Sad};

fuzz_target!(|bytes: &[u8]| {
    if let Some(sad) = kept::<Sad>(bytes) {
        let _ = sad.tbs.algorithm();
        let claims = sad.tbs.identity_token.data.claims(&OidArc::default());
        let _ = claims.map(|claims| claims.sad_key.map(|key| KeyKind::of(&key)));
    }
});
