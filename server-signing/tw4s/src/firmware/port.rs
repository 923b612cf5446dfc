//! The SAM's port to the firmware, over the socket.

use tw4s_firmware::client::{Admission, Client};
use tw4s_firmware::{FirmwareError as Error, KeyOrder as Order, KeySpec, SignOrder as ToSign};
use tw4s_sam::ports::{Admitted, Firmware, FirmwareError, IntegrityKey, KeyOrder, NewKey, SignOrder};
use tw4s_sam::record::KeyAlgorithm;

/// It, by way of its client.
pub(crate) struct Port(Client);

impl Port {
    /// Takes the client.
    pub(crate) fn new(client: Client) -> Self {
        Self(client)
    }
}

impl Firmware for Port {
    fn generate(&self, order: &KeyOrder<'_>) -> Result<NewKey, FirmwareError> {
        let spec = match order.algorithm {
            KeyAlgorithm::Rsa { bits: 2048 } => KeySpec::Rsa2048,
            KeyAlgorithm::Rsa { bits: 3072 } => KeySpec::Rsa3072,
            KeyAlgorithm::Rsa { bits: 4096 } => KeySpec::Rsa4096,
            KeyAlgorithm::P256 => KeySpec::P256,
            KeyAlgorithm::P384 => KeySpec::P384,
            KeyAlgorithm::Rsa { .. } | KeyAlgorithm::P521 => return Err(FirmwareError::Unsupported),
        };
        let (key_id, user_id) = (order.key_id.to_string(), order.user_id.to_string());
        let order = Order { key_id: &key_id, user_id: &user_id, spec, created: order.created_ms / 1000 };
        let key = self.0.generate(&order).map_err(translate)?;
        Ok(NewKey { wrapped_key: key.wrapped_key, public_key: key.public_key, csr: key.csr })
    }

    fn verify_token(&self, token: &[u8], registered: Option<&[Vec<u8>]>) -> Result<Vec<u8>, FirmwareError> {
        self.0.verify_token(token, registered).map_err(translate)
    }

    fn verify_message(
        &self,
        certificate: &[u8],
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), FirmwareError> {
        self.0.verify_message(certificate, algorithm, message, signature).map_err(translate)
    }

    fn admit<'f>(&'f self, order: &SignOrder<'_>) -> Result<Box<dyn Admitted + 'f>, FirmwareError> {
        let user_id = order.user_id.to_string();
        let to_sign =
            ToSign { sad: order.sad, user_id: &user_id, registered: order.registered, wrapped_key: order.wrapped_key };
        let admission = self.0.admit(&to_sign).map_err(translate)?;
        Ok(Box::new(Waiting(admission)))
    }

    fn verify_wrapped_key(&self, wrapped_key: &[u8]) -> Result<bool, FirmwareError> {
        self.0.verify_wrapped_key(wrapped_key).map_err(translate)
    }

    fn integrity_key(&self) -> Result<IntegrityKey, FirmwareError> {
        self.0.integrity_key().map(|key| IntegrityKey::new(*key)).map_err(translate)
    }

    fn sign_checkpoint(&self, checkpoint: &[u8]) -> Result<Vec<u8>, FirmwareError> {
        self.0.sign_checkpoint(checkpoint).map_err(translate)
    }

    fn verify_checkpoint(&self, checkpoint: &[u8], signature: &[u8]) -> Result<bool, FirmwareError> {
        self.0.verify_checkpoint(checkpoint, signature).map_err(translate)
    }
}

struct Waiting<'f>(Admission<'f>);

impl Admitted for Waiting<'_> {
    fn sign(self: Box<Self>) -> Result<Vec<Vec<u8>>, FirmwareError> {
        self.0.sign().map_err(translate)
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
