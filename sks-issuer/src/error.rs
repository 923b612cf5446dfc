//! Why a step of a session failed.

use std::error::Error as StdError;

use sks_wire::{DecodeError, Refused};

use crate::crypto::CryptoError;
use crate::device::DeviceError;
use crate::transport::CallError;

/// Why a step of a session failed.
///
/// After [`Error::Argument`] and [`Error::LimitReached`] nothing was sent and the session goes on. After
/// [`Error::Refused`] the token has removed the session. After the others the issuer must not trust it any more; abort
/// it if it can still be reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E: StdError + 'static> {
    /// It failed on the way; whether the token acted on it is not known.
    #[error("the token cannot be reached")]
    Transport(#[source] E),
    /// The token answered, and its answer is no.
    #[error(transparent)]
    Refused(Refused),
    /// The bytes are no answer to the call.
    #[error("the token's answer cannot be read")]
    Protocol(#[source] DecodeError),
    /// An argument is out of range.
    #[error("an argument is out of range")]
    Argument(#[source] DecodeError),
    /// The step needs more uses of the session key than its limit leaves.
    #[error("the step uses the session key {needed} times, and its limit leaves {left}")]
    LimitReached {
        /// What the step needs.
        needed: u16,
        /// What SessionKeyLimit leaves.
        left: u16,
    },
    /// The device is not one that the issuer accepts.
    #[error("the device is not accepted")]
    Device(#[from] DeviceError),
    /// A primitive failed: no random numbers, or an ephemeral key or encrypted data that is none.
    #[error("the session's cryptography failed")]
    Crypto(#[from] CryptoError),
    /// SessionAttestation is no signature of the device's key over this session: something sits in between.
    #[error("the session attestation is wrong")]
    SessionAttestation,
    /// KeyAttestation does not cover this key and these attributes.
    #[error("the key attestation is wrong")]
    KeyAttestation,
    /// The generated key is not of the type, size or exponent that was asked for.
    #[error("the generated key is not the one that was asked for")]
    GeneratedKey,
    /// The backup is missing, not asked for, or not of the generated key.
    #[error("the private key's backup does not belong to the generated key")]
    Backup,
    /// The external signature is not made with this session's key.
    #[error("the external signature is wrong")]
    ExternalSignature,
    /// AttestedResponse does not prove a successful close.
    #[error("the attested response is wrong")]
    AttestedResponse,
}

impl<E: StdError + 'static> Error<E> {
    /// The token's own answer, if this is one.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }
}

impl<E: StdError + 'static> From<CallError<E>> for Error<E> {
    fn from(error: CallError<E>) -> Self {
        match error {
            CallError::Transport(source) => Self::Transport(source),
            CallError::Refused(refused) => Self::Refused(refused),
            CallError::Protocol(source) => Self::Protocol(source),
        }
    }
}
