//! The calls of the SAM as frames, and how their answers are read: the same however they are carried. [`Client`] waits for
//! each answer; whoever has many calls under way carries the frames himself.
//!
//! [`Client`]: crate::client::Client

use tw4s_formats::{Format, List, Octets, Text};
use zeroize::Zeroizing;

use crate::administrator::{Changes, Logon};
use crate::error::FirmwareError;
use crate::firmware::{KeyOrder, NewKey, SignOrder, Status};
use crate::protocol::{
    ADMINISTER, ADMIT, ANCHOR, Administration, Admission, AdmitCall, Certificates, Empty, FORGET, FORGOTTEN,
    FORGOTTEN_IS_RECORDED, ForgottenAnchors, Frame, GENERATE, GenerateAnswer, GenerateCall, INTEGRITY_KEY, Import, OK,
    SET_IDP_KEYS, SIGN, SIGN_CHECKPOINT, STATUS, Signatures, StatusAnswer, VERIFY_CHECKPOINT, VERIFY_MESSAGE,
    VERIFY_TOKEN, VERIFY_WRAPPED_KEY, Value, Verdict, VerifyCheckpointCall, VerifyMessageCall, VerifyTokenCall,
    error_of, spec_code,
};

/// A call, and how its answer is read.
pub struct Call<A> {
    frame: Frame,
    read: ReadAnswer<A>,
}

/// Reads the answer to a call: its value, or the error of what was asked for; `NotOperational` for what is no answer to it.
pub type ReadAnswer<A> = fn(&Frame) -> Result<A, FirmwareError>;

