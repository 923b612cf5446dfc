//! A provisioning session, from the issuer's side.
//!
//! Source: SKS API V0.35, "Sample Session" and the provisioning methods. A session goes: create, policies, key pairs,
//! certificates and what is bound to them, post provisioning, close. Every answer that the text lets an issuer verify
//! is verified here; the MAC counter and the use of SessionKeyLimit are kept in the [`SessionRecord`].
//!
//! What would be in the way of a test is reachable too: [`Session::transport`] sends anything, and the record's key and
//! [`Session::set_counter`] make the MACs of any counter.

use std::time::{SystemTime, UNIX_EPOCH};

use sks_wire::algorithm::Algorithm;
use sks_wire::codec::Message;
use sks_wire::method::{
    Method, abort_provisioning_session, close_provisioning_session, create_provisioning_session,
    create_volatile_session, get_device_info, get_provisioning_session, sign_provisioning_session_data,
};
use sks_wire::types::{Id, ProvisioningHandle};
use sks_wire::{MethodId, label};

use crate::crypto::{EphemeralKey, matches};
use crate::device::{Accepted, Trust};
use crate::error::Error;
use crate::random;
use crate::transport::Transport;

use finish::Waiting;

mod finish;
mod key;
mod opened;
mod policy;
mod provision;
mod record;

pub use finish::Finishing;
pub use key::{CertifiedKey, KeyOptions, KeyPair, Protection};
pub use opened::Opened;
pub use policy::{PinPolicy, PinPolicyOptions, PukPolicy, PukPolicyOptions};
pub use provision::Extension;
pub use record::{RecordError, SessionRecord};

/// What an issuer decides about a session.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The issuer's URI, 1 to 1024 bytes.
    pub issuer_uri: String,
    /// Which devices are accepted.
    pub trust: Trust,
    /// Whether the session's keys may be updated or deleted by a later session.
    pub updatable: bool,
    /// For how many seconds the session may stay open; not 0.
    pub life_time: u32,
    /// SessionKeyLimit: how often the session key may be used. Closing takes 2.
    pub key_limit: u16,
    /// Whether the token keeps the session in memory until its close: for an issuer that is near, and would rather start
    /// again than have the token wait for its disk at each call. It is neither found ([`Session::resume`]) nor listed.
    pub volatile: bool,
    /// ServerSessionID; a fresh one unless given.
    pub server_session_id: Option<Id>,
    /// ClientTime, attested and never compared; the present time unless given.
    pub client_time: Option<SystemTime>,
}

impl SessionOptions {
    /// Neither updatable nor volatile, open for an hour, 1000 uses of the session key.
    #[must_use]
    pub fn new(issuer_uri: &str, trust: Trust) -> Self {
        Self {
            issuer_uri: issuer_uri.to_owned(),
            trust,
            updatable: false,
            life_time: 3600,
            key_limit: 1000,
            volatile: false,
            server_session_id: None,
            client_time: None,
        }
    }
}

/// An open session on a token.
#[derive(Debug)]
pub struct Session<T> {
    transport: T,
    handle: ProvisioningHandle,
    record: SessionRecord,
    /// Calls that wait for the close, when this is [`Finishing`].
    waiting: Option<Vec<Waiting>>,
}

/// The result of a step over the transport `T`.
type Step<T, R> = Result<R, Error<<T as Transport>::Error>>;

impl<T: Transport> Session<T> {
    /// Asks the token who it is, decides whether to accept it, and opens a session.
    ///
    /// # Errors
    /// [`Error::Device`] and [`Error::SessionAttestation`] among others; no session is left on the token then.
    pub fn create(mut transport: T, options: &SessionOptions) -> Step<T, Self> {
        let device = transport.call(&get_device_info::Request {})?;
        Self::create_on(transport, options, &device)
    }

    /// As [`Session::create`], for a device whose getDeviceInfo is known.
    ///
    /// # Errors
    /// As there.
    pub fn create_on(transport: T, options: &SessionOptions, device: &get_device_info::Response) -> Step<T, Self> {
        Self::create_with(transport, options, device, &EphemeralKey::generate()?)
    }

