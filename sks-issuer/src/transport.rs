//! How a call reaches the token. The issuer knows no socket: between the two there may be a network and middleware.

use std::error::Error as StdError;

use sks_wire::method::{Method, decode_response, encode_request};
use sks_wire::{DecodeError, Refused};
use zeroize::Zeroizing;

/// Carries method byte strings to a token and brings back its answers.
///
/// Any closure that does so is one: `|call: &[u8]| client.call_raw(call)`. A type of its own says it in three lines.
pub trait Transport {
    /// What can fail on the way.
    type Error: StdError + Send + Sync + 'static;

    /// Sends a method byte string and returns the answer's bytes, status included. Both may hold secrets.
    ///
    /// # Errors
    /// Only what failed on the way; a refusal of the token is an answer.
    fn call_raw(&mut self, call: &[u8]) -> Result<Zeroizing<Vec<u8>>, Self::Error>;

    /// As [`Transport::call_raw`], and does `meanwhile` before it looks for the answer, unless the call cannot be sent. A
    /// transport that can lets the token work at the same time.
    ///
    /// # Errors
    /// As [`Transport::call_raw`].
    fn call_raw_while(&mut self, call: &[u8], meanwhile: impl FnOnce()) -> Result<Zeroizing<Vec<u8>>, Self::Error> {
        meanwhile();
        self.call_raw(call)
    }

    /// Sends several method byte strings and returns their answers, in order. All are carried out, whatever the answers
    /// before theirs say. A transport that can sends them without waiting in between.
    ///
    /// # Errors
    /// As [`Transport::call_raw`]; then nothing is known of any.
    fn call_all_raw(&mut self, calls: &[Zeroizing<Vec<u8>>]) -> Result<Vec<Zeroizing<Vec<u8>>>, Self::Error> {
        calls.iter().map(|call| self.call_raw(call)).collect()
    }

    /// Calls a method with its arguments as they are.
    ///
    /// # Errors
    /// [`CallError`].
    fn call<M: Method>(&mut self, request: &M) -> Result<M::Response, CallError<Self::Error>> {
        self.call_while(request, || {})
    }

    /// As [`Transport::call`], and does `meanwhile` as [`Transport::call_raw_while`] does.
    ///
    /// # Errors
    /// [`CallError`].
    fn call_while<M: Method>(
        &mut self,
        request: &M,
        meanwhile: impl FnOnce(),
    ) -> Result<M::Response, CallError<Self::Error>> {
        let answer = self.call_raw_while(&encode_request(request), meanwhile).map_err(CallError::Transport)?;
        Ok(decode_response::<M>(&answer)??)
    }
}

impl<F, E> Transport for F
where
    F: FnMut(&[u8]) -> Result<Zeroizing<Vec<u8>>, E>,
    E: StdError + Send + Sync + 'static,
{
    type Error = E;

    fn call_raw(&mut self, call: &[u8]) -> Result<Zeroizing<Vec<u8>>, E> {
        self(call)
    }
}

/// Why a single call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E: StdError + 'static> {
    /// It failed on the way; whether the token acted on it is not known.
    #[error("the token cannot be reached")]
    Transport(#[source] E),
    /// The token answered, and its answer is no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The bytes are no answer to the call.
    #[error("the token's answer cannot be read")]
    Protocol(#[from] DecodeError),
}