impl<A> Call<A> {
    /// What is to be sent.
    #[must_use]
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The same, given away, and what reads the answer.
    #[must_use]
    pub fn into_parts(self) -> (Frame, ReadAnswer<A>) {
        (self.frame, self.read)
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// Those of what was asked for; `NotOperational` for what is no answer to it.
    pub fn read(&self, answer: &Frame) -> Result<A, FirmwareError> {
        (self.read)(answer)
    }

    fn new(code: u8, body: &impl Format, read: ReadAnswer<A>) -> Result<Self, FirmwareError> {
        Ok(Self { frame: Frame::new(code, &body.to_bytes().map_err(malformed)?), read })
    }
}

/// [`crate::Firmware::status`].
///
/// # Errors
/// None today.
pub fn status() -> Result<Call<Status>, FirmwareError> {
    Call::new(STATUS, &Empty {}, |answer| {
        let answer: StatusAnswer = read(answer)?;
        Ok(Status {
            sam_id: answer.sam_id.as_str().to_owned(),
            module_key_id: answer.module_key_id.as_str().to_owned(),
            generation: answer.generation,
            idps: usize::from(answer.idps),
            signing_key: answer.signing_key.into_bytes(),
            checkpoint_key: answer.checkpoint_key.into_bytes(),
        })
    })
}

/// [`crate::Firmware::generate`].
///
/// # Errors
/// `Malformed` for what no call can hold; so with all of them.
pub fn generate(order: &KeyOrder<'_>) -> Result<Call<NewKey>, FirmwareError> {
    let call = GenerateCall {
        key_id: Text::new(order.key_id).map_err(malformed)?,
        user_id: Text::new(order.user_id).map_err(malformed)?,
        spec: spec_code(order.spec),
        created: order.created,
    };
    Call::new(GENERATE, &call, |answer| {
        let key: GenerateAnswer = read(answer)?;
        Ok(NewKey {
            wrapped_key: key.wrapped_key.into_bytes(),
            public_key: key.public_key.into_bytes(),
            csr: key.csr.into_bytes(),
        })
    })
}

/// [`crate::Firmware::verify_token`].
///
/// # Errors
/// `Malformed`.
pub fn verify_token(token: &[u8], registered: Option<&[Vec<u8>]>) -> Result<Call<Vec<u8>>, FirmwareError> {
    let registered = registered.map(certificates).transpose()?;
    Call::new(VERIFY_TOKEN, &VerifyTokenCall { token: octets(token)?, registered }, value)
}

/// [`crate::Firmware::verify_message`].
///
/// # Errors
/// `Malformed`.
pub fn verify_message(
    certificate: &[u8],
    algorithm: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<Call<()>, FirmwareError> {
    let call = VerifyMessageCall {
        certificate: octets(certificate)?,
        algorithm: octets(algorithm)?,
        message: octets(message)?,
        signature: octets(signature)?,
    };
    Call::new(VERIFY_MESSAGE, &call, nothing)
}

/// [`crate::Firmware::admit`].
///
/// # Errors
/// `Malformed`.
pub fn admit(order: &SignOrder<'_>) -> Result<Call<Admission>, FirmwareError> {
    let call = AdmitCall {
        sad: octets(order.sad)?,
        user_id: Text::new(order.user_id).map_err(malformed)?,
        registered: certificates(order.registered)?,
        wrapped_key: order.wrapped_key.map(octets).transpose()?,
    };
    Call::new(ADMIT, &call, read)
}

/// [`crate::Firmware::sign`], on the connection that it was admitted on. To be asked for once: when the connection
/// breaks, it stays unknown whether the signatures were made; nobody has them.
///
/// # Errors
/// None today.
pub fn sign(admission: &Admission) -> Result<Call<Vec<Vec<u8>>>, FirmwareError> {
    Call::new(SIGN, admission, |answer| {
        let signatures = read::<Signatures>(answer)?.signatures;
        Ok(signatures.into_vec().into_iter().map(Octets::into_bytes).collect())
    })
}

/// That an admission is not to be signed, on the connection that has it.
///
/// # Errors
/// None today.
pub fn forget(admission: &Admission) -> Result<Call<()>, FirmwareError> {
    Call::new(FORGET, admission, nothing)
}

/// [`crate::Firmware::integrity_key`].
///
/// # Errors
/// None today.
pub fn integrity_key() -> Result<Call<Zeroizing<[u8; 32]>>, FirmwareError> {
    Call::new(INTEGRITY_KEY, &Empty {}, |answer| {
        let body = body(answer)?;
        let mut key = Zeroizing::new([0; 32]);
        if body.len() != key.len() {
            return Err(strange());
        }
        key.copy_from_slice(body);
        Ok(key)
    })
}

/// [`crate::Firmware::sign_checkpoint`].
///
/// # Errors
/// `Malformed`.
pub fn sign_checkpoint(checkpoint: &[u8]) -> Result<Call<Vec<u8>>, FirmwareError> {
    Call::new(SIGN_CHECKPOINT, &Value { value: octets(checkpoint)? }, value)
}

/// [`crate::Firmware::verify_checkpoint`]; `None` for a signature longer than any, which is not ours.
///
/// # Errors
/// `Malformed`.
pub fn verify_checkpoint(checkpoint: &[u8], signature: &[u8]) -> Result<Option<Call<bool>>, FirmwareError> {
    let Ok(signature) = Octets::new(signature) else { return Ok(None) };
    let call = VerifyCheckpointCall { checkpoint: octets(checkpoint)?, signature };
    Call::new(VERIFY_CHECKPOINT, &call, verdict).map(Some)
}

/// [`crate::Firmware::verify_wrapped_key`]; `None` for what is too long to be one.
///
/// # Errors
/// None today.
pub fn verify_wrapped_key(wrapped_key: &[u8]) -> Result<Option<Call<bool>>, FirmwareError> {
    let Ok(value) = Octets::new(wrapped_key) else { return Ok(None) };
    Call::new(VERIFY_WRAPPED_KEY, &Value { value }, verdict).map(Some)
}

/// [`crate::Firmware::set_idp_keys`].
///
/// # Errors
/// `Certificate`, `Logon`: what no call can hold.
pub fn set_idp_keys(logons: &[Logon], certificates: &[Vec<u8>]) -> Result<Call<()>, FirmwareError> {
    Ok(Call { frame: Frame::new(SET_IDP_KEYS, &Import::encode(logons, certificates)?), read: nothing })
}

/// [`crate::Firmware::administer`].
///
/// # Errors
/// What no call can hold.
pub fn administer(logons: &[Logon], changes: &Changes) -> Result<Call<()>, FirmwareError> {
    Ok(Call { frame: Frame::new(ADMINISTER, &Administration::encode(logons, changes)?), read: nothing })
}

/// The number and the hash of the row that the newest checkpoint covers, if there is one.
pub type Anchor = Option<(u64, [u8; 32])>;

/// [`crate::Firmware::anchor`].
///
/// # Errors
/// None today.
pub fn anchor(sam: &[u8; 32]) -> Result<Call<Anchor>, FirmwareError> {
    Call::new(ANCHOR, &Value { value: octets(sam)? }, |answer| {
        let answer = value(answer)?;
        if answer.is_empty() {
            return Ok(None);
        }
        let (number, hash) = answer.split_first_chunk().ok_or_else(strange)?;
        Ok(Some((u64::from_be_bytes(*number), hash.try_into().map_err(|_| strange())?)))
    })
}

/// [`crate::Firmware::forgotten`].
///
/// # Errors
/// None today.
pub fn forgotten(sam: &[u8; 32]) -> Result<Call<ForgottenAnchors>, FirmwareError> {
    Call::new(FORGOTTEN, &Value { value: octets(sam)? }, read)
}

/// [`crate::Firmware::forgotten_is_recorded`].
///
/// # Errors
/// None today.
pub fn forgotten_is_recorded(recorded: &ForgottenAnchors) -> Result<Call<()>, FirmwareError> {
    Call::new(FORGOTTEN_IS_RECORDED, recorded, nothing)
}

fn value(answer: &Frame) -> Result<Vec<u8>, FirmwareError> {
    read::<Value>(answer).map(|answer| answer.value.into_bytes())
}

fn verdict(answer: &Frame) -> Result<bool, FirmwareError> {
    read::<Verdict>(answer).map(|answer| answer.valid)
}

fn nothing(answer: &Frame) -> Result<(), FirmwareError> {
    read::<Empty>(answer).map(|_| ())
}

fn read<T: Format>(answer: &Frame) -> Result<T, FirmwareError> {
    T::parse(body(answer)?).map_err(|_| strange())
}

fn body(answer: &Frame) -> Result<&[u8], FirmwareError> {
    match answer.code() {
        OK => Ok(answer.body()),
        status => Err(error_of(status, answer.body()).unwrap_or_else(strange)),
    }
}

fn certificates(list: &[Vec<u8>]) -> Result<Certificates, FirmwareError> {
    let list = list.iter().map(|der| octets(der)).collect::<Result<_, _>>()?;
    List::new(list).map_err(malformed)
}

fn octets<const MIN: usize, const MAX: usize>(bytes: &[u8]) -> Result<Octets<MIN, MAX>, FirmwareError> {
    Octets::new(bytes).map_err(malformed)
}

fn malformed(_: tw4s_formats::Error) -> FirmwareError {
    FirmwareError::Malformed
}

fn strange() -> FirmwareError {
    FirmwareError::NotOperational("what answers at its socket does not speak its protocol".to_owned())
}
