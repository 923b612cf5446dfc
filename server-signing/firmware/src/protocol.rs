//! What goes over the socket: calls of the SAM, answers of the firmware.
//!
//! ```text
//! call   ::= length (u32, big endian, of what follows) | code (u8)   | body
//! answer ::= length (u32, big endian, of what follows) | status (u8) | body
//! ```
//! Bodies are DER, read like all our formats: bounded, whole, and equal to their re-encoding. A frame that is longer
//! than [`MAX_CALL`] or [`MAX_ANSWER`] ends the connection before it is read. The types below give each code's body and
//! the body of its answer; the answer to an unknown code is `Malformed`. A status other than 0 is an error of
//! [`FirmwareError`]'s list, and its body a text for `NotOperational`, else empty.
//!
//! Three bodies hold secrets and are not DER, so that no copy of them is made that is not wiped: [`INTEGRITY_KEY`]'s
//! answer (32 bytes), and the calls of [`SET_IDP_KEYS`] ([`Import`]) and [`ADMINISTER`] ([`Administration`]).
//!
//! Answers come in the order of the calls, and a client need not wait for one before it sends the next call. A connection
//! has one state: what was admitted on it ([`Admission`]), in bounded number and for a bounded time. [`SIGN`] takes an
//! admission, [`FORGET`] or the connection's end forgets it.

mod administration;
mod import;

use std::fmt;
use std::io::{self, Read, Write};

use der::Sequence;
use tw4s_formats::limit::{
    MAX_CERTIFICATE_LEN, MAX_CERTIFICATES, MAX_CSR_LEN, MAX_HASHES, MAX_MESSAGE_LEN, MAX_REQUEST_LEN, MAX_RESULT_LEN,
    MAX_SAD_LEN, MAX_SIGNATURE_LEN, MAX_SPKI_LEN, MAX_TOKEN_LEN, MAX_WRAPPED_KEY_LEN,
};
use tw4s_formats::{Format, List, Octets, Text};
use zeroize::Zeroizing;

pub use crate::forgotten::ForgottenAnchors;
pub use administration::Administration;
pub use import::Import;

use crate::algorithm::KeySpec;
use crate::error::FirmwareError;
use crate::idp::MAX_IDPS;

/// What the firmware is: an empty body, answered by [`StatusAnswer`].
pub const STATUS: u8 = 1;
/// A key pair: [`GenerateCall`], [`GenerateAnswer`].
pub const GENERATE: u8 = 2;
/// A token's signature: [`VerifyTokenCall`], [`Value`] with the signer's certificate.
pub const VERIFY_TOKEN: u8 = 3;
/// A message credential: [`VerifyMessageCall`], an empty answer.
pub const VERIFY_MESSAGE: u8 = 4;
/// The checks of a signing: [`AdmitCall`], [`Admission`].
pub const ADMIT: u8 = 5;
/// The signatures of what was admitted on this connection: [`Admission`], [`Signatures`].
pub const SIGN: u8 = 6;
/// That what was admitted on this connection is not to be signed: [`Admission`], an empty answer.
pub const FORGET: u8 = 14;
/// The key for the SAM's rows: an empty body, 32 bytes.
pub const INTEGRITY_KEY: u8 = 7;
/// A checkpoint's signature: [`Value`], [`Value`].
pub const SIGN_CHECKPOINT: u8 = 8;
/// Whether a checkpoint's signature is ours: [`VerifyCheckpointCall`], [`Verdict`].
pub const VERIFY_CHECKPOINT: u8 = 9;
/// Whether a wrapped key is ours: [`Value`], [`Verdict`].
pub const VERIFY_WRAPPED_KEY: u8 = 11;
/// Import of identity providers: [`Import`], an empty answer.
pub const SET_IDP_KEYS: u8 = 10;
/// How far a SAM's audit log had come: [`Value`] with SHA-256 of its id, [`Value`] with number (u64) and hash of a row,
/// or nothing.
pub const ANCHOR: u8 = 12;
/// A change by administrators: [`Administration`], an empty answer.
pub const ADMINISTER: u8 = 13;
/// What was forgotten of a SAM's anchors and is not in its audit log yet: [`Value`] with SHA-256 of its id,
/// [`ForgottenAnchors`].
pub const FORGOTTEN: u8 = 15;
/// That these are in an audit log: [`ForgottenAnchors`], an empty answer.
pub const FORGOTTEN_IS_RECORDED: u8 = 16;

/// Bytes after the length of a call: the largest is a signing's or an import's.
pub const MAX_CALL: usize = MAX_REQUEST_LEN + MAX_CERTIFICATES * MAX_CERTIFICATE_LEN + MAX_IDPS * MAX_CERTIFICATE_LEN;
/// Bytes after the length of an answer: a thousand signatures.
pub const MAX_ANSWER: usize = MAX_RESULT_LEN + 1024;

