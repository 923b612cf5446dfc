//! The two enumerations as iterators.

use std::io::{Read, Write};

use sks_wire::method::{enumerate_keys, enumerate_provisioning_sessions};
use sks_wire::types::{Enumerated, KeyHandle, NO_HANDLE, ProvisioningHandle};
use sks_wire::{DecodeError, Kind};

use crate::client::Client;
use crate::error::Error;

/// A key and its handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Its handle.
    pub handle: KeyHandle,
    /// What enumerateKeys tells of it.
    pub key: enumerate_keys::Key,
}

/// A session and its handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSession {
    /// Its handle.
    pub handle: ProvisioningHandle,
    /// What enumerateProvisioningSessions tells of it.
    pub session: enumerate_provisioning_sessions::Session,
}

/// The keys of a token, by ascending handle; one call each. It ends after the first error.
#[derive(Debug)]
pub struct Keys<'a, S> {
    client: &'a mut Client<S>,
    /// The handle to go on from; `None` at the end.
    after: Option<u32>,
}

/// The sessions of a token, by ascending handle; one call each. It ends after the first error.
#[derive(Debug)]
pub struct Sessions<'a, S> {
    client: &'a mut Client<S>,
    after: Option<u32>,
}

impl<S: Read + Write> Client<S> {
    /// Lists the keys of all sessions, open and closed.
    pub fn keys(&mut self) -> Keys<'_, S> {
        Keys { client: self, after: Some(NO_HANDLE) }
    }

    /// Lists the sessions, open and closed.
    pub fn sessions(&mut self) -> Sessions<'_, S> {
        Sessions { client: self, after: Some(NO_HANDLE) }
    }
}

impl<S: Read + Write> Iterator for Keys<'_, S> {
    type Item = Result<ListedKey, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let after = self.after.take()?;
        let answer = self.client.call(&enumerate_keys::Request { key_handle: KeyHandle(after) });
        let found = step(&mut self.after, after, answer.map(|a| a.next));
        Some(found?.map(|(handle, key)| ListedKey { handle: KeyHandle(handle), key }))
    }
}

impl<S: Read + Write> Iterator for Sessions<'_, S> {
    type Item = Result<ListedSession, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let after = self.after.take()?;
        let call = enumerate_provisioning_sessions::Request { provisioning_handle: ProvisioningHandle(after) };
        let answer = self.client.call(&call);
        let found = step(&mut self.after, after, answer.map(|a| a.next));
        Some(found?.map(|(handle, session)| ListedSession { handle: ProvisioningHandle(handle), session }))
    }
}

/// What an iterator makes of one answer. A token whose handles do not ascend would be asked for ever, so such an
/// answer is an error.
fn step<T>(
    after: &mut Option<u32>,
    asked: u32,
    answer: Result<Enumerated<T>, Error>,
) -> Option<Result<(u32, T), Error>> {
    match answer {
        Err(error) => Some(Err(error)),
        Ok(Enumerated::End) => None,
        Ok(Enumerated::Next { handle, item }) => {
            if asked != NO_HANDLE && handle <= asked {
                return Some(Err(DecodeError { kind: Kind::Terminator, at: 1, field: "next" }.into()));
            }
            *after = Some(handle);
            Some(Ok((handle, item)))
        }
    }
}
