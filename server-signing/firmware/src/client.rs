//! The SAM's side of the socket, blocking.
//!
//! A [`Client`] holds connections that nobody uses, and lends one per call; when there is none, it makes one. So it may
//! be used from any number of threads. A firmware that is not there is `NotOperational`, and is looked for again with
//! the next call.

use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::administrator::{Changes, Logon};
use crate::call::{self, Call};
use crate::error::FirmwareError;
use crate::firmware::{KeyOrder, NewKey, SignOrder, Status};
use crate::forgotten::ForgottenAnchors;
use crate::protocol::{Admission, Frame, MAX_ANSWER};
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
        self.call(&call::status()?)
    }

    /// As [`crate::Firmware::generate`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn generate(&self, order: &KeyOrder<'_>) -> Result<NewKey, FirmwareError> {
        self.call(&call::generate(order)?)
    }

    /// As [`crate::Firmware::verify_token`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn verify_token(&self, token: &[u8], registered: Option<&[Vec<u8>]>) -> Result<Vec<u8>, FirmwareError> {
        self.call(&call::verify_token(token, registered)?)
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
        self.call(&call::verify_message(certificate, algorithm, message, signature)?)
    }

    /// As [`crate::Firmware::admit`]. What is admitted holds a connection until it is signed or dropped.
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn admit(&self, order: &SignOrder<'_>) -> Result<Waiting<'_>, FirmwareError> {
        let call = call::admit(order)?;
        let (answer, connection) = self.exchange(call.frame())?;
        match call.read(&answer) {
            Ok(admission) => Ok(Waiting { admission, connection, client: self }),
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
        self.call(&call::integrity_key()?)
    }

    /// As [`crate::Firmware::sign_checkpoint`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn sign_checkpoint(&self, checkpoint: &[u8]) -> Result<Vec<u8>, FirmwareError> {
        self.call(&call::sign_checkpoint(checkpoint)?)
    }

    /// As [`crate::Firmware::verify_checkpoint`]. A signature longer than any is not ours.
    ///
    /// # Errors
    /// `NotOperational`.
    pub fn verify_checkpoint(&self, checkpoint: &[u8], signature: &[u8]) -> Result<bool, FirmwareError> {
        call::verify_checkpoint(checkpoint, signature)?.map_or(Ok(false), |call| self.call(&call))
    }

    /// As [`crate::Firmware::verify_wrapped_key`]. What is too long to be one is none of ours.
    ///
    /// # Errors
    /// `NotOperational`.
    pub fn verify_wrapped_key(&self, wrapped_key: &[u8]) -> Result<bool, FirmwareError> {
        call::verify_wrapped_key(wrapped_key)?.map_or(Ok(false), |call| self.call(&call))
    }

    /// As [`crate::Firmware::set_idp_keys`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn set_idp_keys(&self, logons: &[Logon], certificates: &[Vec<u8>]) -> Result<(), FirmwareError> {
        self.call(&call::set_idp_keys(logons, certificates)?)
    }

    /// As [`crate::Firmware::anchor`].
    ///
    /// # Errors
    /// `NotOperational`.
    pub fn anchor(&self, sam: &[u8; 32]) -> Result<Option<(u64, [u8; 32])>, FirmwareError> {
        self.call(&call::anchor(sam)?)
    }

    /// As [`crate::Firmware::administer`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn administer(&self, logons: &[Logon], changes: &Changes) -> Result<(), FirmwareError> {
        self.call(&call::administer(logons, changes)?)
    }

    /// As [`crate::Firmware::forgotten`].
    ///
    /// # Errors
    /// `NotOperational`.
    pub fn forgotten(&self, sam: &[u8; 32]) -> Result<ForgottenAnchors, FirmwareError> {
        self.call(&call::forgotten(sam)?)
    }

    /// As [`crate::Firmware::forgotten_is_recorded`].
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn forgotten_is_recorded(&self, recorded: &ForgottenAnchors) -> Result<(), FirmwareError> {
        self.call(&call::forgotten_is_recorded(recorded)?)
    }

    fn call<A>(&self, call: &Call<A>) -> Result<A, FirmwareError> {
        let (answer, connection) = self.exchange(call.frame())?;
        self.keep(connection);
        call.read(&answer)
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
pub struct Waiting<'c> {
    admission: Admission,
    connection: Connection,
    client: &'c Client,
}

impl Waiting<'_> {
    /// As [`crate::Firmware::sign`]. It is asked for once: when the connection breaks, it stays unknown whether the
    /// signatures were made; nobody has them.
    ///
    /// # Errors
    /// Its errors, and `NotOperational`.
    pub fn sign(self) -> Result<Vec<Vec<u8>>, FirmwareError> {
        let Self { admission, mut connection, client } = self;
        let call = call::sign(&admission)?;
        let answer = connection.exchange(call.frame()).map_err(not_operational)?;
        client.keep(connection);
        call.read(&answer)
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

fn not_operational(error: io::Error) -> FirmwareError {
    FirmwareError::NotOperational(format!("its socket: {error}"))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// A firmware that does not answer for so long hangs. RSA-4096 keys take seconds, in an HSM many of them.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// A firmware that does not read a call for so long hangs.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections that are kept; more threads than this at once make and drop theirs.
const MAX_IDLE: usize = 128;
