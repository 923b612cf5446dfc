//! The SAM's port to the firmware, over the socket: what requests ask goes over [`Lines`], the rest over a client that
//! blocks.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use tw4s_firmware::call;
use tw4s_firmware::client::Client;
use tw4s_firmware::protocol::Admission;
use tw4s_firmware::{FirmwareError as Error, KeyOrder as Order, KeySpec, SignOrder as ToSign};
use tw4s_sam::ports::{Admitted, Firmware, FirmwareError, IntegrityKey, KeyOrder, Later, NewKey, SignOrder};
use tw4s_sam::record::KeyAlgorithm;

use super::lines::{Lent, Lines, lost};

/// It.
pub(crate) struct Port {
    lines: Arc<Lines>,
    client: Client,
}

impl Port {
    /// The firmware at this socket. It need not be there yet.
    pub(crate) fn new(socket: &Path) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { lines: Arc::new(Lines::new(socket, LINES_PER_CORE * cores)), client: Client::new(socket) }
    }

    async fn wait_for_admission(&self, order: SignOrder<'_>) -> Result<Waiting, FirmwareError> {
        let user_id = order.user_id.to_string();
        let SignOrder { sad, registered, wrapped_key, hashes, .. } = order;
        let call = call::admit(&ToSign { sad, user_id: &user_id, registered, wrapped_key }).map_err(translate)?;
        let (admission, lent) = self.lines.call_and_keep(call, hashes > FEW).await.map_err(translate)?;
        match admission {
            Ok(admission) => Ok(Waiting { lines: Arc::clone(&self.lines), admitted: Some((admission, lent)) }),
            Err(error) => {
                self.lines.give_back(lent);
                Err(translate(error))
            }
        }
    }
}

impl Firmware for Port {
    fn generate<'a>(&'a self, order: KeyOrder<'a>) -> Later<'a, Result<NewKey, FirmwareError>> {
        Box::pin(async move {
            let spec = spec(order.algorithm)?;
            let (key_id, user_id) = (order.key_id.to_string(), order.user_id.to_string());
            let order = Order { key_id: &key_id, user_id: &user_id, spec, created: order.created_ms / 1000 };
            let call = call::generate(&order).map_err(translate)?;
            let key = self.lines.call(call, true).await.map_err(translate)?;
            Ok(NewKey { wrapped_key: key.wrapped_key, public_key: key.public_key, csr: key.csr })
        })
    }

    fn verify_token<'a>(
        &'a self,
        token: &'a [u8],
        registered: Option<&'a [Vec<u8>]>,
    ) -> Later<'a, Result<Vec<u8>, FirmwareError>> {
        Box::pin(async move {
            let call = call::verify_token(token, registered).map_err(translate)?;
            self.lines.call(call, false).await.map_err(translate)
        })
    }

    fn verify_message<'a>(
        &'a self,
        certificate: &'a [u8],
        algorithm: &'a [u8],
        message: &'a [u8],
        signature: &'a [u8],
    ) -> Later<'a, Result<(), FirmwareError>> {
        Box::pin(async move {
            let call = call::verify_message(certificate, algorithm, message, signature).map_err(translate)?;
            self.lines.call(call, false).await.map_err(translate)
        })
    }

    fn admit<'f: 'a, 'a>(&'f self, order: SignOrder<'a>) -> Later<'a, Result<Box<dyn Admitted + 'f>, FirmwareError>> {
        Box::pin(async move {
            let waiting = self.wait_for_admission(order).await?;
            Ok(Box::new(waiting) as Box<dyn Admitted + 'f>)
        })
    }

    fn verify_wrapped_key(&self, wrapped_key: &[u8]) -> Result<bool, FirmwareError> {
        self.client.verify_wrapped_key(wrapped_key).map_err(translate)
    }

    fn integrity_key(&self) -> Result<IntegrityKey, FirmwareError> {
        self.client.integrity_key().map(|key| IntegrityKey::new(*key)).map_err(translate)
    }

    fn sign_checkpoint(&self, checkpoint: &[u8]) -> Result<Vec<u8>, FirmwareError> {
        self.client.sign_checkpoint(checkpoint).map_err(translate)
    }

    fn verify_checkpoint(&self, checkpoint: &[u8], signature: &[u8]) -> Result<bool, FirmwareError> {
        self.client.verify_checkpoint(checkpoint, signature).map_err(translate)
    }
}

/// An admission on the line that has it. Dropped unsigned, the firmware is told to forget it.
struct Waiting {
    lines: Arc<Lines>,
    admitted: Option<(Admission, Lent)>,
}

impl Admitted for Waiting {
    fn sign<'a>(mut self: Box<Self>) -> Later<'a, Result<Vec<Vec<u8>>, FirmwareError>>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let Some((admission, lent)) = self.admitted.take() else { return Err(FirmwareError::Failed) };
            let (frame, read) = call::sign(&admission).map_err(translate)?.into_parts();
            let answer = lent.line().exchange(Arc::new(frame)).await.map_err(|error| translate(lost(error)))?;
            self.lines.give_back(lent);
            read(&answer).map_err(translate)
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some((admission, lent)) = self.admitted.take() else { return };
        if let Ok(call) = call::forget(&admission) {
            lent.line().send(call.into_parts().0);
        }
        self.lines.give_back(lent);
    }
}

fn spec(algorithm: KeyAlgorithm) -> Result<KeySpec, FirmwareError> {
    match algorithm {
        KeyAlgorithm::Rsa { bits: 2048 } => Ok(KeySpec::Rsa2048),
        KeyAlgorithm::Rsa { bits: 3072 } => Ok(KeySpec::Rsa3072),
        KeyAlgorithm::Rsa { bits: 4096 } => Ok(KeySpec::Rsa4096),
        KeyAlgorithm::P256 => Ok(KeySpec::P256),
        KeyAlgorithm::P384 => Ok(KeySpec::P384),
        KeyAlgorithm::Rsa { .. } | KeyAlgorithm::P521 => Err(FirmwareError::Unsupported),
    }
}

/// The two lists are one; the firmware's has four more, which no call of the SAM is answered with.
fn translate(error: Error) -> FirmwareError {
    match error {
        Error::NotOperational(why) => FirmwareError::NotOperational(why),
        Error::UnknownSigner => FirmwareError::UnknownSigner,
        Error::UnregisteredSigner => FirmwareError::UnregisteredSigner,
        Error::TokenSignature => FirmwareError::TokenSignature,
        Error::MessageSignature => FirmwareError::MessageSignature,
        Error::SadSignature => FirmwareError::SadSignature,
        Error::HashLength => FirmwareError::HashLength,
        Error::NoKey => FirmwareError::NoKey,
        Error::WrappedKey => FirmwareError::WrappedKey,
        Error::KeyMismatch => FirmwareError::KeyMismatch,
        Error::UserMismatch => FirmwareError::UserMismatch,
        Error::Algorithm => FirmwareError::Algorithm,
        Error::Unsupported => FirmwareError::Unsupported,
        Error::Malformed => FirmwareError::Malformed,
        Error::Failed | Error::Logon | Error::Certificate | Error::Administrators | Error::NoAnchor => {
            FirmwareError::Failed
        }
    }
}

/// Lines that calls share; the firmware has a thread for each. With one a core, a core sleeps while the other's thread still
/// has calls before it.
const LINES_PER_CORE: usize = 2;

/// Hashes that are signed soon, with the largest keys in some milliseconds each.
const FEW: usize = 4;

#[cfg(test)]
mod tests;
