//! The console lines of the management operations, byte for byte (server-signing.md 1.8, the guide's Table 52).
//!
//! The table has quirks: a dot at the end of one failure only, a quotation mark that is not closed, "IdP" that is
//! missing in a failure. They are printed as they stand, since scripts compare them.

use std::fmt;

use crate::exit::{Failure, print};
use crate::instance::InstanceId;

/// A line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Line<'a> {
    /// Code integrity, at a start.
    StartCheck(Module, Outcome),
    /// Code integrity, asked for by itself.
    CodeIntegrity(Module, Outcome),
    /// A start that succeeded.
    Started(&'a InstanceId),
    /// A start that was not needed.
    AlreadyRunning(&'a InstanceId),
    /// A start that did not succeed.
    Abandoned(&'a InstanceId),
    /// A stop that succeeded.
    Stopped(&'a InstanceId),
    /// A stop that was not needed.
    NotRunning(&'a InstanceId),
    /// Data integrity.
    DataIntegrity(Outcome),
    /// The firmware's initialisation.
    Initialization(Outcome),
    /// The import of the identity provider's keys.
    Import(Outcome),
    /// Other administrators. Not in the table.
    Administrators(Outcome),
    /// An anchor forgotten. Not in the table.
    Anchor(Outcome),
}

/// What the table's placeholder `XYZ` stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Module {
    /// The SAM service.
    Service,
    /// These management commands.
    Management,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Well.
    Ok,
    /// Not well.
    Failed,
}

impl Module {
    /// In the order of the console.
    pub(crate) const ALL: [Self; 2] = [Self::Service, Self::Management];
}

impl Outcome {
    /// What a result was.
    pub(crate) fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Ok } else { Self::Failed }
    }
}

impl Line<'_> {
    /// Prints it on stdout.
    pub(crate) fn print(self) -> Result<(), Failure> {
        print(&format!("{self}\n"))
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartCheck(module, outcome) => write!(f, "{module} code integrity check ... {outcome}"),
            // "(trailing dot only here)"
            Self::CodeIntegrity(module, Outcome::Failed) => write!(f, "{module} code integrity check ... failed."),
            Self::CodeIntegrity(module, Outcome::Ok) => write!(f, "{module} code integrity check ... ok"),
            Self::Started(id) => write!(f, "The subsystem \"sam{id}\" has been started ... ok"),
            Self::AlreadyRunning(id) => write!(f, "The subsystem \"sam{id}\" is already running ... warning"),
            // The quotation mark is not closed.
            Self::Abandoned(id) => write!(f, "Starting the subsystem \"sam{id} has been abandoned ... failed"),
            Self::Stopped(id) => write!(f, "The subsystem \"sam{id}\" has been stopped ... ok"),
            Self::NotRunning(id) => write!(f, "The subsystem \"sam{id}\" is not running ... warning"),
            Self::DataIntegrity(outcome) => write!(f, "Data integrity check ... {outcome}"),
            Self::Initialization(outcome) => write!(f, "Initialization of SAM Firmware ... {outcome}"),
            Self::Administrators(outcome) => write!(f, "Change of the administrators ... {outcome}"),
            Self::Anchor(outcome) => write!(f, "Forgetting of the anchor ... {outcome}"),
            Self::Import(Outcome::Ok) => f.write_str("Import of IdP Public Keys ... ok"),
            Self::Import(Outcome::Failed) => f.write_str("Import of Public Keys ... failed"),
        }
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service => "SAM Service",
            Self::Management => "SAM MAN",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
        })
    }
}
