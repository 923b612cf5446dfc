//! The command line, also when the binary is called by the guide's names for its scripts.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tw4s_sam::audit::{Outcome, Query};
use tw4s_sam::record::{KeyId, UserId};

use crate::bench;
use crate::instance::InstanceId;
use crate::moment::Moment;

/// Server signing: the signature activation module, its firmware half, and their management.
#[derive(Debug, Parser)]
#[command(name = "tw4s", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command. No secret is ever taken from the command line itself.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Where the subsystem keeps its state [default: $TW4S_HOME, else where XDG says]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Say on stderr what is done, and why something failed
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// One variant per command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start, stop and check the subsystem
    #[command(name = "manageSAM")]
    ManageSam {
        #[command(subcommand)]
        operation: SamOperation,
    },
    /// Initialise the firmware and import the identity provider's keys, by two administrators
    #[command(name = "manageFW")]
    ManageFw {
        #[command(subcommand)]
        operation: FwOperation,
    },
    /// Search, verify and export the audit log of an instance, running or stopped
    #[command(name = "audit")]
    Audit {
        #[command(subcommand)]
        operation: AuditOperation,
    },
    /// Write the checksum file that the code integrity checks compare the binary with
    #[command(name = "checksumSAM")]
    ChecksumSam,
    /// Play the usage scenarios on a subsystem of its own, step by step
    Demo,
    /// Measure signings beside what the machine can do
    Bench(bench::Args),
    /// The firmware process; `manageSAM start` starts it
    #[command(hide = true)]
    ServeFirmware {
        /// As for `manageSAM start`
        #[arg(long)]
        require_memlock: bool,
    },
    /// The process of an instance; `manageSAM start` starts it
    #[command(hide = true)]
    ServeSam {
        /// As it was started
        instance_id: InstanceId,
    },
}

/// `manageSAM`.
#[derive(Debug, Subcommand)]
pub(crate) enum SamOperation {
    /// Check the code and start an instance
    Start {
        /// Letters, digits, `-` and `_`
        instance_id: InstanceId,
        /// Do not start where the system does not lock the firmware's memory
        #[arg(long)]
        require_memlock: bool,
    },
    /// Stop an instance
    Stop {
        /// As it was started
        instance_id: InstanceId,
    },
    /// Register a user by order of the administrators: the first privileged user, or a technical one
    Enrol {
        /// Of a running instance
        instance_id: InstanceId,
        /// `PrivilegedUser` or `PrivilegedUserTechnical`
        #[arg(value_parser = ["PrivilegedUser", "PrivilegedUserTechnical"])]
        role: String,
        /// A UUID in lower case
        user_id: String,
        /// The user's certificates, in PEM, or one in DER
        certfile: PathBuf,
    },
    /// Check the integrity of the code, or of the data of all instances
    Integrity {
        #[command(subcommand)]
        what: Integrity,
    },
}

