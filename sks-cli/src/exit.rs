//! Why a command fails, and its exit code: the only place that knows the codes.
//!
//! | Code | Meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | the token refused; its status and its text are shown |
//! | 2 | wrong usage, which includes what clap refuses itself |
//! | 3 | no token there |
//! | 4 | any other failure |

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use program::{secret, story};
use serde_json::{Value, json};
use sks_client::Error as ClientError;
use sks_issuer::Error as IssuerError;
use sks_wire::{MethodId, Refused, Response};

use crate::output;

/// Why a command fails.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The token answered, and its answer is no.
    Refused(Refused),
    /// The command was given something that it cannot take.
    Usage(String),
    /// Nobody listens on the socket.
    Absent(anyhow::Error),
    /// Anything else, told by its chain of sources; no `Display` of ours repeats its source.
    Other(anyhow::Error),
}

impl Failure {
    /// Builds a usage error.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Builds the closure that `map_err` wants: what was being done, then the cause.
    pub(crate) fn doing<E>(what: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Error + Send + Sync + 'static,
    {
        let what = what.into();
        move |source| Self::Other(anyhow::Error::new(source).context(what))
    }

    /// Builds a failure out of a text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Other(anyhow::Error::msg(text.into()))
    }

    /// Wraps an error that says all by itself.
    pub(crate) fn other(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Other(anyhow::Error::new(error))
    }

    fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Absent(_) => 3,
            Self::Other(_) => 4,
        }
    }

    /// The form in JSON; docs/cli.md has it.
    fn json(&self) -> Value {
        let (status, value, text) = match self {
            Self::Refused(Refused { status, text }) => (Some(status.name()), Some(status.value()), text.clone()),
            other => (None, None, other.to_string()),
        };
        json!({ "error": { "exit_code": self.code(), "status": status, "status_value": value, "text": text } })
    }
}

/// The refusal that an answer's bytes hold, if it is one.
pub(crate) fn refusal(answer: &[u8]) -> Option<Refused> {
    // A refusal reads the same for every method.
    answer.first().filter(|status| **status != 0)?;
    Response::decode(MethodId::GetDeviceInfo, answer).ok()?.err()
}

/// Says on stderr why a command failed, if it did, and gives its exit code. With `--json` it says it in JSON.
pub(crate) fn report(result: Result<(), Failure>, json: bool) -> ExitCode {
    let Err(failure) = result else { return ExitCode::SUCCESS };
    match json.then(|| output::json_text(&failure.json())) {
        Some(Ok(text)) => eprint!("{}", String::from_utf8_lossy(&text)),
        // The token's text is in it.
        _ => eprintln!("sks: {}", output::safe(&failure.to_string())),
    }
    ExitCode::from(failure.code())
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => write!(f, "the token refused: {refused}"),
            Self::Usage(text) => f.write_str(text),
            Self::Absent(error) | Self::Other(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(refused) => Self::Refused(refused),
            ClientError::Absent { .. } => Self::Absent(anyhow::Error::new(error)),
            other => Self::other(other),
        }
    }
}

impl From<IssuerError<ClientError>> for Failure {
    fn from(error: IssuerError<ClientError>) -> Self {
        match error {
            IssuerError::Refused(refused) => Self::Refused(refused),
            IssuerError::Transport(error) => error.into(),
            other => Self::other(other),
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::other(error)
    }
}

impl From<story::Error> for Failure {
    fn from(error: story::Error) -> Self {
        Self::other(error)
    }
}

impl From<secret::Error> for Failure {
    fn from(error: secret::Error) -> Self {
        if error.is_usage() { Self::usage(error.to_string()) } else { Self::other(error) }
    }
}
