//! A session that the token has opened, and that the issuer does not believe yet.
//!
//! Agreeing on the session key and verifying SessionAttestation take about as long as a call. A call that tells nothing
//! secret and uses no session key may be under way meanwhile: whatever becomes of it, nothing is handed out before the
//! attestation is verified, and if it is wrong the session is aborted with all that is in it.

use sks_wire::Secret;
use sks_wire::method::{Method, abort_provisioning_session, create_provisioning_session};
use sks_wire::types::{ProvisioningHandle, PukPolicyHandle};

use super::{KeyOptions, KeyPair, PinPolicy, PinPolicyOptions, Protection, Session, SessionRecord, Step};
use crate::crypto::{EphemeralKey, SessionKey};
use crate::device::Accepted;
use crate::error::Error;
use crate::transport::Transport;

/// A session that is not verified; see [`Session::open`]. Whoever drops it leaves it to its life time.
#[derive(Debug)]
#[must_use]
pub struct Opened<'a, T> {
    pub(super) transport: T,
    pub(super) request: create_provisioning_session::Request,
    pub(super) answer: create_provisioning_session::Response,
    pub(super) device: &'a Accepted,
    pub(super) ephemeral: &'a EphemeralKey,
}

impl<T: Transport> Opened<'_, T> {
    /// Verifies SessionAttestation.
    ///
    /// # Errors
    /// [`Error::SessionAttestation`] and [`Error::Crypto`]; no session is left on the token then.
    pub fn verified(self) -> Step<T, Session<T>> {
        let key = self.agree();
        self.believed(key)
    }

    /// Creates a PIN policy without a PUK, and verifies SessionAttestation at the same time.
    ///
    /// # Errors
    /// Those of [`Opened::verified`] and of the call. No session is left on the token after any.
    pub fn create_pin_policy(self, options: &PinPolicyOptions) -> Step<T, (Session<T>, PinPolicy)> {
        let request = options.request(self.answer.provisioning_handle, PukPolicyHandle(0));
        let (session, answer) = self.verified_during(0, &request)?;
        Ok((session, PinPolicy { handle: answer.pin_policy_handle, request, puk: None }))
    }

    /// Creates a key pair without a PIN, and verifies SessionAttestation at the same time; then the key's, as
    /// [`Session::create_key_pair`] does.
    ///
    /// # Errors
    /// Those of [`Opened::verified`] and of [`Session::create_key_pair`]. No session is left on the token after any.
    pub fn create_key_pair(self, options: &KeyOptions) -> Step<T, (Session<T>, KeyPair)> {
        let request = options.request(self.answer.provisioning_handle, Protection::None, Secret::default())?;
        let (mut session, answer) = self.verified_during(options.uses(false), &request)?;
        match session.verify(&request, Protection::None, answer) {
            Ok(key) => Ok((session, key)),
            Err(error) => Err(given_up(&mut session.transport, session.handle, error)),
        }
    }

    /// Calls a method of the session that uses its key `uses` times, and verifies SessionAttestation at the same time.
    fn verified_during<M: Method>(mut self, uses: u16, request: &M) -> Step<T, (Session<T>, M::Response)> {
        let (handle, limit) = (self.answer.provisioning_handle, self.request.session_key_limit);
        let left = match (limit.checked_sub(uses), request.check()) {
            (Some(left), Ok(())) => left,
            (None, _) => {
                let error = Error::LimitReached { needed: uses, left: limit };
                return Err(given_up(&mut self.transport, handle, error));
            }
            (_, Err(error)) => return Err(given_up(&mut self.transport, handle, Error::Argument(error))),
        };
        let Self { transport, request: opening, answer, device, ephemeral } = &mut self;
        let mut agreed = None;
        let called = transport.call_while(request, || agreed = Some(agree(opening, answer, device, ephemeral)));
        // What the token answers counts only if it is believed.
        let mut session = match agreed {
            Some(key) => self.believed(key)?,
            None => self.verified()?,
        };
        session.record.left = left;
        match called.map_err(Error::from) {
            Ok(answer) => Ok((session, answer)),
            // The token has removed it.
            Err(error @ Error::Refused(_)) => Err(error),
            Err(error) => Err(given_up(&mut session.transport, handle, error)),
        }
    }

    fn agree(&self) -> Step<T, SessionKey> {
        agree(&self.request, &self.answer, self.device, self.ephemeral)
    }

    /// The session, if its key is one to believe in.
    fn believed(self, key: Step<T, SessionKey>) -> Step<T, Session<T>> {
        let Self { mut transport, request, answer, device, .. } = self;
        let handle = answer.provisioning_handle;
        match key {
            Ok(key) => {
                let certificate = device.certificate.clone();
                let record = SessionRecord::opened(key, request, answer.client_session_id, certificate);
                Ok(Session { transport, handle, record, waiting: None })
            }
            Err(error) => Err(given_up(&mut transport, handle, error)),
        }
    }
}

/// Removes a session that nobody may use, for an error that is passed on. Whether that succeeds changes nothing for the
/// issuer.
fn given_up<T: Transport, E>(transport: &mut T, handle: ProvisioningHandle, error: E) -> E {
    let _ = transport.call(&abort_provisioning_session::Request { provisioning_handle: handle });
    error
}

/// ECDH and the key derivation, and whether the device has signed what came of them.
fn agree<E: std::error::Error + 'static>(
    request: &create_provisioning_session::Request,
    answer: &create_provisioning_session::Response,
    device: &Accepted,
    ephemeral: &EphemeralKey,
) -> Result<SessionKey, Error<E>> {
    let other_info = create_provisioning_session::other_info(
        &String::from_utf8_lossy(&request.issuer_uri.0),
        &device.certificate,
        &answer.client_session_id,
        &request.server_session_id,
    );
    let key = SessionKey::derive(&ephemeral.agree(&answer.client_ephemeral_key)?, &other_info);
    let data =
        create_provisioning_session::attestation_data(request, &answer.client_session_id, &answer.client_ephemeral_key);
    let attested = device.attester.verifies(&key.session_hmac(&[&data]), &answer.session_attestation);
    if attested { Ok(key) } else { Err(Error::SessionAttestation) }
}
