//! The management of a running instance: what the guide does over a REST service of the SAM service. Here it is a Unix
//! socket beside the peering one, for the owner of the home alone; the frames are those of [`crate::listen`].
//!
//! A call is a word, a space and its content; an answer is `ok` or `failed`, a space and a text.

use std::io;
use std::path::PathBuf;

use tw4s_formats::operation::{Certificates, CreateNewPrivilegedUser};
use tw4s_formats::{Format, List, Octets, Role, Text};

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
    /// Check the data.
    IntegrityData,
    /// Register a user.
    Enrol(Role, CreateNewPrivilegedUser),
}

impl Call {
    /// Reads a call; nothing for one that is none.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes == INTEGRITY {
            return Some(Self::IntegrityData);
        }
        let rest = bytes.strip_prefix(ENROL)?;
        let space = rest.iter().position(|byte| *byte == b' ')?;
        let role = Role::from_name(std::str::from_utf8(rest.get(..space)?).ok()?).ok()?;
        Some(Self::Enrol(role, CreateNewPrivilegedUser::parse(rest.get(space + 1..)?).ok()?))
    }
}

/// Has a running instance check its data; says what was checked.
///
/// # Errors
/// [`ControlError`].
pub(crate) fn integrity(place: &Place) -> Result<String, ControlError> {
    call(place, INTEGRITY)
}

/// Has a running instance register a user.
///
/// # Errors
/// [`ControlError`].
pub(crate) fn enrol(place: &Place, role: &str, user: &str, certificates: &[Vec<u8>]) -> Result<String, ControlError> {
    let certificates = certificates.iter().map(|der| Octets::new(der.as_slice())).collect::<Result<_, _>>()?;
    let certificates: Certificates = List::new(certificates)?;
    let user = CreateNewPrivilegedUser { userid: Text::new(user)?, certificates };
    call(place, &[ENROL, role.as_bytes(), b" ", &user.to_bytes()?].concat())
}

fn call(place: &Place, call: &[u8]) -> Result<String, ControlError> {
    let silent = |source| ControlError::Silent { path: place.control.clone(), source };
    let answer = Peer::connect(&place.control).and_then(|mut peer| peer.call(call)).map_err(silent)?;
    let text = String::from_utf8_lossy(&answer);
    match text.split_once(' ') {
        Some((OK, said)) => Ok(said.to_owned()),
        Some((REFUSED, said)) => Err(ControlError::Refused(said.to_owned())),
        _ => Err(silent(io::ErrorKind::InvalidData.into())),
    }
}

/// The answer to a call.
pub(crate) fn encode(result: Result<String, String>) -> Vec<u8> {
    match result {
        Ok(said) => format!("{OK} {said}").into_bytes(),
        Err(said) => format!("{REFUSED} {said}").into_bytes(),
    }
}

const INTEGRITY: &[u8] = b"integrity data";
const ENROL: &[u8] = b"enrol ";
const OK: &str = "ok";
const REFUSED: &str = "failed";
