//! Whole Signing operations, as a signing application asks for them.

use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use tw4s_firmware::KeySpec;
use tw4s_formats::limit::MAX_PEER_LEN;
use tw4s_formats::operation::{CreateNewSigner, GenerateSignerKeyPair, KeySpecification, Operation, Signing};
use tw4s_formats::{Digest, HashAlgorithm, LevelOfAssurance, List, ObjectIdentifier, Octets, Text};

use super::load::{self, Processes};
use super::sample::Samples;
use crate::exit::Failure;
use crate::listen::{Frame, read_frame, write_frame};
use crate::parties::{self, Authority, Key, random, uuid};
use crate::peer::Peer;
use crate::temporary::Subsystem;

/// What signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Kind {
    /// ECDSA.
    #[value(name = "P-256")]
    P256,
    /// PKCS#1.
    #[value(name = "RSA-2048")]
    Rsa2048,
}

impl Kind {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::P256, Self::Rsa2048];

    /// For the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::Rsa2048 => "RSA-2048",
        }
    }

    /// For the firmware.
    pub(super) fn spec(self) -> KeySpec {
        match self {
            Self::P256 => KeySpec::P256,
            Self::Rsa2048 => KeySpec::Rsa2048,
        }
    }

    fn specification(self) -> KeySpecification {
        match self {
            Self::P256 => KeySpecification::Ec { curve: P256 },
            Self::Rsa2048 => KeySpecification::Rsa { bits: 2048 },
        }
    }
}

/// A running subsystem with one signer, who has a key of each kind.
pub(super) struct Bench {
    subsystem: Subsystem,
    idp: Authority,
    signer: String,
    keys: Vec<(Kind, String)>,
}

impl Bench {
    /// Starts it.
    pub(super) fn prepare() -> Result<Self, Failure> {
        let idp = Authority::new("CN=Benchmark Identity Provider")?;
        let (privileged, signer) = (uuid()?, uuid()?);
        let subsystem = Subsystem::start(idp.certificate(), &privileged)?;
        let mut bench = Self { subsystem, idp, signer, keys: Vec::new() };
        let certificate = Octets::new(bench.idp.certificate()).map_err(Failure::other)?;
        let userid = Text::new(bench.signer.as_str()).map_err(Failure::other)?;
        let certificates = List::new(vec![certificate]).map_err(Failure::other)?;
        bench.ask(&CreateNewSigner { userid, certificates }, &privileged)?;
        for kind in Kind::ALL {
            let order = GenerateSignerKeyPair::new(&bench.signer, kind.specification()).map_err(Failure::other)?;
            let made = bench.ask(&order, &bench.signer)?;
            bench.keys.push((kind, made.keyid.to_string()));
        }
        Ok(bench)
    }

    /// A folder on the database's file system.
    pub(super) fn folder(&self) -> &Path {
        self.subsystem.folder()
    }

    /// Checks what is left behind, and ends it.
    pub(super) fn stop(self) -> Result<(), Failure> {
        self.subsystem.run(&["manageSAM", "integrity", "data"])?;
        self.subsystem.stop()
    }

    /// `count` operations, by `clients` at once.
    pub(super) fn slice(&self, kind: Kind, batch: usize, clients: usize, count: usize) -> Result<Samples, Failure> {
        let mut requests = (0..count.max(2 * clients)).map(|_| self.request(kind, batch)).collect::<Result<_, _>>()?;
        let mut clients = (0..clients).map(|_| self.client()).collect::<Result<Vec<_>, _>>()?;
        let [firmware, service] = self.subsystem.processes()?;
        let samples = load::measure(Processes { service, firmware }, || drive(&mut clients, &mut requests))?;
        for answer in clients.iter().flat_map(|client| &client.answers) {
            let result = parties::answer::<Signing>(answer)?;
            if !result.is_ok_and(|result| result.sigbin.len() == batch) {
                return Err(Failure::text("a signing of the benchmark was refused"));
            }
        }
        Ok(samples)
    }

    fn client(&self) -> Result<Signer, Failure> {
        let stream = UnixStream::connect(self.subsystem.service().socket).map_err(Failure::other)?;
        Ok(Signer { stream: BufReader::new(stream), answers: Vec::new(), asked: None })
    }

