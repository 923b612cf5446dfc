//! `LogonPass=USER,CREDENTIAL`: an administrator, and where the credential comes from. Never the command line, which
//! others can read.

use std::fmt;
use std::path::PathBuf;

use program::secret;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// An administrator and the credential as it was entered.
pub(crate) struct Logon {
    /// The name.
    pub(crate) user: String,
    /// The credential.
    pub(crate) credential: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Logon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logon").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Reads the arguments of a `manageFW` operation: administrators, then one operand. The guide prints the word with
/// and without `=`; both are taken in all operations. Credentials are read once all of it is understood.
pub(crate) fn read(arguments: &[String], operand: &str) -> Result<(Vec<Logon>, String), Failure> {
    let (sources, operand) = parse(arguments, operand)?;
    Ok((sources.into_iter().map(Source::read).collect::<Result<_, _>>()?, operand))
}

/// The same for those whose credentials are set by it.
pub(crate) fn read_first(arguments: &[String], operand: &str) -> Result<(Vec<Logon>, String), Failure> {
    let (sources, operand) = parse(arguments, operand)?;
    Ok((sources.into_iter().map(Source::read_new).collect::<Result<_, _>>()?, operand))
}

fn parse(arguments: &[String], operand: &str) -> Result<(Vec<Source>, String), Failure> {
    let mut sources = Vec::new();
    let mut operands = Vec::new();
    for argument in arguments {
        match argument.strip_prefix("LogonPass") {
            Some(logon) => sources.push(Source::parse(logon.strip_prefix('=').unwrap_or(logon))?),
            None => operands.push(argument),
        }
    }
    if sources.is_empty() {
        return Err(Failure::usage("LogonPass=USER,CREDENTIAL is missing; CREDENTIAL is ask or file:PATH"));
    }
    if sources.len() > MAX_LOGONS {
        return Err(Failure::usage(format!("more than {MAX_LOGONS} administrators")));
    }
    let [operand] = operands.as_slice() else {
        return Err(Failure::usage(format!("give one {operand}, not {}", operands.len())));
    };
    Ok((sources, (*operand).clone()))
}

/// Reads the arguments of an operation by administrators alone, and those of others who get a credential.
pub(crate) fn read_with_new(logons: &[String], new: &[String]) -> Result<(Vec<Logon>, Vec<Logon>), Failure> {
    let parse = |argument: &String| match argument.strip_prefix("LogonPass") {
        Some(logon) => Source::parse(logon.strip_prefix('=').unwrap_or(logon)),
        None => Err(Failure::usage("give LogonPass=USER,CREDENTIAL of two administrators first")),
    };
    let logons: Vec<Source> = logons.iter().map(parse).collect::<Result<_, _>>()?;
    let new: Vec<Source> = new.iter().map(|text| Source::parse(text)).collect::<Result<_, _>>()?;
    if logons.len().max(new.len()) > MAX_LOGONS {
        return Err(Failure::usage(format!("more than {MAX_LOGONS} administrators")));
    }
    let logons = logons.into_iter().map(Source::read).collect::<Result<_, _>>()?;
    let new = new.into_iter().map(Source::read_new).collect::<Result<_, _>>()?;
    Ok((logons, new))
}

struct Source {
    user: String,
    /// Absent: ask.
    file: Option<PathBuf>,
}

impl Source {
    fn parse(text: &str) -> Result<Self, Failure> {
        // What stands there in place of a credential may be one, so it is not repeated.
        let (user, credential) = text.split_once(',').unwrap_or((text, ""));
        if user.is_empty() {
            return Err(Failure::usage("LogonPass names no user: LogonPass=USER,CREDENTIAL"));
        }
        let file = match (credential, credential.strip_prefix("file:")) {
            ("ask", _) => None,
            (_, Some(path)) if !path.is_empty() => Some(PathBuf::from(path)),
            _ => {
                return Err(Failure::usage(
                    "a credential never stands on the command line: write ask, to be asked for it, or file:PATH",
                ));
            }
        };
        Ok(Self { user: user.to_owned(), file })
    }

    fn read(self) -> Result<Logon, Failure> {
        let credential = match &self.file {
            Some(path) => secret::from_private_file(path)?,
            None => ask(&self.user, "")?,
        };
        Ok(Logon { user: self.user, credential })
    }

    /// A credential to come: one that is typed is asked for twice, since nobody sees what is typed.
    fn read_new(self) -> Result<Logon, Failure> {
        if self.file.is_some() {
            return self.read();
        }
        let credential = ask(&self.user, "New ")?;
        if !bool::from(credential.ct_eq(&ask(&self.user, "Again: new ")?)) {
            return Err(Failure::usage("the two entries differ; nothing was changed"));
        }
        Ok(Logon { user: self.user, credential })
    }
}

fn ask(user: &str, what: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let shown: String = user.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let credential = if what.is_empty() { "Credential" } else { "credential" };
    match secret::ask(&format!("{what}{credential} of {shown}: ")) {
        Err(error @ secret::Error::NoTerminal) => Err(Failure::usage(format!("{error}: give file:PATH"))),
        answer => Ok(answer?),
    }
}

/// The guide knows two.
const MAX_LOGONS: usize = 8;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn arguments(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn both_spellings_and_any_order_are_taken() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "geheim\n").unwrap();
        let path = file.path().display();
        let list = arguments(&[&format!("LogonPass=a,file:{path}"), "0", &format!("LogonPassb,file:{path}")]);
        let (logons, slot) = read(&list, "slot").unwrap();
        assert_eq!(slot, "0");
        assert_eq!(logons.iter().map(|logon| logon.user.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(logons.iter().all(|logon| logon.credential.as_slice() == b"geheim"));
        assert!(!format!("{logons:?}").contains("geheim"));
    }

    #[test]
    fn a_credential_on_the_command_line_is_refused_and_not_repeated() {
        for bad in ["LogonPass=a,geheim", "LogonPassa,geheim", "LogonPass=a", "LogonPass=a,file:", "LogonPass=,ask"] {
            let failure = read(&arguments(&[bad, "0"]), "slot").unwrap_err();
            assert!(matches!(&failure, Failure::Usage(text) if !text.contains("geheim")), "{bad}: {failure}");
        }
    }

    #[test]
    fn one_operand_is_wanted() {
        for bad in [&["LogonPass=a,ask"][..], &["LogonPass=a,ask", "0", "1"], &["0", "1"]] {
            assert!(matches!(read(&arguments(bad), "slot"), Err(Failure::Usage(_))));
        }
    }
}