    /// As [`Session::create_on`], with the server's ephemeral key given, which is to be used this once.
    ///
    /// # Errors
    /// As there.
    pub fn create_with(
        transport: T,
        options: &SessionOptions,
        device: &get_device_info::Response,
        ephemeral: &EphemeralKey,
    ) -> Step<T, Self> {
        let accepted = options.trust.accept_device(device, SystemTime::now())?;
        Self::open(transport, options, &accepted, ephemeral, || {})?.verified()
    }

    /// As [`Session::create_with`], for a device that was accepted before, whatever `options.trust` says; and without
    /// the check of SessionAttestation, which the next step makes. Does `meanwhile` while the token opens the session.
    ///
    /// # Errors
    /// Those of the call.
    pub fn open<'a>(
        mut transport: T,
        options: &SessionOptions,
        device: &'a Accepted,
        ephemeral: &'a EphemeralKey,
        meanwhile: impl FnOnce(),
    ) -> Step<T, Opened<'a, T>> {
        let request = creation(options, ephemeral)?;
        request.check().map_err(Error::Argument)?;
        let answer = match options.volatile {
            true => transport.call_while(&create_volatile_session::Request(request.clone()), meanwhile)?.0,
            false => transport.call_while(&request, meanwhile)?,
        };
        Ok(Opened { transport, request, answer, device, ephemeral })
    }

    /// Goes on with an open session that was kept as a record.
    ///
    /// # Errors
    /// [`Error::Refused`] with `ERROR_NO_SESSION` when the token has no such open session any more.
    pub fn resume(mut transport: T, record: SessionRecord) -> Step<T, Self> {
        let found = transport.call(&get_provisioning_session::Request {
            server_session_id: record.server_session_id.clone(),
            client_session_id: record.client_session_id.clone(),
            issuer_uri: record.issuer_uri.clone().into_bytes(),
        })?;
        Ok(Self { transport, handle: found.provisioning_handle, record, waiting: None })
    }

    /// The same session over another transport, for instance after a connection was lost.
    pub fn with_transport<U: Transport>(self, transport: U) -> Session<U> {
        Session { transport, handle: self.handle, record: self.record, waiting: self.waiting }
    }

    /// ProvisioningHandle.
    pub fn handle(&self) -> ProvisioningHandle {
        self.handle
    }

    /// What the issuer keeps of the session: its names, its key, its counters.
    pub fn record(&self) -> &SessionRecord {
        &self.record
    }

    /// The transport, for calls beside the session's own steps.
    pub fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Sets MACSequenceCounter: after calls made around this session, or to make a wrong MAC on purpose.
    pub fn set_counter(&mut self, counter: u16) {
        self.record.counter = counter;
    }

    /// Calls signProvisioningSessionData and verifies the signature, which is returned.
    ///
    /// # Errors
    /// [`Error::ExternalSignature`] when it is not made with this session's key.
    pub fn sign_data(&mut self, data: &[u8]) -> Step<T, [u8; 32]> {
        let request = sign_provisioning_session_data::Request { provisioning_handle: self.handle, data: data.to_vec() };
        let result = self.spend(1, &request)?.result;
        let good = matches(&self.record.key.external_signature(data), &result);
        if good { Ok(result) } else { Err(Error::ExternalSignature) }
    }

    /// Closes the session and verifies the token's proof. Only now may an issuer take what it issued for valid.
    ///
    /// # Errors
    /// [`Error::AttestedResponse`] when the proof is wrong; nothing that the session issued is to be relied on then.
    pub fn close(mut self) -> Step<T, SessionRecord> {
        let request = self.close_request();
        let answer = self.spend_maced(2, &request)?;
        self.closed(&answer)
    }

    fn close_request(&self) -> close_provisioning_session::Request {
        let record = &self.record;
        let data = close_provisioning_session::mac_data(
            &record.client_session_id,
            &record.server_session_id,
            &record.issuer_uri,
        );
        let mac = record.key.mac(MethodId::CloseProvisioningSession, record.counter, &data);
        close_provisioning_session::Request { provisioning_handle: self.handle, mac }
    }

    /// Verifies the proof of a close. The MAC of the call itself has raised the counter.
    fn closed(mut self, answer: &close_provisioning_session::Response) -> Step<T, SessionRecord> {
        let proof = self.record.key.attestation(&[label::SUCCESS, &self.record.counter.to_be_bytes()]);
        if !matches(&proof, &answer.attested_response) {
            return Err(Error::AttestedResponse);
        }
        self.record.open = false;
        Ok(self.record)
    }

    /// Gives the session up: the token removes all that was created in it.
    ///
    /// # Errors
    /// Those of the call.
    pub fn abort(mut self) -> Step<T, ()> {
        let request = abort_provisioning_session::Request { provisioning_handle: self.handle };
        self.transport.call(&request)?;
        Ok(())
    }

    /// Interrupts the session: [`Session::resume`] goes on with the record.
    pub fn suspend(self) -> SessionRecord {
        self.record
    }

    /// Calls a method that uses the session key `uses` times.
    fn spend<M: Method>(&mut self, uses: u16, request: &M) -> Step<T, M::Response> {
        let rest = self.left_after(uses, request)?;
        let answer = self.transport.call(request)?;
        self.record.left = rest;
        Ok(answer)
    }

    /// Calls a method that carries a method MAC, which raises the counter.
    fn spend_maced<M: Method>(&mut self, uses: u16, request: &M) -> Step<T, M::Response> {
        let answer = self.spend(uses, request)?;
        self.raise_counter();
        Ok(answer)
    }

    /// As [`Session::spend_maced`], for a method whose answer tells nothing but success: it may wait for the close.
    fn tell<M: Method>(&mut self, uses: u16, request: &M) -> Step<T, ()> {
        if self.waiting.is_none() {
            return self.spend_maced(uses, request).map(|_| ());
        }
        self.record.left = self.left_after(uses, request)?;
        self.raise_counter();
        self.waiting.get_or_insert_default().push(Waiting::new(request));
        Ok(())
    }

    /// What a call leaves of SessionKeyLimit.
    fn left_after<M: Method>(&self, uses: u16, request: &M) -> Step<T, u16> {
        request.check().map_err(Error::Argument)?;
        let left = self.record.left;
        left.checked_sub(uses).ok_or(Error::LimitReached { needed: uses, left })
    }

    /// SessionKeyLimit ends before the counter could wrap.
    fn raise_counter(&mut self) {
        self.record.counter = self.record.counter.wrapping_add(1);
    }
}

