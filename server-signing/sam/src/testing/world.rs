//! All of it put together: a module with a privileged user, a technical one and two signers, one of whom has a key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tw4s_formats::operation::{
    Certificates, CreateNewSigner, GenerateSignerKeyPair, GenerateSignerKeyPairResult, KeySpecification, Operation,
    Signing, Void,
};
use tw4s_formats::{
    Credential, Digest, ErrorType, Format, HashAlgorithm, List, ObjectIdentifier, Octets, OidArc, PeerBody,
    PeerMessage, Request, Response, Role, Sad, Text, Time,
};

use super::{Idp, MemStore, Person, SeededRng, SetClock, SoftFirmware, TokenSpec};
use crate::audit::Entry;
use crate::record::{KeyId, UserId};
use crate::{Config, Handled, Ports, Sam};

/// When the fixtures begin, milliseconds since 1970: 2026-11-20T17:01:31Z.
pub const NOW: u64 = 1_795_194_091_000;

/// The UUID of a small number.
#[must_use]
pub fn uuid(number: u8) -> UserId {
    UserId::from_bytes([0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, number])
}

/// An answer, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The result's bytes.
    Result(Vec<u8>),
    /// A refusal, and the number of its audit record.
    Error(ErrorType, String, Option<u64>),
}

impl Outcome {
    /// Reads an answer.
    #[must_use]
    pub fn of(handled: &Handled) -> Self {
        match PeerMessage::parse(&handled.answer).unwrap().body {
            PeerBody::Response(response) => match *response {
                Response::Result(result) => Self::Result(result.into_bytes()),
                Response::Error(error) => {
                    let number = error.audit_ref.map(|it| u64::from_be_bytes(it.as_bytes().try_into().unwrap()));
                    Self::Error(error.error_type, error.detail.as_str().into(), number)
                }
            },
            other => panic_on(&format!("{other:?}")),
        }
    }

    /// The result of a success.
    #[must_use]
    pub fn result<T: Format>(&self) -> T {
        match self {
            Self::Result(bytes) => T::parse(bytes).unwrap(),
            Self::Error(..) => panic_on(&format!("{self:?}")),
        }
    }

    /// The error's type, of a refusal.
    #[must_use]
    pub fn error(&self) -> Option<ErrorType> {
        match self {
            Self::Result(_) => None,
            Self::Error(error, ..) => Some(*error),
        }
    }

    /// The text of a refusal.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Result(_) => "",
            Self::Error(_, detail, _) => detail,
        }
    }
}

/// The module and all around it.
pub struct World {
    /// The module.
    pub sam: Arc<Sam>,
    /// Its database.
    pub store: Arc<MemStore>,
    /// Its firmware half.
    pub firmware: Arc<SoftFirmware>,
    /// Its clock.
    pub clock: Arc<SetClock>,
    /// Its randomness.
    pub rng: Arc<SeededRng>,
    /// The identity provider, imported and registered for everybody.
    pub idp: Idp,
    /// Imported, and registered for nobody.
    pub other_idp: Idp,
    /// The technical user's key and certificate.
    pub machine: Idp,
    /// A privileged user.
    pub officer: UserId,
    /// A technical privileged user.
    pub technician: UserId,
    /// A signer with a key.
    pub signer: UserId,
    /// A signer without one.
    pub other_signer: UserId,
    /// The signer's key.
    pub key: KeyId,
    /// The signer herself.
    pub person: Person,
    ports: Ports,
    config: Config,
    next_id: AtomicU64,
}

impl Default for World {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl World {
    /// Builds it by the operations themselves.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let store = Arc::new(MemStore::new());
        let firmware = Arc::new(SoftFirmware::new("master"));
        let clock = Arc::new(SetClock::at(NOW));
        let (idp, other_idp, machine) = (Idp::new("idp"), Idp::new("other idp"), Idp::new("machine"));
        firmware.import(&idp.certificate);
        firmware.import(&other_idp.certificate);
        let rng = Arc::new(SeededRng::new(1));
        let ports = Ports { firmware: firmware.clone(), store: store.clone(), clock: clock.clone(), rng: rng.clone() };
        let sam = Arc::new(Sam::start(ports.clone(), config.clone()).unwrap());
        let administrators = ["anna".to_owned(), "bert".to_owned()];
        let enrol = |role, user, certificate: &Vec<u8>| {
            sam.enrol(role, user, std::slice::from_ref(certificate), &administrators).unwrap();
        };
        enrol(Role::PrivilegedUser, uuid(1), &idp.certificate);
        enrol(Role::PrivilegedUserTechnical, uuid(2), &machine.certificate);
        let mut world = Self {
            sam,
            store,
            firmware,
            clock,
            rng,
            idp,
            other_idp,
            machine,
            officer: uuid(1),
            technician: uuid(2),
            signer: uuid(3),
            other_signer: uuid(4),
            key: KeyId::from_bytes([0; 16]),
            person: Person::new("signer"),
            ports,
            config,
            next_id: AtomicU64::new(1),
        };
        for signer in [world.signer, world.other_signer] {
            let create = CreateNewSigner { userid: world.text(signer), certificates: world.certificates() };
            let Void {} = world.ask(&create, world.officer).result();
        }
        world.key = world.new_key(world.signer);
        world
    }

