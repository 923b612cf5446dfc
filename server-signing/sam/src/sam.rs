//! The module, put together.

use std::sync::Arc;

use tw4s_formats::{Error, ErrorResponse, Format, Octets, PeerBody, PeerMessage, Response, Text, Time};

use crate::audit::timestamp;
use crate::call::{self, Answered};
use crate::config::Config;
use crate::failure::Failure;
use crate::integrity::Integrity;
use crate::ports::{Clock, Firmware, Rng, Store};
use crate::record::{KeyId, Object, ObjectKind, User, UserId};
use crate::refusal::Refusal;
use crate::work::{self, Recorded};

/// What the module stands on.
#[derive(Clone)]
pub struct Ports {
    /// The firmware half.
    pub firmware: Arc<dyn Firmware>,
    /// The database.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
}

/// The signature activation module. One for a database; any number of requests may be under way at the same time.
pub struct Sam {
    pub(crate) config: Config,
    pub(crate) ports: Ports,
    pub(crate) integrity: Integrity,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// A peering message.
    pub answer: Vec<u8>,
    /// Lines for the regular log: why a request was refused. They hold no secret.
    pub log: Vec<String>,
}

impl Sam {
    /// Answers one peering message: a request, or a ping. Whatever is recorded of it is durable by then. Dropped before
    /// it is done, it ends as a crash would end it: what was consumed stays consumed.
    pub async fn handle(&self, bytes: &[u8]) -> Handled {
        let _under_way = UnderWay::begin(&*self.ports.store);
        let message = match call::open(bytes) {
            Ok(message) => message,
            Err(refusal) => {
                let log = vec![Failure::from(refusal).line()];
                return Handled { answer: self.answer([0; 16], refused(refusal, None)), log };
            }
        };
        let id = message.id.as_bytes().try_into().unwrap_or_default();
        let PeerBody::Request(request) = &message.body else {
            return Handled { answer: self.answer(id, Ok(PeerBody::Pong)), log: Vec::new() };
        };
        let (body, log) = match call::process(self, &message, request).await {
            Ok(Recorded { result }) => (Octets::new(result).map(Response::Result).map(response), Vec::new()),
            Err(Answered { refusal, record, lines }) => (refused(refusal, record), lines),
        };
        Handled { answer: self.answer(id, body), log }
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn timestamp(&self) -> String {
        timestamp(self.ports.clock.now_ms())
    }

    /// A user as it is durable, its MAC checked.
    pub(crate) fn user(&self, id: &UserId) -> Result<Option<User>, Failure> {
        work::user(&*self.ports.store, &self.integrity, id)
    }

    /// An object as it is durable, its MAC checked.
    pub(crate) fn object(&self, key: &KeyId, kind: ObjectKind) -> Result<Option<Object>, Failure> {
        work::object(&*self.ports.store, &self.integrity, key, kind)
    }

    /// Nothing, if it cannot be written; all its fields are in bounds by their types, so that it can.
    fn answer(&self, id: [u8; 16], body: Result<PeerBody, Error>) -> Vec<u8> {
        let sent_at = Time::from_unix(self.ports.clock.now_ms() / 1000).or_else(|_| Time::from_unix(0));
        let message = body.and_then(|body| PeerMessage::new(id, sent_at?, body));
        message.and_then(|message| message.to_bytes()).unwrap_or_default()
    }
}

/// A request, as the store is told of it; it ends with this value, also when it is given up.
struct UnderWay<'s>(&'s dyn Store);

impl<'s> UnderWay<'s> {
    fn begin(store: &'s dyn Store) -> Self {
        store.request_begins();
        Self(store)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.request_ends();
    }
}

/// The answer to a refused request; the reference is the audit record's number, eight bytes, big endian.
fn refused(refusal: Refusal, record: Option<u64>) -> Result<PeerBody, Error> {
    let audit_ref = record.map(|number| Octets::new(number.to_be_bytes())).transpose()?;
    let detail = Text::new(refusal.answer())?;
    Ok(response(Response::Error(ErrorResponse { error_type: refusal.error_type(), detail, audit_ref })))
}

fn response(response: Response) -> PeerBody {
    PeerBody::Response(Box::new(response))
}
