//! What can be set.

use tw4s_formats::OidArc;
use tw4s_formats::limit::{MAX_HASHES, MAX_PAGE};

use crate::record::KeyAlgorithm;

/// The module's settings; the defaults are the guide's rulings (1.11).
#[derive(Clone, Debug)]
pub struct Config {
    /// The module's name; it stands in every audit record.
    pub sam_id: String,
    /// Milliseconds by which a clock may differ from ours.
    pub skew_ms: u64,
    /// Milliseconds that a token inside a SAD may still be valid for, skew apart. It bounds how long consumed hashes
    /// are kept.
    pub sad_lifetime_ms: u64,
    /// Milliseconds after its sentAt in which a signed message is accepted, skew apart.
    pub message_lifetime_ms: u64,
    /// Hashes in one SAD.
    pub multisign: usize,
    /// Bits of the smallest RSA key.
    pub rsa_min: u32,
    /// Bits of the largest RSA key.
    pub rsa_max: u32,
    /// Curves on which keys are made.
    pub curves: Vec<KeyAlgorithm>,
    /// Users on one page of List_Signers.
    pub page: usize,
    /// Where our object identifiers are.
    pub arc: OidArc,
    /// Audit records between two checkpoints, see [`Sam::tidy`](crate::Sam::tidy).
    pub checkpoint_every: u64,
    /// Milliseconds for which consumed hashes are kept beyond their token: a clock that is set back by less opens no
    /// replay.
    pub keep_consumed_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sam_id: "sam".into(),
            skew_ms: 60_000,
            sad_lifetime_ms: 300_000,
            message_lifetime_ms: 300_000,
            multisign: MAX_HASHES,
            rsa_min: 2048,
            rsa_max: 4096,
            curves: vec![KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::P521],
            page: MAX_PAGE,
            arc: OidArc::default(),
            checkpoint_every: 1000,
            keep_consumed_ms: 24 * 60 * 60 * 1000,
        }
    }
}