/// A certificate.
pub type Certificate = Octets<1, MAX_CERTIFICATE_LEN>;
/// A user's certificates.
pub type Certificates = List<Certificate, 0, MAX_CERTIFICATES>;

macro_rules! body {
    ($($(#[$doc:meta])* $name:ident max $max:expr, { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Sequence)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Format for $name {
            const MAX_LEN: usize = $max;
        }
    )*};
}

body! {
    /// Nothing.
    Empty max 2, {}

    /// Bytes.
    Value max MAX_MESSAGE_LEN, {
        /// Them.
        value: Octets<0, MAX_MESSAGE_LEN>,
    }

    /// Yes or no.
    Verdict max 8, {
        /// Yes.
        valid: bool,
    }

    /// What the firmware is.
    StatusAnswer max 8 * 1024, {
        /// The SAM that it belongs to.
        sam_id: Text,
        /// The crypto module's key.
        module_key_id: Text,
        /// Rises with each change of the state.
        generation: u64,
        /// How many identity providers are imported.
        idps: u16,
        /// Signs wrapped keys and public keys.
        signing_key: Octets<1, MAX_SPKI_LEN>,
        /// Signs audit checkpoints.
        checkpoint_key: Octets<1, MAX_SPKI_LEN>,
    }

    /// What a new key is to be.
    GenerateCall max 4 * 1024, {
        /// Its id.
        key_id: Text,
        /// Its owner.
        user_id: Text,
        /// [`spec_code`].
        spec: u8,
        /// Seconds since 1970.
        created: u64,
    }

    /// A new key.
    GenerateAnswer max 2 * MAX_WRAPPED_KEY_LEN + MAX_CSR_LEN + 64, {
        /// The wrapped key.
        wrapped_key: Octets<1, MAX_WRAPPED_KEY_LEN>,
        /// The signed public key.
        public_key: Octets<1, MAX_WRAPPED_KEY_LEN>,
        /// The certificate request.
        csr: Octets<1, MAX_CSR_LEN>,
    }

    /// A token to verify.
    VerifyTokenCall max MAX_TOKEN_LEN + MAX_CERTIFICATES * (MAX_CERTIFICATE_LEN + 8) + 64, {
        /// The token.
        token: Octets<1, MAX_TOKEN_LEN>,
        /// The user's certificates; absent when the user is unknown.
        registered: Option<Certificates>,
    }

    /// A message credential to verify.
    VerifyMessageCall max MAX_REQUEST_LEN + MAX_CERTIFICATE_LEN + MAX_SIGNATURE_LEN + 1024 + 64, {
        /// The certificate.
        certificate: Certificate,
        /// The algorithm's identifier.
        algorithm: Octets<1, 1024>,
        /// What is signed.
        message: Octets<0, MAX_REQUEST_LEN>,
        /// The signature.
        signature: Octets<1, MAX_SIGNATURE_LEN>,
    }

    /// A signing to check.
    AdmitCall max MAX_SAD_LEN + MAX_WRAPPED_KEY_LEN + MAX_CERTIFICATES * (MAX_CERTIFICATE_LEN + 8) + 2048, {
        /// The SAD.
        sad: Octets<1, MAX_SAD_LEN>,
        /// Who authenticated.
        user_id: Text,
        /// This user's certificates.
        registered: Certificates,
        /// The wrapped key, if there is one.
        wrapped_key: Option<Octets<1, MAX_WRAPPED_KEY_LEN>>,
    }

    /// What was admitted, by the number that its connection has for it.
    Admission max 16, {
        /// Given out once.
        number: u64,
    }

    /// Signatures, in the order of the hashes.
    Signatures max MAX_RESULT_LEN, {
        /// They.
        signatures: List<Octets<1, MAX_SIGNATURE_LEN>, 1, MAX_HASHES>,
    }

    /// A checkpoint with its signature.
    VerifyCheckpointCall max MAX_MESSAGE_LEN + MAX_SIGNATURE_LEN + 64, {
        /// The checkpoint.
        checkpoint: Octets<0, MAX_MESSAGE_LEN>,
        /// The signature.
        signature: Octets<0, MAX_SIGNATURE_LEN>,
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Admission({})", self.number)
    }
}

/// A key's kind in [`GenerateCall`].
#[must_use]
pub fn spec_code(spec: KeySpec) -> u8 {
    match spec {
        KeySpec::Rsa2048 => 1,
        KeySpec::Rsa3072 => 2,
        KeySpec::Rsa4096 => 3,
        KeySpec::P256 => 4,
        KeySpec::P384 => 5,
        KeySpec::P521 => 6,
    }
}

