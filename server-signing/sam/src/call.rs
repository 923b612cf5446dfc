//! One request, step by step. The order of the steps is the guide's, by way of its audit rule (1.3).

use tw4s_formats::limit::MAX_REQUEST_LEN;
use tw4s_formats::operation::{Message, MessageType, Signing};
use tw4s_formats::{Format, PeerBody, PeerMessage, Request, Sad};

use crate::Sam;
use crate::audit::Entry;
use crate::credential::{Acting, Refused, authenticate};
use crate::failure::Failure;
use crate::gate;
use crate::operation::{self, Admission};
use crate::record::{User, UserId};
use crate::refusal::Refusal;
use crate::work::{Committed, Recorded, Work};

/// What a handler is lent: who acts, when, and the audit record, which it fills in as it learns what it is about.
pub(crate) struct Call<'s> {
    pub(crate) sam: &'s Sam,
    /// When the request was looked at.
    pub(crate) now: u64,
    pub(crate) acting: User,
    /// The certificate in use, if the credential is a token; not of a signing that came with an admission.
    pub(crate) certificate: Option<Vec<u8>>,
    /// What the firmware said to a signing while its credential was looked at.
    pub(crate) admission: Option<Admission<'s>>,
    pub(crate) entry: Entry,
}

/// A typed message, read: of `Signing` also its SAD.
pub(crate) enum Task {
    Sign(Signing, Box<Sad>),
    Other(Message),
}

/// Step 1: the container.
pub(crate) fn open(bytes: &[u8]) -> Result<PeerMessage, Refusal> {
    if bytes.len() > MAX_REQUEST_LEN {
        return Err(Refusal::Container);
    }
    let message = PeerMessage::parse(bytes).map_err(|_| Refusal::Container)?;
    match message.body {
        PeerBody::Request(_) | PeerBody::Ping => Ok(message),
        PeerBody::Response(_) | PeerBody::Pong => Err(Refusal::NoRequest),
    }
}

/// A refusal that has been recorded, where the audit rule asks for a record.
pub(crate) struct Answered {
    pub(crate) refusal: Refusal,
    /// The audit record's number.
    pub(crate) record: Option<u64>,
    /// For the log.
    pub(crate) lines: Vec<String>,
}

/// Steps 2 to 11.
pub(crate) async fn process(sam: &Sam, message: &PeerMessage, request: &Request) -> Result<Recorded, Answered> {
    let now = sam.ports.clock.now_ms();
    // The name of the action is the one that the message gives its type, known or not.
    let mut entry = Entry::new(request.message_type.as_str());
    // Read now, for a signing's credential may be looked at together with its SAD; what is wrong with it is told when it
    // is its turn.
    let task = read(sam, request);
    let sad = match &task {
        Ok((_, Task::Sign(signing, sad))) => Some((signing, &**sad)),
        _ => None,
    };
    let Acting { user, certificate, admission } = match authenticate(sam, message, request, sad, now).await {
        Ok(acting) => acting,
        Err(Refused { failure, acting }) => {
            entry.acting = acting.map(|id| id.to_string());
            return Err(refuse(sam, entry, failure).await);
        }
    };
    // From here on somebody acts, and everything is audited.
    entry.acting = Some(user.id.to_string());
    let mut call = Call { sam, now, acting: user, certificate, admission, entry };
    match call.perform(task).await {
        Ok(recorded) => Ok(recorded),
        Err(failure) => Err(refuse(sam, call.entry, failure).await),
    }
}

/// Steps 5 and 6: the message's type, and the message.
fn read(sam: &Sam, request: &Request) -> Result<(MessageType, Task), Refusal> {
    let kind = MessageType::from_name(request.message_type.as_str()).map_err(|_| Refusal::MessageType)?;
    let task = match Message::parse(kind, request.message.as_bytes()).map_err(|_| Refusal::Message)? {
        Message::Signing(signing) => {
            let sad = signing.sad().map_err(|_| Refusal::Sad)?;
            if sad.tbs.tbs_hash_values.len() > sam.config.multisign {
                return Err(Refusal::TooManyHashes);
            }
            Task::Sign(signing, Box::new(sad))
        }
        message => Task::Other(message),
    };
    Ok((kind, task))
}

impl Call<'_> {
    async fn perform(&mut self, task: Result<(MessageType, Task), Refusal>) -> Result<Recorded, Failure> {
        let (kind, task) = task?;
        gate::check(self.acting.role, kind)?;
        operation::dispatch(self, task).await
    }

    /// Notes the user that it is about, and says who that is.
    pub(crate) fn about(&mut self, userid: &str) -> Result<UserId, Refusal> {
        self.entry.user = Some(userid.into());
        userid.parse().map_err(|_| Refusal::UserIdForm)
    }

    /// The acting user must still be who authenticated.
    pub(crate) fn still_acting(&self, work: &Work<'_>) -> Result<(), Failure> {
        if work.is_unchanged(&self.acting)? { Ok(()) } else { Err(Refusal::ActingChanged.into()) }
    }
}

/// Writes the audit record of a refusal, durably, or the log's line. A refusal that should be recorded and cannot be is
/// not told: the answer is then that the database does not work.
async fn refuse(sam: &Sam, entry: Entry, failure: Failure) -> Answered {
    let mut lines = vec![failure.line()];
    let refusal = failure.refusal;
    if !refusal.audited() {
        return Answered { refusal, record: None, lines };
    }
    let recorded = match record(sam, entry.failed(refusal)) {
        Ok(committed) => committed.durable().await,
        Err(failure) => Err(failure),
    };
    match recorded {
        Ok(number) => Answered { refusal, record: Some(number), lines },
        Err(failure) => {
            lines.push(format!("no audit record could be written: {}", failure.line()));
            Answered { refusal: Refusal::Store, record: None, lines }
        }
    }
}

fn record(sam: &Sam, entry: Entry) -> Result<Committed<u64>, Failure> {
    let mut work = Work::begin(sam)?;
    if let Some(intent) = entry.intent {
        work.close_intent(intent)?;
    }
    let number = work.append(entry)?;
    work.commit_later(number)
}
