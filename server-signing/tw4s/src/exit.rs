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
use std::io::{self, Write};
use std::process::ExitCode;

/// Why a command fails.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operation failed, and the console has said so in the table's words.
    Failed(Box<Failure>),
    /// The command was given something that it cannot take.
    Usage(String),
    /// Anything else, told by its chain of sources.
    Other(Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// Builds a usage error.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Builds a failure out of a text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Other(text.into().into())
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

/// Prints on stdout. A reader that has gone away wants no more, which is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::doing("writing to stdout")(error)),
        _ => Ok(()),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(cause) => cause.fmt(f),
            Self::Usage(text) => f.write_str(text),
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

impl From<Box<dyn Error + Send + Sync>> for Failure {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        Self::Other(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Other(Box::new(error))
    }
}