/// The call that creates a session.
fn creation<E: std::error::Error + 'static>(
    options: &SessionOptions,
    ephemeral: &EphemeralKey,
) -> Result<create_provisioning_session::Request, Error<E>> {
    let server_session_id = match &options.server_session_id {
        Some(id) => id.clone(),
        // Prefix and length are an NCName's; without a name there were no random numbers.
        None => Id::new(&random_id()?).map_err(|_| crate::crypto::CryptoError::Random)?,
    };
    let time = options.client_time.unwrap_or_else(SystemTime::now);
    let milliseconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Ok(create_provisioning_session::Request {
        session_key_algorithm: Algorithm::Sk1.uri().into(),
        server_session_id,
        server_ephemeral_key: ephemeral.public_der().to_vec(),
        issuer_uri: options.issuer_uri.as_str().into(),
        updatable: options.updatable,
        client_time: u64::try_from(milliseconds).unwrap_or(u64::MAX).to_be_bytes(),
        session_life_time: options.life_time,
        session_key_limit: options.key_limit,
    })
}

/// `S-` and 30 hexadecimal digits: 120 random bits in the 32 bytes of an id.
fn random_id() -> Result<String, crate::crypto::CryptoError> {
    let mut name = random::name("S-")?;
    name.truncate(Id::MAX);
    Ok(name)
}