    /// Another module on the same database, as after a crash.
    pub fn restart(&mut self) {
        self.sam = Arc::new(Sam::start(self.ports.clone(), self.config.clone()).unwrap());
    }

    /// The ports, to start a module with.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports.clone()
    }

    /// An id as a message has it.
    #[must_use]
    pub fn text(&self, id: impl ToString) -> Text {
        Text::new(id.to_string()).unwrap()
    }

    /// The identity provider's certificate, as a message has it.
    #[must_use]
    pub fn certificates(&self) -> Certificates {
        self.certificates_of(&[&self.idp])
    }

    /// These certificates, as a message has them.
    #[must_use]
    pub fn certificates_of(&self, idps: &[&Idp]) -> Certificates {
        List::new(idps.iter().map(|idp| Octets::new(idp.certificate.clone()).unwrap()).collect()).unwrap()
    }

    /// Makes a key for a signer.
    #[must_use]
    pub fn new_key(&self, signer: UserId) -> KeyId {
        let curve = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
        let message = GenerateSignerKeyPair::new(&signer.to_string(), KeySpecification::Ec { curve }).unwrap();
        let result = self.ask(&message, self.officer).result::<GenerateSignerKeyPairResult>();
        result.keyid.as_str().parse().unwrap()
    }

    /// A token as credential.
    #[must_use]
    pub fn credential(&self, spec: &TokenSpec) -> Credential {
        Credential::identity_token(&self.idp.token(spec, None), &OidArc::default()).unwrap()
    }

    /// The bytes of a request.
    #[must_use]
    pub fn request(&self, message_type: &str, message: &[u8], credential: Credential) -> Vec<u8> {
        let (message_type, message) = (Text::new(message_type).unwrap(), Octets::new(message).unwrap());
        let request = Request { message_type, message, credential };
        self.message(PeerBody::Request(Box::new(request))).to_bytes().unwrap()
    }

    /// A peering message with an id of its own, sent now.
    #[must_use]
    pub fn message(&self, body: PeerBody) -> PeerMessage {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&self.next_id.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        let now = crate::ports::Clock::now_ms(&*self.clock) / 1000;
        PeerMessage::new(id, Time::from_unix(now).unwrap(), body).unwrap()
    }

    /// The bytes of a request that the technical user signs, sent at a second.
    #[must_use]
    pub fn signed_request<O: Operation>(&self, message: &O, sent: u64) -> Vec<u8> {
        let (kind, body) = (Text::new(O::TYPE.name()).unwrap(), Octets::new(message.to_bytes().unwrap()).unwrap());
        let unsigned = self.credential(&TokenSpec::of("nobody"));
        let mut request = Request { message_type: kind, message: body, credential: unsigned };
        let mut message = self.message(PeerBody::Ping);
        message.sent_at = Time::from_unix(sent).unwrap();
        let signature = self.machine.message_signature(&message, &request);
        request.credential = Credential::message_signature(&signature, &OidArc::default()).unwrap();
        message.body = PeerBody::Request(Box::new(request));
        message.to_bytes().unwrap()
    }

    /// Has the module answer.
    #[must_use]
    pub fn handle(&self, bytes: &[u8]) -> Handled {
        pollster::block_on(self.sam.handle(bytes))
    }

    /// Sends bytes.
    #[must_use]
    pub fn send(&self, bytes: &[u8]) -> Outcome {
        Outcome::of(&self.handle(bytes))
    }

    /// Asks, with a token of a user.
    #[must_use]
    pub fn ask<O: Operation>(&self, message: &O, user: UserId) -> Outcome {
        self.ask_with(message, &TokenSpec::of(user))
    }

    /// Asks, with a token.
    #[must_use]
    pub fn ask_with<O: Operation>(&self, message: &O, token: &TokenSpec) -> Outcome {
        self.send(&self.request(O::TYPE.name(), &message.to_bytes().unwrap(), self.credential(token)))
    }

    /// The signer's SAD over hashes.
    #[must_use]
    pub fn sad(&self, hashes: &[Vec<u8>]) -> Sad {
        self.sad_with(&TokenSpec::of(self.signer), hashes)
    }

    /// The signer's SAD with a token.
    #[must_use]
    pub fn sad_with(&self, token: &TokenSpec, hashes: &[Vec<u8>]) -> Sad {
        let token = self.idp.token(token, Some(&self.person));
        self.person.sad(token, &self.key.to_string(), HashAlgorithm::Digest(Digest::Sha256), hashes)
    }

    /// Asks the module to sign, as the signer.
    #[must_use]
    pub fn sign(&self, sad: &Sad) -> Outcome {
        let mut credential = TokenSpec::of(self.signer);
        // The credential is good at any time; it is the SAD's token that a test is about.
        credential.not_before = 0;
        credential.not_after = 253_402_300_799;
        self.ask_with(&Signing::new(sad).unwrap(), &credential)
    }

    /// The audit log's entries.
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.store.tables().audit.iter().map(|row| row.entry().unwrap()).collect()
    }

    /// The newest entry.
    #[must_use]
    pub fn last_entry(&self) -> Entry {
        self.log().pop().unwrap()
    }
}

fn panic_on(what: &str) -> ! {
    #[allow(clippy::panic, reason = "a fixture may fail by panicking")]
    {
        panic!("unexpected answer: {what}")
    }
}