/// The kind with this code.
#[must_use]
pub fn spec_of(code: u8) -> Option<KeySpec> {
    KeySpec::ALL.into_iter().find(|spec| spec_code(*spec) == code)
}

/// The status of an answer that is no error.
pub const OK: u8 = 0;

/// An error's status.
#[must_use]
pub fn status_of(error: &FirmwareError) -> u8 {
    match error {
        FirmwareError::NotOperational(_) => 1,
        FirmwareError::UnknownSigner => 2,
        FirmwareError::UnregisteredSigner => 3,
        FirmwareError::TokenSignature => 4,
        FirmwareError::MessageSignature => 5,
        FirmwareError::SadSignature => 6,
        FirmwareError::WrappedKey => 7,
        FirmwareError::KeyMismatch => 8,
        FirmwareError::UserMismatch => 9,
        FirmwareError::Algorithm => 10,
        FirmwareError::Unsupported => 11,
        FirmwareError::Malformed => 12,
        FirmwareError::Failed => 13,
        FirmwareError::Logon => 14,
        FirmwareError::Certificate => 15,
        FirmwareError::HashLength => 16,
        FirmwareError::NoKey => 17,
        FirmwareError::Administrators => 18,
        FirmwareError::NoAnchor => 19,
    }
}

/// The error with this status; `None` for a status that is not on the list.
#[must_use]
pub fn error_of(status: u8, body: &[u8]) -> Option<FirmwareError> {
    Some(match status {
        1 => FirmwareError::NotOperational(String::from_utf8_lossy(body).into_owned()),
        2 => FirmwareError::UnknownSigner,
        3 => FirmwareError::UnregisteredSigner,
        4 => FirmwareError::TokenSignature,
        5 => FirmwareError::MessageSignature,
        6 => FirmwareError::SadSignature,
        7 => FirmwareError::WrappedKey,
        8 => FirmwareError::KeyMismatch,
        9 => FirmwareError::UserMismatch,
        10 => FirmwareError::Algorithm,
        11 => FirmwareError::Unsupported,
        12 => FirmwareError::Malformed,
        13 => FirmwareError::Failed,
        14 => FirmwareError::Logon,
        15 => FirmwareError::Certificate,
        16 => FirmwareError::HashLength,
        17 => FirmwareError::NoKey,
        18 => FirmwareError::Administrators,
        19 => FirmwareError::NoAnchor,
        _ => return None,
    })
}

/// A frame: the code or status, and the body. It may hold a credential or the integrity key, so it is wiped.
pub struct Frame {
    bytes: Zeroizing<Vec<u8>>,
}

impl Frame {
    /// Puts a frame together.
    #[must_use]
    pub fn new(code: u8, body: &[u8]) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH_LEN + 1 + body.len()));
        let length = u32::try_from(1 + body.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.push(code);
        bytes.extend_from_slice(body);
        Self { bytes }
    }

    /// Reads the next frame; `None` at the end of the stream.
    ///
    /// # Errors
    /// `InvalidData` for a frame that is empty or longer than `max`, before it is read; `UnexpectedEof` within one.
    pub fn read(from: &mut impl Read, max: usize) -> io::Result<Option<Self>> {
        let mut length = [0; LENGTH_LEN];
        let (first, rest) = length.split_at_mut(1);
        loop {
            match from.read(first) {
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        from.read_exact(rest)?;
        let len = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if len == 0 || len > max {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is empty or too long"));
        }
        let mut bytes = Zeroizing::new(vec![0; LENGTH_LEN + len]);
        let (head, rest) = bytes.split_at_mut(LENGTH_LEN);
        head.copy_from_slice(&length);
        from.read_exact(rest)?;
        Ok(Some(Self { bytes }))
    }

    /// Whether these bytes begin with a whole frame.
    #[must_use]
    pub fn is_whole(bytes: &[u8]) -> bool {
        let length = bytes.first_chunk::<LENGTH_LEN>().map(|length| u32::from_be_bytes(*length));
        let length = length.and_then(|length| usize::try_from(length).ok());
        length.is_some_and(|length| bytes.len() >= length.saturating_add(LENGTH_LEN))
    }

    /// All its bytes, the length included.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes it in one piece.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.bytes)
    }

    /// The code or status.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.bytes.get(LENGTH_LEN).copied().unwrap_or(u8::MAX)
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.bytes.get(LENGTH_LEN + 1..).unwrap_or(&[])
    }
}

/// Bytes of the length.
const LENGTH_LEN: usize = 4;
