//! The token's engine alone, in this process: a signature without PKCS#11, socket and PIN, which no module over this
//! engine can be faster than.

use std::time::Instant;

use sks_core::crypto::engine;
use sks_core::ports::{Crypto, KeySpec, PrivateKey, Rng, RngError};
use sks_wire::algorithm::Algorithm;

use crate::{Row, SLICE};

/// Keys of the kinds that the rows sign with.
pub(crate) struct Bare {
    p256: Box<dyn PrivateKey>,
    rsa: Box<dyn PrivateKey>,
}

impl Bare {
    pub(crate) fn new() -> Self {
        let make = |spec| engine().generate(spec, &[0; 32], &System).unwrap();
        Self { p256: make(KeySpec::P256), rsa: make(KeySpec::Rsa { bits: 2048, exponent: 65537 }) }
    }

    /// Signatures a second in a slice; none for a row that is something else.
    pub(crate) fn measure(&self, row: Row) -> Option<f64> {
        let (key, algorithm) = match row {
            Row::P256 => (&self.p256, Algorithm::EcdsaSha256),
            Row::Rsa => (&self.rsa, Algorithm::RsaSha256),
            _ => return None,
        };
        let (mut calls, began) = (0_u32, Instant::now());
        while began.elapsed() < SLICE {
            key.sign(algorithm, &[7; 32], &System).unwrap();
            calls += 1;
        }
        Some(f64::from(calls) / began.elapsed().as_secs_f64())
    }
}

struct System;

impl Rng for System {
    fn fill(&self, out: &mut [u8]) -> Result<(), RngError> {
        getrandom::fill(out).map_err(|_| RngError)
    }
}
