//! Whether a store of very many keys is slower, to sign with or to start on.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use sks_client::Client;
use sks_core::crypto::engine;
use sks_core::ports::Crypto;
use sks_store::fill::{Template, fill};
use sks_store::{KeySource, OpenOptions, SealedStore};
use sks_wire::Secret;
use sks_wire::method::sign_hashed_data;
use sks_wire::types::KeyHandle;

use super::case::signer;
use super::floor::{P256, System, signature_algorithm};
use super::load::Call;
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

/// From one key to the next, in the order in which they are used.
const STRIDE: usize = 7_919_003;
/// Clients of the load under which the daemon is killed, and how long they have.
const CLIENTS: usize = 4;
const UNDER_LOAD: Duration = Duration::from_secs(3);

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

    /// Kills the daemon while clients raise the error counters of PINs, far more of them than the redo log takes, and
    /// starts it again. Returns how long that took.
    fn kill_under_load(&mut self) -> Result<Duration, Failure> {
        let clients = (0..CLIENTS).map(|client| wrong_pins(self.token.connect()?, &self.keys, client));
        let clients = clients.collect::<Result<Vec<_>, Failure>>()?;
        thread::scope(|scope| {
            // It ends with a failure, for its token is gone.
            let load = scope.spawn(move || load::run(clients, UNDER_LOAD * 2).map(drop));
            thread::sleep(UNDER_LOAD);
            let was_busy = !load.is_finished();
            self.token.kill()?;
            let killed = load.join().map_err(|_| Failure::text("the load panicked"))?;
            match was_busy && killed.is_err() {
                true => Ok(()),
                false => Err(Failure::text("the load ended before the token was killed")),
            }
        })?;
        let began = Instant::now();
        self.token.restart()?;
        Ok(began.elapsed())
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
    let (few, mut large) = (Filled::start(FEW)?, Filled::start(many)?);
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
    let ready = large.kill_under_load()?;
    note(&format!("ready after a kill under load: {:.2} s (under 1 s)", ready.as_secs_f64()))?;
    note(&format!("memory after it: {:.0} MiB (under 200 MiB)", large.resident()?))?;
    few.token.stop()?;
    large.token.stop()
}

/// A client that gives a wrong PIN for one key after the other, over the whole store.
fn wrong_pins(mut client: Client, keys: &[KeyHandle], offset: usize) -> Result<Call<'static>, Failure> {
    let count = keys.len().max(1);
    let keys: Vec<_> =
        (0..count).filter_map(|n| keys.get(n.wrapping_mul(STRIDE).wrapping_add(offset) % count)).copied().collect();
    let mut keys = keys.into_iter().cycle();
    Ok(load::timed(move || {
        let key_handle = keys.next().ok_or_else(|| Failure::text("there is no key to sign with"))?;
        let request = sign_hashed_data::Request {
            key_handle,
            signature_algorithm: signature_algorithm(P256).uri().into(),
            pin: Secret::from(b"0000".as_slice()),
            hashed_data: vec![7; 32],
        };
        match client.sign_hashed_data(&request) {
            Err(sks_client::Error::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Err(Failure::text("a wrong PIN was right")),
        }
    }))
}

/// Some of the keys, in an order that is far from that of the store: a stride that is prime to any such count.
fn shuffled(keys: &[KeyHandle]) -> Vec<KeyHandle> {
    let count = keys.len().max(1);
    (0..RANDOM).filter_map(|n| keys.get(n.wrapping_mul(STRIDE) % count)).copied().collect()
}
