//! Why a command fails, and its exit code: the only place that knows the codes.
//!
//! | Code | Meaning |
//! |---|---|
//! | 0 | done; a warning of the table as well |
//! | 1 | the operation failed; the table's line is on stdout, the cause with `-v` on stderr |
//! | 2 | wrong usage, which includes what clap refuses itself |
//! | 4 | any other failure |

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use program::{secret, story};

/// Why a command fails.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operation failed, and the console has said so in the table's words.
    Failed(Box<Failure>),
    /// The command was given something that it cannot take.
    Usage(String),
    /// Anything else, told by its chain of sources; no `Display` of ours repeats its source.
    Other(anyhow::Error),
}

impl Failure {
    /// Builds a usage error.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Builds a failure out of a text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Other(anyhow::Error::msg(text.into()))
    }

    /// Builds the closure that `map_err` wants: what was being done, then the cause.
    pub(crate) fn doing<E>(what: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Error + Send + Sync + 'static,
    {
        let what = what.into();
        move |source| Self::Other(anyhow::Error::new(source).context(what))
    }

    /// Wraps an error that says all by itself.
    pub(crate) fn other(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Other(anyhow::Error::new(error))
    }

    /// The same, after a line of the table has said that the operation failed. Wrong usage stays that.
    pub(crate) fn told(self) -> Self {
        match self {
            Self::Other(_) => Self::Failed(Box::new(self)),
            Self::Failed(_) | Self::Usage(_) => self,
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Other(_) => 4,
        }
    }
}

/// Says on stderr why a command failed, if it did, and gives its exit code.
pub(crate) fn report(result: Result<(), Failure>, verbose: bool) -> ExitCode {
    let Err(failure) = result else { return ExitCode::SUCCESS };
    if verbose || !matches!(failure, Failure::Failed(_)) {
        eprintln!("tw4s: {failure}");
    }
    ExitCode::from(failure.code())
}

/// Prints on stdout.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    program::output::bytes(text.as_bytes()).map_err(Failure::doing("writing to stdout"))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(cause) => cause.fmt(f),
            Self::Usage(text) => f.write_str(text),
            Self::Other(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<Box<dyn Error + Send + Sync>> for Failure {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        Self::Other(anyhow::Error::from_boxed(error))
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
