//! Why the firmware does not do something: closed lists, without secrets.

use std::io;
use std::path::PathBuf;

use crate::module::ModuleError;

/// Why a service was not rendered. The SAM's port has the same list, but for the last two, which are management's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FirmwareError {
    /// Not reachable, or its crypto module is down.
    #[error("the firmware half is not operational: {0}")]
    NotOperational(String),
    /// The token's signer is none of the imported identity providers.
    #[error("the token's signer is no imported identity provider")]
    UnknownSigner,
    /// The token's signer is imported, but none of the user's registered certificates.
    #[error("the token's signer is not registered for this user")]
    UnregisteredSigner,
    /// The token's signature is wrong, or its algorithm is not allowed or does not fit the signer's key.
    #[error("the token's signature does not verify")]
    TokenSignature,
    /// The message credential's signature is wrong, or its algorithm is not allowed or does not fit the key.
    #[error("the message's signature does not verify")]
    MessageSignature,
    /// The SAD's signature does not verify with the key in its token, or that key is missing, doubled or too weak.
    #[error("the SAD's signature does not verify with the key in its token")]
    SadSignature,
    /// The wrapped key is not one that this SAM made.
    #[error("the wrapped key is not one that this module made")]
    WrappedKey,
    /// The SAD's `hashAlgorithm` is not on the list, or a hash does not have its digest's length.
    #[error("the hashes do not fit the hash algorithm")]
    HashLength,
    /// There is no wrapped key, and all that is verified before it was in order.
    #[error("there is no wrapped key")]
    NoKey,
    /// The SAD's KeyID is not the wrapped key's.
    #[error("the SAD names another key than the wrapped key")]
    KeyMismatch,
    /// The user of token, credential and wrapped key is not one and the same.
    #[error("the wrapped key belongs to another user")]
    UserMismatch,
    /// The signature algorithm does not fit the key.
    #[error("the algorithm does not fit the key")]
    Algorithm,
    /// No crypto module here makes such a key.
    #[error("no key of this kind can be made here")]
    Unsupported,
    /// What was handed over is no DER of the right type, or comes when it may not.
    #[error("the firmware half cannot parse what it was given")]
    Malformed,
    /// The crypto module failed at its work.
    #[error("the crypto module failed")]
    Failed,
    /// Too few administrators, or a wrong credential; not said which.
    #[error("the administrators are not authenticated")]
    Logon,
    /// What is ordered for the administrators cannot be. Nothing has changed.
    #[error(
        "too few or too many administrators would be left, one is named twice or unknown, or a credential is unfit"
    )]
    Administrators,
    /// There is no anchor to be forgotten. Nothing has changed.
    #[error("no anchor of this SAM is kept")]
    NoAnchor,
    /// A certificate is unreadable, doubled, or has a key that no token may be signed with. Nothing was imported.
    #[error("a certificate cannot be imported")]
    Certificate,
}

impl From<ModuleError> for FirmwareError {
    fn from(error: ModuleError) -> Self {
        match error {
            ModuleError::Down(why) => Self::NotOperational(why),
            ModuleError::Unsupported => Self::Unsupported,
            ModuleError::BadWrapping | ModuleError::Failed => Self::Failed,
        }
    }
}

/// Why the firmware's state could not be made, opened or changed. The state file is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A master backup key has 32 bytes at least, so that it cannot be guessed.
    #[error("the master backup key is shorter than 32 bytes, or longer than 1024")]
    MasterKeyLength,
    /// The state was sealed under another master backup key, or was changed since; the seal does not tell which.
    #[error("the state does not open: another master backup key, or the file was changed")]
    WrongMasterKey,
    /// The state belongs to another crypto module.
    #[error("the state belongs to another crypto module or another key of it")]
    OtherModule,
    /// The firmware is initialised already; it is never initialised over.
    #[error("{} is there already: the firmware is initialised", .0.display())]
    Initialised(PathBuf),
    /// Not initialised.
    #[error("{} is not there: the firmware is not initialised", .0.display())]
    NotInitialised(PathBuf),
    /// Dual control needs two administrators with different names; without it, one.
    #[error("too few administrators, or one twice, or a name or credential that is empty or too long")]
    Administrators,
    /// The SAM's id is empty or too long.
    #[error("the SAM's id is empty or too long")]
    SamId,
    /// The random source, a derivation or the crypto module failed.
    #[error("{0} failed")]
    Failed(&'static str),
    /// The system failed.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StateError {
    pub(crate) fn io(doing: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}
