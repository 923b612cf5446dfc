//! The token: connections to its socket.
//!
//! A connection is taken for a call and put back after it, so that there are as many as there are threads in a call at
//! the same time, and no lock is held meanwhile. A connection that the daemon has closed since is noticed when the call
//! cannot be sent; only then is it sent again, on a new one. A call that went out and has no answer may have had its
//! effect: it fails.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use sks_client::{Client, Error, paths};
use sks_wire::Method;
use sks_wire::method::{decode_response, encode_request};
use zeroize::Zeroizing;

mod stream;

use stream::Stream;

/// Calls that are under way at once at most when many are made. Their answers wait in the socket's buffers, which take
/// some 200 KB.
const PIPELINED: usize = 64;

/// The token that a process talks to.
pub(crate) struct Token {
    socket: PathBuf,
    idle: Mutex<Vec<Client<Stream>>>,
    breaks: AtomicU32,
}

impl Token {
    /// The token where the environment says it is.
    pub(crate) fn new() -> Self {
        Self { socket: paths::defaults().socket, idle: Mutex::default(), breaks: AtomicU32::new(0) }
    }

    /// Calls a method.
    pub(crate) fn call<M: Method>(&self, request: &M) -> Result<M::Response, Error> {
        let mut client = self.send(|client| client.send(request))?;
        let answer = client.receive::<M>();
        self.keep(client, &answer);
        answer
    }

    /// Calls with a method byte string, as an issuer's transport does.
    pub(crate) fn call_raw(&self, call: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.call_raw_while(call, || {})
    }

    /// As [`Token::call_raw`], and does `meanwhile` while the token works.
    pub(crate) fn call_raw_while(&self, call: &[u8], meanwhile: impl FnOnce()) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut client = self.send(|client| client.send_raw(call))?;
        meanwhile();
        let answer = client.receive_raw();
        self.keep(client, &answer);
        answer
    }

    /// Makes many calls, and gives their answers in order. For calls that are short. If the connection ends, nothing is
    /// known of any.
    pub(crate) fn call_all<M: Method>(&self, requests: &[M]) -> Result<Vec<Result<M::Response, Error>>, Error> {
        let mut answers = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(PIPELINED) {
            let calls: Vec<_> = chunk.iter().map(encode_request).collect();
            answers.extend(self.call_all_raw(&calls)?.iter().map(|answer| Ok(decode_response::<M>(answer)??)));
        }
        Ok(answers)
    }

    /// Sends method byte strings in one go, and gives their answers in order. For no more than the socket's buffers
    /// take.
    pub(crate) fn call_all_raw(&self, calls: &[Zeroizing<Vec<u8>>]) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
        self.call_all_raw_while(calls, || {})
    }

    /// As [`Token::call_all_raw`], and does `meanwhile` while the token works.
    pub(crate) fn call_all_raw_while(
        &self,
        calls: &[Zeroizing<Vec<u8>>],
        meanwhile: impl FnOnce(),
    ) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
        // Room first, so that no copy is left unwiped where it has grown.
        let length = calls.iter().map(|call| 4 + call.len()).sum();
        let mut frames = Zeroizing::new(Vec::with_capacity(length));
        for call in calls {
            frames.extend_from_slice(&u32::try_from(call.len()).unwrap_or(u32::MAX).to_be_bytes());
            frames.extend_from_slice(call);
        }
        let mut client = self.send(|client| client.stream().send_all(&frames).map_err(Error::Connection))?;
        meanwhile();
        let answers = calls.iter().map(|_| client.receive_raw()).collect();
        self.keep(client, &answers);
        answers
    }

    /// How often a connection has ended: behind the socket there may be another token since.
    pub(crate) fn breaks(&self) -> u32 {
        self.breaks.load(Ordering::Relaxed)
    }

    /// Closes the connections that are not in a call.
    pub(crate) fn disconnect(&self) {
        // Never waits: after a fork the lock may be held by a thread that is not there.
        if let Some(mut idle) = self.idle.try_lock() {
            idle.clear();
        }
    }

    /// Sends on a kept connection, or on a new one if that has ended.
    fn send(&self, send: impl Fn(&mut Client<Stream>) -> Result<(), Error>) -> Result<Client<Stream>, Error> {
        let kept = self.idle.lock().pop();
        if let Some(mut client) = kept {
            match send(&mut client) {
                Ok(()) => return Ok(client),
                // The frame did not go out whole, so it has no effect. The others are as old.
                Err(Error::Connection(_)) => {
                    self.breaks.fetch_add(1, Ordering::Relaxed);
                    self.disconnect();
                }
                Err(error) => {
                    self.idle.lock().push(client);
                    return Err(error);
                }
            }
        }
        let mut client = Client::new(Stream::connect(&self.socket)?);
        send(&mut client)?;
        Ok(client)
    }

    fn keep<T>(&self, client: Client<Stream>, answer: &Result<T, Error>) {
        if matches!(answer, Ok(_) | Err(Error::Refused(_) | Error::Protocol(_))) {
            self.idle.lock().push(client);
        } else {
            self.breaks.fetch_add(1, Ordering::Relaxed);
        }
    }
}
