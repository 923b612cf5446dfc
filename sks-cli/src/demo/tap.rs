//! The wire between issuer and token, with a tap on it: the story shows what an attacker could record.

use sks_client::{Client, Error as ClientError};
use sks_issuer::Transport;
use sks_wire::method::{Method, decode_response};
use zeroize::Zeroizing;

use crate::exit::Failure;

/// A connection that remembers its last call and the answer.
pub(super) struct Tap {
    pub(super) client: Client,
    call: Zeroizing<Vec<u8>>,
    answer: Zeroizing<Vec<u8>>,
}

impl Tap {
    pub(super) fn new(client: Client) -> Self {
        Self { client, call: Zeroizing::default(), answer: Zeroizing::default() }
    }

    /// The last call's bytes.
    pub(super) fn recorded(&self) -> Vec<u8> {
        self.call.to_vec()
    }

    /// The last answer, which was to `M`.
    pub(super) fn answer<M: Method>(&self) -> Result<M::Response, Failure> {
        let answer = decode_response::<M>(&self.answer).map_err(Failure::doing("reading the token's answer"))?;
        Ok(answer?)
    }
}

impl Transport for &mut Tap {
    type Error = ClientError;

    fn call_raw(&mut self, call: &[u8]) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let answer = self.client.call_raw(call)?;
        self.call = Zeroizing::new(call.to_vec());
        self.answer.clone_from(&answer);
        Ok(answer)
    }
}
