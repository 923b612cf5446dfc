//! One connection.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use sks_wire::frame;
use sks_wire::method::{self, Method, decode_response, encode_request};
use sks_wire::{DecodeError, Kind};
use zeroize::Zeroizing;

use crate::error::Error;

/// One connection to a token; calls on it are answered in order.
///
/// A request goes out as it is given: what is out of range is the token's to refuse. Only what its length field cannot
/// tell is refused here.
#[derive(Debug)]
pub struct Client<S = UnixStream> {
    stream: S,
    max_response: u32,
    /// Set by a failure that leaves a question without its answer: the next answer would be read as another call's.
    broken: bool,
}

impl Client<UnixStream> {
    /// Connects to the token that listens on `socket`; [`crate::paths::defaults`] says where it usually is.
    ///
    /// No time-out is set: a PUK without a limit costs its delay, and an RSA key its search.
    ///
    /// # Errors
    /// [`Error::Absent`] when nobody listens there, [`Error::Connection`] for any other failure.
    pub fn connect(socket: &Path) -> Result<Self, Error> {
        UnixStream::connect(socket).map(Self::new).map_err(|e| Error::connecting(socket, e))
    }

    /// Bounds the wait for each read and write; `None` waits for ever. A call that runs into it ends the connection's
    /// use, and whether the token acted on it is not known.
    ///
    /// # Errors
    /// [`Error::Connection`] for a zero duration or a closed stream.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        self.stream.set_read_timeout(timeout).map_err(Error::Connection)?;
        self.stream.set_write_timeout(timeout).map_err(Error::Connection)
    }
}

impl<S: Read + Write> Client<S> {
    /// Speaks to a token over any stream.
    pub fn new(stream: S) -> Self {
        Self { stream, max_response: frame::MAX_FRAME, broken: false }
    }

    /// Bounds the answers that are accepted, in bytes; [`frame::MAX_FRAME`] unless set.
    pub fn set_max_response(&mut self, max: u32) {
        self.max_response = max;
    }

    /// The stream, for what only its type can do.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Calls a method.
    ///
    /// # Errors
    /// [`Error::Refused`] with the token's status, and the failures of [`Client::call_raw`].
    pub fn call<M: Method>(&mut self, request: &M) -> Result<M::Response, Error> {
        self.send(request)?;
        self.receive::<M>()
    }

    /// Calls with a method byte string and returns the answer's bytes, status included. Both may hold secrets.
    ///
    /// # Errors
    /// [`Error::Connection`] and [`Error::TooLong`].
    pub fn call_raw(&mut self, call: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.send_raw(call)?;
        self.receive_raw()
    }

    /// Sends a call and leaves its answer on the way. Each is to be received, in the order in which they were sent.
    ///
    /// # Errors
    /// [`Error::Connection`], and [`Error::Argument`] before anything is sent.
    pub fn send<M: Method>(&mut self, request: &M) -> Result<(), Error> {
        let call = encode_request(request);
        fits(request, call.len()).map_err(Error::Argument)?;
        self.send_raw(&call)
    }

    /// Receives the answer to the oldest call still unanswered, which was of `M`.
    ///
    /// # Errors
    /// Those of [`Client::call`].
    pub fn receive<M: Method>(&mut self) -> Result<M::Response, Error> {
        let answer = self.receive_raw()?;
        Ok(decode_response::<M>(&answer)??)
    }

    /// Sends a method byte string; see [`Client::send`].
    ///
    /// # Errors
    /// [`Error::Connection`].
    pub fn send_raw(&mut self, call: &[u8]) -> Result<(), Error> {
        self.guarded(|client| frame::write(&mut client.stream, call).map_err(Error::Connection))
    }

    /// Receives the bytes of the oldest answer; see [`Client::receive`].
    ///
    /// # Errors
    /// [`Error::Connection`] and [`Error::TooLong`].
    pub fn receive_raw(&mut self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.guarded(|client| {
            let answer = frame::read(&mut client.stream, client.max_response)?;
            answer.ok_or_else(|| Error::Connection(io::ErrorKind::UnexpectedEof.into()))
        })
    }

    /// Runs one transfer, and none after one has failed.
    fn guarded<T>(&mut self, transfer: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.broken {
            let text = "an earlier call on this connection has failed";
            return Err(Error::Connection(io::Error::new(io::ErrorKind::NotConnected, text)));
        }
        let result = transfer(self);
        self.broken = result.is_err();
        result
    }
}

/// Refuses an argument that is longer than its length field can tell, and of which only a part would go out.
fn fits<M: Method>(request: &M, encoded: usize) -> Result<(), DecodeError> {
    // Nothing of the kind fits into so few bytes, and most calls are short.
    if encoded <= 2 * usize::from(u8::MAX) {
        return Ok(());
    }
    match request.check() {
        Err(refused) => match refused.kind {
            Kind::Size { max, .. } if max == u32::from(u8::MAX) || encoded > usize::from(u16::MAX) => Err(refused),
            _ => Ok(()),
        },
        Ok(()) => Ok(()),
    }
}

macro_rules! calls {
    ($($number:literal $module:ident $variant:ident $name:literal,)*) => {
        /// One call per method of the table. Each fails as [`Client::call`] does.
        #[allow(clippy::missing_errors_doc, reason = "said once, above")]
        impl<S: Read + Write> Client<S> {$(
            #[doc = concat!("`", $name, "`: see [`method::", stringify!($module), "`].")]
            pub fn $module(
                &mut self,
                request: &method::$module::Request,
            ) -> Result<method::$module::Response, Error> {
                self.call(request)
            }
        )*}
    };
}
sks_wire::for_each_method!(calls);
