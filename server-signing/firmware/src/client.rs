//! The SAM's side of the socket.
//!
//! A [`Client`] holds connections that nobody uses, and lends one per call; when there is none, it makes one. So it may
//! be used from any number of threads. A firmware that is not there is `NotOperational`, and is looked for again with
//! the next call.

use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use tw4s_formats::{Format, List, Octets, Text};
use zeroize::Zeroizing;

use crate::administrator::{Changes, Logon};
use crate::error::FirmwareError;
use crate::firmware::{KeyOrder, NewKey, SignOrder, Status};
use crate::protocol::{
    ADMINISTER, ADMIT, ANCHOR, Administration, AdmitCall, Certificates, Empty, Frame, GENERATE, GenerateAnswer,
    GenerateCall, INTEGRITY_KEY, Import, MAX_ANSWER, OK, SET_IDP_KEYS, SIGN, SIGN_CHECKPOINT, STATUS, Signatures,
    StatusAnswer, VERIFY_CHECKPOINT, VERIFY_MESSAGE, VERIFY_TOKEN, VERIFY_WRAPPED_KEY, Value, Verdict,
    VerifyCheckpointCall, VerifyMessageCall, VerifyTokenCall, error_of, spec_code,
};
use crate::socket::{own_uid, peer_uid};

/// The firmware, from outside.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    /// The user whose process must answer at the socket.
    uid: u32,
    idle: Mutex<Vec<Connection>>,
}

impl Client {
    /// The firmware at this socket, which runs as the user of this process. It need not be there yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self::of_user(path, own_uid())
    }

    /// The same, run by another user: whoever else listens there is not believed.
    #[must_use]
    pub fn of_user(path: &Path, uid: u32) -> Self {
        Self { path: path.to_owned(), uid, idle: Mutex::default() }
    }

    /// As [`crate::Firmware::status`].
    ///
    /// # Errors
    /// `NotOperational`.
    pub fn status(&self) -> Result<Status, FirmwareError> {
        let answer: StatusAnswer = self.call(STATUS, &Empty {})?;
        Ok(Status {
            sam_id: answer.sam_id.as_str().to_owned(),
            module_key_id: answer.module_key_id.as_str().to_owned(),
            generation: answer.generation,
            idps: usize::from(answer.idps),
            signing_key: answer.signing_key.into_bytes(),
            checkpoint_key: answer.checkpoint_key.into_bytes(),
        })
    }

    /// As [`crate::Firmware::generate`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn generate(&self, order: &KeyOrder<'_>) -> Result<NewKey, FirmwareError> {
        let call = GenerateCall {
            key_id: Text::new(order.key_id).map_err(malformed)?,
            user_id: Text::new(order.user_id).map_err(malformed)?,
            spec: spec_code(order.spec),
            created: order.created,
        };
        let key: GenerateAnswer = self.call(GENERATE, &call)?;
        Ok(NewKey {
            wrapped_key: key.wrapped_key.into_bytes(),
            public_key: key.public_key.into_bytes(),
            csr: key.csr.into_bytes(),
        })
    }

    /// As [`crate::Firmware::verify_token`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn verify_token(&self, token: &[u8], registered: Option<&[Vec<u8>]>) -> Result<Vec<u8>, FirmwareError> {
        let registered = registered.map(certificates).transpose()?;
        let call = VerifyTokenCall { token: octets(token)?, registered };
        Ok(self.call::<_, Value>(VERIFY_TOKEN, &call)?.value.into_bytes())
    }

    /// As [`crate::Firmware::verify_message`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn verify_message(
        &self,
        certificate: &[u8],
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), FirmwareError> {
        let call = VerifyMessageCall {
            certificate: octets(certificate)?,
            algorithm: octets(algorithm)?,
            message: octets(message)?,
            signature: octets(signature)?,
        };
        self.call::<_, Empty>(VERIFY_MESSAGE, &call).map(|_| ())
    }

    /// As [`crate::Firmware::admit`]. What is admitted holds a connection until it is signed or dropped.
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn admit(&self, order: &SignOrder<'_>) -> Result<Admission<'_>, FirmwareError> {
        let call = AdmitCall {
            sad: octets(order.sad)?,
            user_id: Text::new(order.user_id).map_err(malformed)?,
            registered: certificates(order.registered)?,
            wrapped_key: order.wrapped_key.map(octets).transpose()?,
        };
        let call = Frame::new(ADMIT, &call.to_bytes().map_err(malformed)?);
        let (answer, connection) = self.exchange(&call)?;
        match read::<Empty>(&answer) {
            Ok(_) => Ok(Admission { connection, client: self }),
            Err(error) => {
                self.keep(connection);
                Err(error)
            }
        }
    }

    /// As [`crate::Firmware::integrity_key`].
    ///
    /// # Errors
    /// `NotOperational`.
    pub fn integrity_key(&self) -> Result<Zeroizing<[u8; 32]>, FirmwareError> {
        let call = Frame::new(INTEGRITY_KEY, &Empty {}.to_bytes().map_err(malformed)?);
        let (answer, connection) = self.exchange(&call)?;
        self.keep(connection);
        let body = body(&answer)?;
        let mut key = Zeroizing::new([0; 32]);
        if body.len() != key.len() {
            return Err(strange());
        }
        key.copy_from_slice(body);
        Ok(key)
    }

    /// As [`crate::Firmware::sign_checkpoint`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn sign_checkpoint(&self, checkpoint: &[u8]) -> Result<Vec<u8>, FirmwareError> {
        let call = Value { value: octets(checkpoint)? };
        Ok(self.call::<_, Value>(SIGN_CHECKPOINT, &call)?.value.into_bytes())
    }

    /// As [`crate::Firmware::verify_checkpoint`]. A signature longer than any is not ours.
    ///
    /// # Errors
    /// `NotOperational`.
    pub fn verify_checkpoint(&self, checkpoint: &[u8], signature: &[u8]) -> Result<bool, FirmwareError> {
        let Ok(signature) = Octets::new(signature) else { return Ok(false) };
        let call = VerifyCheckpointCall { checkpoint: octets(checkpoint)?, signature };
        Ok(self.call::<_, Verdict>(VERIFY_CHECKPOINT, &call)?.valid)
    }

    /// As [`crate::Firmware::verify_wrapped_key`]. What is too long to be one is none of ours.
    ///
    /// # Errors
    /// `NotOperational`.
    pub fn verify_wrapped_key(&self, wrapped_key: &[u8]) -> Result<bool, FirmwareError> {
        let Ok(value) = Octets::new(wrapped_key) else { return Ok(false) };
        Ok(self.call::<_, Verdict>(VERIFY_WRAPPED_KEY, &Value { value })?.valid)
    }

    /// As [`crate::Firmware::set_idp_keys`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn set_idp_keys(&self, logons: &[Logon], certificates: &[Vec<u8>]) -> Result<(), FirmwareError> {
        let (answer, connection) = self.exchange(&Frame::new(SET_IDP_KEYS, &Import::encode(logons, certificates)?))?;
        self.keep(connection);
        read::<Empty>(&answer).map(|_| ())
    }

    /// As [`crate::Firmware::anchor`].
    ///
    /// # Errors
    /// `NotOperational`.
    pub fn anchor(&self, sam: &[u8; 32]) -> Result<Option<(u64, [u8; 32])>, FirmwareError> {
        let answer = self.call::<_, Value>(ANCHOR, &Value { value: octets(sam)? })?.value.into_bytes();
        if answer.is_empty() {
            return Ok(None);
        }
        let (number, hash) = answer.split_first_chunk().ok_or_else(strange)?;
        Ok(Some((u64::from_be_bytes(*number), hash.try_into().map_err(|_| strange())?)))
    }

    /// As [`crate::Firmware::administer`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn administer(&self, logons: &[Logon], changes: &Changes) -> Result<(), FirmwareError> {
        let (answer, connection) = self.exchange(&Frame::new(ADMINISTER, &Administration::encode(logons, changes)?))?;
        self.keep(connection);
        read::<Empty>(&answer).map(|_| ())
    }

    fn call<C: Format, A: Format>(&self, code: u8, call: &C) -> Result<A, FirmwareError> {
        let (answer, connection) = self.exchange(&Frame::new(code, &call.to_bytes().map_err(malformed)?))?;
        self.keep(connection);
        read(&answer)
    }

    /// Sends a call and receives its answer. An idle connection may have died with the firmware that it was made to;
    /// then all of them have, and the call is made once more on a new one. None of the calls does harm when it is done
    /// twice: the one that would, SIGN, does not come here.
    fn exchange(&self, call: &Frame) -> Result<(Frame, Connection), FirmwareError> {
        let idle = self.idle.lock().pop();
        if let Some(mut connection) = idle {
            match connection.exchange(call) {
                Ok(answer) => return Ok((answer, connection)),
                Err(error) if is_timeout(&error) => return Err(not_operational(error)),
                Err(_) => self.idle.lock().clear(),
            }
        }
        let mut connection = self.connect().map_err(not_operational)?;
        let answer = connection.exchange(call).map_err(not_operational)?;
        Ok((answer, connection))
    }

    fn connect(&self) -> io::Result<Connection> {
        let stream = UnixStream::connect(&self.path)?;
        if peer_uid(&stream)? != self.uid {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user listens at the socket"));
        }
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(CALL_TIMEOUT))?;
        Ok(Connection { reader: BufReader::new(stream) })
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
    }
}

