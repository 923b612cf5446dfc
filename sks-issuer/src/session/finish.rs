//! The end of a session in one go: certificates, what is bound to them, and the close.
//!
//! Their answers tell nothing that a later one of them needs, so an issuer may send all of them before it reads any. The
//! token carries them out in order; once it refuses one, the session is gone and it refuses the rest.

use sks_wire::algorithm::Algorithm;
use sks_wire::method::{Method, close_provisioning_session, decode_response, encode_request};
use sks_wire::{DecodeError, Refused, Secret};
use zeroize::Zeroizing;

use super::{CertifiedKey, Extension, KeyPair, Session, SessionRecord, Step};
use crate::error::Error;
use crate::transport::{CallError, Transport};

/// A session whose last calls wait for its close; see [`Session::finishing`].
#[derive(Debug)]
pub struct Finishing<T>(Session<T>);

/// What an answer that tells nothing but success tells.
type Answered = Result<Result<(), Refused>, DecodeError>;

/// A call that is ready to be sent, with its MAC.
pub(super) struct Waiting {
    call: Zeroizing<Vec<u8>>,
    answered: fn(&[u8]) -> Answered,
}

impl Waiting {
    pub(super) fn new<M: Method>(request: &M) -> Self {
        let answered = |answer: &[u8]| Ok(decode_response::<M>(answer)?.map(|_| ()));
        Self { call: encode_request(request), answered }
    }
}

/// The call may hold secrets.
impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

impl<T: Transport> Session<T> {
    /// Goes over to the session's end: from here on nothing is sent before [`Finishing::close`], and then all at once.
    #[must_use]
    pub fn finishing(mut self) -> Finishing<T> {
        self.waiting = Some(Vec::new());
        Finishing(self)
    }
}

/// Each as [`Session`]'s method of the name, but that a refusal shows at the close.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl<T: Transport> Finishing<T> {
    /// See [`Session::set_certificate_path`].
    pub fn set_certificate_path(&mut self, key: KeyPair, path: &[Vec<u8>]) -> Step<T, CertifiedKey> {
        self.0.set_certificate_path(key, path)
    }

    /// See [`Session::set_symmetric_key`].
    pub fn set_symmetric_key(&mut self, key: &CertifiedKey, value: &Secret, endorsed: &[Algorithm]) -> Step<T, ()> {
        self.0.set_symmetric_key(key, value, endorsed)
    }

    /// See [`Session::restore_private_key`].
    pub fn restore_private_key(&mut self, key: &CertifiedKey, pkcs8: &Secret) -> Step<T, ()> {
        self.0.restore_private_key(key, pkcs8)
    }

    /// See [`Session::add_extension`].
    pub fn add_extension(&mut self, key: &CertifiedKey, extension: &Extension) -> Step<T, ()> {
        self.0.add_extension(key, extension)
    }

    /// Sends what waits and closes the session; see [`Session::close`].
    ///
    /// # Errors
    /// [`Error::Refused`] with the first refusal; nothing of the session is left on the token then.
    pub fn close(self) -> Step<T, SessionRecord> {
        let Self(mut session) = self;
        let waiting = session.waiting.take().unwrap_or_default();
        let close = session.close_request();
        session.record.left = session.left_after(2, &close)?;
        let (mut calls, answered): (Vec<_>, Vec<_>) = waiting.into_iter().map(|one| (one.call, one.answered)).unzip();
        calls.push(encode_request(&close));
        let answers = session.transport.call_all_raw(&calls).map_err(Error::Transport)?;
        let refused = |refused: Refused| Error::from(CallError::Refused(refused));
        for (answer, answered) in answers.iter().zip(answered) {
            answered(answer).map_err(Error::Protocol)?.map_err(refused)?;
        }
        let last = answers.last().map(|answer| answer.as_slice()).unwrap_or_default();
        let answer =
            decode_response::<close_provisioning_session::Request>(last).map_err(Error::Protocol)?.map_err(refused)?;
        session.raise_counter();
        session.closed(&answer)
    }

    /// See [`Session::abort`]. What waits is never sent.
    ///
    /// # Errors
    /// Those of the call.
    pub fn abort(self) -> Step<T, ()> {
        self.0.abort()
    }
}