/// `manageSAM integrity`.
#[derive(Debug, Subcommand)]
pub(crate) enum Integrity {
    /// Compare the binary with its checksum
    Code {
        /// Of the instance
        instance_id: InstanceId,
    },
    /// Check users, wrapped keys and audit log
    Data {
        /// The logs must have these rows, which audit anchor has printed
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
}

/// `manageFW`.
#[derive(Debug, Subcommand)]
pub(crate) enum FwOperation {
    /// Derive the firmware's keys from the master backup key
    Init {
        /// LogonPass=USER,CREDENTIAL of each administrator, then the slot of the master backup key; a CREDENTIAL is
        /// `ask` or `file:PATH`
        #[arg(required = true, num_args = 2.., value_names = ["LogonPass=USER,CREDENTIAL", "MBK SLOT ID"])]
        arguments: Vec<String>,
    },
    /// Replace administrators, and change their credentials
    Setadmins {
        /// LogonPass=USER,CREDENTIAL of two administrators as they are now; a CREDENTIAL is `ask` or `file:PATH`
        #[arg(required = true, value_name = "LogonPass=USER,CREDENTIAL")]
        logons: Vec<String>,
        /// Who is an administrator from now on, or stays one with a new credential
        #[arg(long, value_name = "USER,CREDENTIAL", required_unless_present = "drop")]
        enrol: Vec<String>,
        /// Who is none any more
        #[arg(long, value_name = "USER")]
        drop: Vec<String>,
    },
    /// Accept that an instance's database is older than the firmware knows: one that was put back from a backup
    Forgetanchor {
        /// LogonPass=USER,CREDENTIAL of two administrators; a CREDENTIAL is `ask` or `file:PATH`
        #[arg(required = true, value_name = "LogonPass=USER,CREDENTIAL")]
        logons: Vec<String>,
        /// Whose database it is
        #[arg(long = "instance", value_name = "INSTANCE_ID")]
        instance_id: InstanceId,
    },
    /// Import the identity provider's public keys
    Setidpkeys {
        /// LogonPass=USER,CREDENTIAL of each administrator, then a file of certificates; a CREDENTIAL is `ask` or
        /// `file:PATH`
        #[arg(required = true, num_args = 2.., value_names = ["LogonPass=USER,CREDENTIAL", "CERTFILE"])]
        arguments: Vec<String>,
    },
}

/// `audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditOperation {
    /// Print the records that match all filters, one JSON object a line, oldest first
    Search {
        /// As it was started
        instance_id: InstanceId,
        #[command(flatten)]
        filter: Filter,
    },
    /// Check the chain of hashes and the signatures of its checkpoints
    Verify {
        /// As it was started
        instance_id: InstanceId,
        /// The log must have this instance's rows in FILE, which audit anchor has printed
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Print all rows with their hashes, one JSON object a line
    Export {
        /// As it was started
        instance_id: InstanceId,
        /// Begin with this row
        #[arg(long, value_name = "ROW", default_value_t = 1)]
        from: u64,
    },
    /// Print a row to be kept elsewhere: verify and integrity data find by it a database that was put back
    Anchor {
        /// As it was started
        instance_id: InstanceId,
    },
}

/// What records `audit search` prints.
#[derive(Args, Debug)]
pub(crate) struct Filter {
    /// From this moment on: 2026-11-20, 2026-11-20T17:00:00Z or 2026-11-20T17:00:00.000Z
    #[arg(long, value_name = "MOMENT")]
    from: Option<Moment>,
    /// Up to this moment, with the whole of its day or second
    #[arg(long, value_name = "MOMENT")]
    to: Option<Moment>,
    /// Done by, for or to this user
    #[arg(long, value_name = "UUID")]
    user: Option<UserId>,
    /// With this key
    #[arg(long, value_name = "UUID")]
    key: Option<KeyId>,
    /// Of this name, as in the records: Signing, Enrol_User, Start ...
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// How it ended
    #[arg(long, value_enum)]
    outcome: Option<Ended>,
    /// Behind this row
    #[arg(long, value_name = "ROW", default_value_t = 0)]
    after: u64,
    /// At most so many records
    #[arg(long, value_name = "COUNT")]
    pub(crate) limit: Option<u64>,
}

/// An outcome's name on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ended {
    Success,
    Failed,
    Intent,
    /// The module ended between intent and result
    Unknown,
}

impl Filter {
    /// The library's form.
    pub(crate) fn query(&self) -> Query {
        let outcome = self.outcome.map(|outcome| match outcome {
            Ended::Success => Outcome::Success,
            Ended::Failed => Outcome::Failed,
            Ended::Intent => Outcome::Intent,
            Ended::Unknown => Outcome::Unknown,
        });
        Query {
            from_ms: self.from.map(|moment| moment.first),
            to_ms: self.to.map(|moment| moment.last),
            user: self.user,
            key: self.key,
            action: self.action.clone(),
            outcome,
            after: self.after,
        }
    }
}

/// Reads the command line; a wrong one ends the process with exit code 2.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Cli {
    Cli::parse_from(unfold(arguments))
}

/// A call by the name of one of the guide's scripts (`manageSAM`, `manageSAM.sh`) is a call of that command.
fn unfold(mut arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let name = arguments.next().unwrap_or_else(|| OsString::from("tw4s"));
    let called = Path::new(&name).file_name().and_then(OsStr::to_str).unwrap_or_default();
    let called = called.strip_suffix(".sh").unwrap_or(called);
    let script = SCRIPTS.iter().find(|script| **script == called).map(OsString::from);
    std::iter::once(name).chain(script).chain(arguments).collect()
}

const SCRIPTS: [&str; 3] = ["manageSAM", "manageFW", "checksumSAM"];

const EXIT_CODES: &str = "Exit codes: 0 done, 1 the operation failed, 2 wrong usage, 4 other failure.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn unfolded(arguments: &[&str]) -> Vec<OsString> {
        unfold(arguments.iter().map(OsString::from))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_scripts_names_are_commands() {
        assert_eq!(unfolded(&["/opt/manageSAM.sh", "stop", "1"]), ["/opt/manageSAM.sh", "manageSAM", "stop", "1"]);
        assert_eq!(unfolded(&["checksumSAM"]), ["checksumSAM", "checksumSAM"]);
        assert_eq!(unfolded(&["tw4s", "demo"]), ["tw4s", "demo"]);
    }
}
