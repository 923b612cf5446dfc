//! Whether a store of very many keys is slower, to sign with or to start on.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sks_core::crypto::engine;
use sks_core::ports::Crypto;
use sks_store::fill::{Template, fill};
use sks_store::{KeySource, OpenOptions, SealedStore};
use sks_wire::Secret;
use sks_wire::types::KeyHandle;

use super::case::signer;
use super::floor::{P256, System};
use super::sample::Samples;
use super::{Plan, load, note};
use crate::exit::Failure;
use crate::temporary::Token;

/// Keys of the small store.
const FEW: u32 = 10;
/// Random keys that are signed with: more than the token keeps ready.
const RANDOM: usize = 4096;
/// Keys of each session of the synthetic stores.
const PER_SESSION: u32 = 100;

/// A token on a synthetic store.
struct Filled {
    token: Token,
    keys: Vec<KeyHandle>,
    ready: Duration,
}

impl Filled {
    fn start(keys: u32) -> Result<Self, Failure> {
        let mut token = Token::prepare()?;
        // The daemon makes the store, with its identity; then it is filled behind the daemon's back.
        token.restart()?;
        token.halt()?;
        let handles = write(&token.store(), keys)?;
        let began = Instant::now();
        token.restart()?;
        let ready = began.elapsed();
        Ok(Self { token, keys: handles, ready })
    }

    /// Memory of the daemon in MiB, as the system counts it.
    fn resident(&self) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.token.process())).map_err(Failure::other)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).ok_or_else(|| Failure::text("the daemon's memory cannot be read"))
    }
}

fn write(store: &Path, keys: u32) -> Result<Vec<KeyHandle>, Failure> {
    let made = engine().generate(P256, &[0; 32], &System).map_err(Failure::other)?;
    let subject = sks_issuer::ca::Subject::common_name("SKS benchmark").map_err(Failure::other)?;
    let ca = sks_issuer::ca::Ca::create(&subject, 1).map_err(Failure::other)?;
    let leaf = sks_issuer::ca::Leaf::new(subject, sks_wire::types::KeyUsage::Universal);
    let template = Template {
        spec: made.spec(),
        private_key: made.pkcs8().map_err(Failure::other)?,
        public_key: made.public_key().to_vec(),
        certificate: ca.issue(made.public_key(), &leaf).map_err(Failure::other)?,
        pin: Some(Secret::from(b"1563".as_slice())),
    };
    let source = KeySource::File(SealedStore::default_key_file(store));
    let sealed = SealedStore::open(store, OpenOptions::new(source)).map_err(Failure::other)?;
    let handles = fill(&sealed, &template, keys, PER_SESSION).map_err(Failure::other)?;
    Ok(handles.into_iter().map(KeyHandle).collect())
}

/// Compares a token of `many` keys with one of ten: signatures with one key, turn by turn; readiness; memory.
pub(crate) fn compare(many: u32, plan: Plan) -> Result<(), Failure> {
    note(&format!("filling stores of {FEW} and {many} keys"))?;
    let (few, large) = (Filled::start(FEW)?, Filled::start(many)?);
    let one = |filled: &Filled| filled.keys.get(filled.keys.len() / 2).copied().into_iter().collect::<Vec<_>>();
    let random = shuffled(&large.keys);
    let [mut with_few, mut with_many, mut with_random] = [(); 3].map(|()| Samples::default());
    for _ in 0..plan.rounds {
        for (filled, keys, samples) in [
            (&few, one(&few), &mut with_few),
            (&large, one(&large), &mut with_many),
            (&large, random.clone(), &mut with_random),
        ] {
            samples.join(load::run(vec![signer(filled.token.connect()?, P256, keys)?], plan.slice)?);
        }
    }
    let [p50_few, p50_many, p50_random] = [&mut with_few, &mut with_many, &mut with_random].map(|s| s.quantile(0.5));
    note(&format!("signature P-256, one of {FEW} keys:        p50 {p50_few:.1} us"))?;
    note(&format!("signature P-256, one of {many} keys:    p50 {p50_many:.1} us"))?;
    note(&format!("signature P-256, random keys of {many}: p50 {p50_random:.1} us"))?;
    note(&format!("one of {many} / one of {FEW}: {:.2} (at most 1.2)", p50_many / p50_few))?;
    note(&format!("ready with {many} keys: {:.2} s (under 1 s)", large.ready.as_secs_f64()))?;
    note(&format!("memory with {many} keys: {:.0} MiB (under 200 MiB)", large.resident()?))?;
    few.token.stop()?;
    large.token.stop()
}

/// Some of the keys, in an order that is far from that of the store: a stride that is prime to any such count.
fn shuffled(keys: &[KeyHandle]) -> Vec<KeyHandle> {
    let count = keys.len().max(1);
    (0..RANDOM).filter_map(|n| keys.get(n.wrapping_mul(7_919_003) % count)).copied().collect()
}
