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
    Absent(ClientError),
    /// Anything else, told by its chain of sources.
    Other(Box<dyn Error + Send + Sync>),
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
        move |source| Self::Other(Box::new(Doing { what, source: Box::new(source) }))
    }

    /// Wraps an error that says all by itself.
    pub(crate) fn other(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Other(Box::new(error))
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
            Self::Absent(error) => chain(f, error),
            Self::Other(error) => chain(f, &**error),
        }
    }
}

/// An error and all its sources in one line. No `Display` of ours repeats its source.
fn chain(f: &mut fmt::Formatter<'_>, error: &(dyn Error + 'static)) -> fmt::Result {
    write!(f, "{error}")?;
    let mut source = error.source();
    while let Some(error) = source {
        write!(f, ": {error}")?;
        source = error.source();
    }
    Ok(())
}

#[derive(Debug)]
struct Doing {
    what: String,
    source: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Doing {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(refused) => Self::Refused(refused),
            ClientError::Absent { .. } => Self::Absent(error),
            other => Self::Other(Box::new(other)),
        }
    }
}

impl From<IssuerError<ClientError>> for Failure {
    fn from(error: IssuerError<ClientError>) -> Self {
        match error {
            IssuerError::Refused(refused) => Self::Refused(refused),
            IssuerError::Transport(error) => error.into(),
            other => Self::Other(Box::new(other)),
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
        Self::Other(Box::new(error))
    }
}
