//! How a test calls a token, whatever store the token is on.

use std::sync::Arc;

use sks_core::Device;
use sks_wire::Refused;
use sks_wire::method::{Method, decode_response, encode_request};
use zeroize::Zeroizing;

use crate::Token;

type Call = dyn Fn(&[u8]) -> Zeroizing<Vec<u8>> + Send + Sync;

/// Carries calls to a token. Clones lead to the same one.
#[derive(Clone)]
pub struct Line(Arc<Call>);

impl Line {
    /// A line made of a function from call to answer.
    #[must_use]
    pub fn new(call: impl Fn(&[u8]) -> Zeroizing<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(call))
    }

    /// Calls with bytes.
    #[must_use]
    pub fn bytes(&self, call: &[u8]) -> Zeroizing<Vec<u8>> {
        (self.0)(call)
    }

    /// Calls a method.
    ///
    /// # Errors
    /// The token's refusal.
    pub fn call<M: Method>(&self, request: &M) -> Result<M::Response, Refused> {
        decode_response::<M>(&self.bytes(&encode_request(request))).expect("the token's answers can be read")
    }
}

impl From<Arc<Device>> for Line {
    fn from(device: Arc<Device>) -> Self {
        Self::new(move |call| device.call(call))
    }
}

impl From<&Token> for Line {
    fn from(token: &Token) -> Self {
        Self::from(Arc::clone(&token.device))
    }
}