/// A signing that was admitted and waits to be done. Dropped, nothing is signed.
#[derive(Debug)]
pub struct Admission<'c> {
    connection: Connection,
    client: &'c Client,
}

impl Admission<'_> {
    /// As [`crate::Firmware::sign`]. It is asked for once: when the connection breaks, it stays unknown whether the
    /// signatures were made; nobody has them.
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn sign(self) -> Result<Vec<Vec<u8>>, FirmwareError> {
        let Self { mut connection, client } = self;
        let call = Frame::new(SIGN, &Empty {}.to_bytes().map_err(malformed)?);
        let answer = connection.exchange(&call).map_err(not_operational)?;
        client.keep(connection);
        let signatures = read::<Signatures>(&answer)?.signatures;
        Ok(signatures.into_vec().into_iter().map(Octets::into_bytes).collect())
    }
}

#[derive(Debug)]
struct Connection {
    reader: BufReader<UnixStream>,
}

impl Connection {
    fn exchange(&mut self, call: &Frame) -> io::Result<Frame> {
        call.write(&mut self.reader.get_ref())?;
        Frame::read(&mut self.reader, MAX_ANSWER)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
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

fn not_operational(error: io::Error) -> FirmwareError {
    FirmwareError::NotOperational(format!("its socket: {error}"))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn strange() -> FirmwareError {
    FirmwareError::NotOperational("what answers at its socket does not speak its protocol".to_owned())
}

/// A firmware that does not answer for so long hangs. RSA-4096 keys take seconds, in an HSM many of them.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// A firmware that does not read a call for so long hangs.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections that are kept; more threads than this at once make and drop theirs.
const MAX_IDLE: usize = 128;
