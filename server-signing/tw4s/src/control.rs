//! The management of a running instance: what the guide does over a REST service of the SAM service. Here it is a Unix
//! socket beside the peering one, for the owner of the home alone; the frames are those of [`crate::listen`].
//!
//! A call is words between spaces, for `enrol` with DER behind them; an answer is `ok` or `failed`, a space and what
//! there is to say: a text, or rows ([`crate::rows`]).

use std::io;
use std::path::PathBuf;

use tw4s_formats::operation::{Certificates, CreateNewPrivilegedUser};
use tw4s_formats::{Format, List, Octets, Role, Text};
use tw4s_sam::audit::Anchor;

use crate::anchor;
use crate::home::Place;
use crate::peer::Peer;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// Nobody answers, or not in frames.
    #[error("no running service answers at {}", path.display())]
    Silent {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The call cannot be written.
    #[error("the call cannot be written")]
    Call(#[from] tw4s_formats::Error),
    /// The service says no.
    #[error("{0}")]
    Refused(String),
}

/// A call, read.
#[derive(Debug)]
pub(crate) enum Call {
    /// Check the data; the audit log must have these rows.
    IntegrityData(Vec<Anchor>),
    /// Give rows of the audit log, from this number on.
    AuditRows(u64),
    /// Have the audit log signed as it stands, and give the row.
    AuditAnchor,
    /// Register a user.
    Enrol(Role, CreateNewPrivilegedUser),
}

impl Call {
    /// Reads a call; nothing for one that is none.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if let Some(anchors) = bytes.strip_prefix(INTEGRITY) {
            let anchors = std::str::from_utf8(anchors).ok()?.split_terminator('\n');
            return anchors.map(anchor::parse).collect::<Option<_>>().map(Self::IntegrityData);
        }
        if let Some(number) = bytes.strip_prefix(ROWS) {
            return std::str::from_utf8(number).ok()?.parse().ok().map(Self::AuditRows);
        }
        if bytes == ANCHOR {
            return Some(Self::AuditAnchor);
        }
        let rest = bytes.strip_prefix(ENROL)?;
        let space = rest.iter().position(|byte| *byte == b' ')?;
        let role = Role::from_name(std::str::from_utf8(rest.get(..space)?).ok()?).ok()?;
        Some(Self::Enrol(role, CreateNewPrivilegedUser::parse(rest.get(space + 1..)?).ok()?))
    }
}

/// The service of a running instance, as this socket reaches it.
pub(crate) struct Control {
    peer: Peer,
    path: PathBuf,
}

impl Control {
    /// Connects.
    pub(crate) fn connect(place: &Place) -> Result<Self, ControlError> {
        let path = place.control.clone();
        match Peer::connect(&path) {
            Ok(peer) => Ok(Self { peer, path }),
            Err(source) => Err(ControlError::Silent { path, source }),
        }
    }

    /// Has it check its data; says what was checked.
    pub(crate) fn integrity(&mut self, anchors: &[Anchor]) -> Result<String, ControlError> {
        let lines = anchors.iter().map(|anchor| format!("{}\n", anchor::text(anchor)));
        self.text(&[INTEGRITY, lines.collect::<String>().as_bytes()].concat())
    }

    /// Rows of its audit log from a number on, as [`crate::rows::encode`] writes them.
    pub(crate) fn audit_rows(&mut self, from: u64) -> Result<Vec<u8>, ControlError> {
        self.call(&[ROWS, from.to_string().as_bytes()].concat())
    }

    /// Has it sign its audit log; the row that is signed.
    pub(crate) fn audit_anchor(&mut self) -> Result<Anchor, ControlError> {
        let said = self.text(ANCHOR)?;
        anchor::parse(&said).ok_or_else(|| self.silent(io::ErrorKind::InvalidData.into()))
    }

    /// Has it register a user.
    pub(crate) fn enrol(&mut self, role: &str, user: &str, certificates: &[Vec<u8>]) -> Result<String, ControlError> {
        let certificates = certificates.iter().map(|der| Octets::new(der.as_slice())).collect::<Result<_, _>>()?;
        let certificates: Certificates = List::new(certificates)?;
        let user = CreateNewPrivilegedUser { userid: Text::new(user)?, certificates };
        self.text(&[ENROL, role.as_bytes(), b" ", &user.to_bytes()?].concat())
    }

    fn text(&mut self, call: &[u8]) -> Result<String, ControlError> {
        self.call(call).map(|said| String::from_utf8_lossy(&said).into_owned())
    }

    fn call(&mut self, call: &[u8]) -> Result<Vec<u8>, ControlError> {
        let answer = self.peer.call(call).map_err(|source| self.silent(source))?;
        match (answer.strip_prefix(OK), answer.strip_prefix(REFUSED)) {
            (Some(said), _) => Ok(said.to_vec()),
            (_, Some(said)) => Err(ControlError::Refused(String::from_utf8_lossy(said).into_owned())),
            _ => Err(self.silent(io::ErrorKind::InvalidData.into())),
        }
    }

    fn silent(&self, source: io::Error) -> ControlError {
        ControlError::Silent { path: self.path.clone(), source }
    }
}

/// The answer to a call.
pub(crate) fn encode(result: Result<Vec<u8>, String>) -> Vec<u8> {
    match result {
        Ok(said) => [OK, &said].concat(),
        Err(said) => [REFUSED, said.as_bytes()].concat(),
    }
}

const INTEGRITY: &[u8] = b"integrity data ";
const ROWS: &[u8] = b"audit rows ";
const ANCHOR: &[u8] = b"audit anchor";
const ENROL: &[u8] = b"enrol ";
const OK: &[u8] = b"ok ";
const REFUSED: &[u8] = b"failed ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_call_is_not_read() {
        let hash = "a5".repeat(32);
        for good in ["integrity data ", &format!("integrity data 1 {hash}\n2 {hash}\n"), "audit rows 1", "audit anchor"]
        {
            assert!(Call::decode(good.as_bytes()).is_some(), "{good}");
        }
        for bad in
            ["", "integrity data", "integrity data 1\n", "audit rows ", "audit rows -1", "audit anchor ", "enrol "]
        {
            assert!(Call::decode(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