    /// As the signer's side makes it: a token of its own for each, with a key of its own.
    fn request(&self, kind: Kind, batch: usize) -> Result<Vec<u8>, Failure> {
        let temporary = Key::generate()?;
        let token = self.idp.login(&self.signer, LevelOfAssurance::Substantial, LIFETIME)?;
        let token = self.idp.extend(&token, &temporary, LIFETIME)?;
        let hashes = (0..batch).map(|_| random::<32>().map(Vec::from)).collect::<Result<Vec<_>, _>>()?;
        let key = self.keys.iter().find(|(of, _)| *of == kind).map_or("", |(_, key)| key.as_str());
        let sad = parties::sad(&temporary, &token, key, HashAlgorithm::Digest(Digest::Sha256), &hashes)?;
        Ok(parties::request(&Signing::new(&sad).map_err(Failure::other)?, &token)?)
    }

    fn ask<O: Operation>(&self, operation: &O, user: &str) -> Result<O::Result, Failure> {
        let token = self.idp.login(user, LevelOfAssurance::Substantial, LIFETIME)?;
        let request = parties::request(operation, &token)?;
        let answer = Peer::connect(&self.subsystem.service().socket).and_then(|mut peer| peer.call(&request))?;
        let refused = |error: tw4s_formats::ErrorResponse| Failure::text(error.detail.to_string());
        parties::answer::<O>(&answer)?.map_err(refused)
    }
}

/// A client: asks for its next signing when it has the answer to the one before.
struct Signer {
    stream: BufReader<UnixStream>,
    answers: Vec<Vec<u8>>,
    /// When the request was sent whose answer is waited for.
    asked: Option<Instant>,
}

impl Signer {
    /// Sends the next of the requests, if there is one.
    fn ask(&mut self, requests: &mut Vec<Vec<u8>>) -> Result<(), Failure> {
        self.asked = match requests.pop() {
            None => None,
            Some(request) => {
                let asked = Instant::now();
                write_frame(self.stream.get_ref(), &request).map_err(Failure::doing("calling the module"))?;
                Some(asked)
            }
        };
        Ok(())
    }

    /// Takes the answer, which has begun to arrive.
    fn take(&mut self, asked: Instant, samples: &mut Samples) -> Result<(), Failure> {
        let mut answer = Vec::new();
        match read_frame(&mut self.stream, &mut answer, MAX_PEER_LEN) {
            Ok(Frame::Whole) => {}
            Ok(_) => return Err(Failure::text(ENDED)),
            Err(error) => return Err(Failure::doing("calling the module")(error)),
        }
        samples.push(asked.elapsed());
        self.answers.push(answer);
        Ok(())
    }
}

/// Keeps a request of every client under way until there are no more. All in one thread, so that the clients, who
/// share the cores with what is measured, take little of them.
fn drive(clients: &mut [Signer], requests: &mut Vec<Vec<u8>>) -> Result<Samples, Failure> {
    let ready = epoll::create(CreateFlags::CLOEXEC).map_err(Failure::other)?;
    for (at, client) in (0..).zip(&mut *clients) {
        epoll::add(&ready, client.stream.get_ref(), EventData::new_u64(at), EventFlags::IN).map_err(Failure::other)?;
        client.ask(requests)?;
    }
    let mut samples = Samples::default();
    let mut answered = Vec::with_capacity(clients.len());
    while clients.iter().any(|client| client.asked.is_some()) {
        match epoll::wait(&ready, spare_capacity(&mut answered), None) {
            Err(Errno::INTR) => continue,
            result => result.map_err(Failure::other)?,
        };
        for event in answered.drain(..) {
            let at = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            // One that has asked for nothing more is heard of when the module ends the connection.
            let client = clients.get_mut(at).and_then(|client| client.asked.map(|asked| (client, asked)));
            let Some((client, asked)) = client else { return Err(Failure::text(ENDED)) };
            client.take(asked, &mut samples)?;
            client.ask(requests)?;
        }
    }
    Ok(samples)
}

const ENDED: &str = "the module ended a connection of the benchmark";
const LIFETIME: std::time::Duration = std::time::Duration::from_secs(300);
/// RFC 5480 2.1.1.1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
