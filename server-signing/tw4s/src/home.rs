//! Where the subsystem keeps its state: the one place that knows.
//!
//! `--home` goes before `TW4S_HOME`, and that before `$XDG_STATE_HOME/tw4s` (unset: `~/.local/state/tw4s`). A variable
//! that is empty counts as unset, and so does, as the XDG specification asks, an XDG variable that is not absolute.
//!
//! | in the home | what |
//! |---|---|
//! | `checksum.sha512` | the checksum over the binary, in the form of `sha512sum` |
//! | `slots/<id>` | a master backup key of the software crypto module, 0600 |
//! | `firmware/` | the firmware's own state, its socket and its log |
//! | `turn` | the lock that commands take one after the other |
//! | `sam<id>/` | an instance: its database `state/`, its sockets, its lock and its log |

use std::ffi::OsString;
use std::fs::{self, DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::instance::{InstanceId, Turn};

/// The folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// The one that the option, or this process' environment, says. Made if it is not there, for its owner alone.
    pub(crate) fn open(option: Option<&Path>) -> Result<Self, Failure> {
        let home = Self::named(option)?;
        let opening = || Failure::doing(format!("opening {}", home.0.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(&home.0).map_err(opening())?;
        home.check(&fs::metadata(&home.0).map_err(opening())?)?;
        Ok(home)
    }

    /// The same, and never made: for commands that only look.
    pub(crate) fn existing(option: Option<&Path>) -> Result<Self, Failure> {
        let home = Self::named(option)?;
        let opening = Failure::doing(format!("opening {}", home.0.display()));
        home.check(&fs::metadata(&home.0).map_err(opening)?)?;
        Ok(home)
    }

    fn named(option: Option<&Path>) -> Result<Self, Failure> {
        let home = resolve(option, |name| match name {
            // Without HOME, the password file knows it.
            "HOME" => std::env::home_dir().map(PathBuf::into_os_string),
            _ => std::env::var_os(name),
        });
        // Programs that are started in another folder must find it too.
        std::path::absolute(&home).map(Self).map_err(Failure::doing("finding the home"))
    }

    /// "caller uid is an administrator": the home belongs to whoever manages it (1.12, US7), and nobody else puts another
    /// file in the place of one.
    fn check(&self, metadata: &Metadata) -> Result<(), Failure> {
        let (path, owner) = (self.0.display(), metadata.uid());
        if owner != rustix::process::geteuid().as_raw() {
            return Err(Failure::text(format!("{path} belongs to uid {owner}, who alone manages it")));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(Failure::text(format!("{path} can be written by others than its owner: chmod go-w")));
        }
        Ok(())
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Waits until no other command starts or ends processes here.
    pub(crate) fn turn(&self) -> Result<Turn, Failure> {
        Turn::take(&self.0.join("turn")).map_err(Failure::doing("waiting for other commands"))
    }

    /// The checksum file.
    pub(crate) fn checksum(&self) -> PathBuf {
        self.0.join("checksum.sha512")
    }

    /// The master backup keys of the software crypto module.
    pub(crate) fn slots(&self) -> PathBuf {
        self.0.join("slots")
    }

    /// Where the firmware process is.
    pub(crate) fn firmware(&self) -> Place {
        Place::new("firmware", self.0.join("firmware"))
    }

    /// Where an instance's service is.
    pub(crate) fn service(&self, id: &InstanceId) -> Place {
        let name = format!("sam{id}");
        Place::new(&name, self.0.join(&name))
    }

    /// The instances that have a folder, in order.
    pub(crate) fn instances(&self) -> Result<Vec<InstanceId>, Failure> {
        let reading = || Failure::doing(format!("reading {}", self.0.display()));
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(reading())? {
            let name = entry.map_err(reading())?.file_name();
            ids.extend(name.to_str().and_then(|name| name.strip_prefix("sam")).and_then(|id| id.parse().ok()));
        }
        ids.sort();
        Ok(ids)
    }
}

/// The files of a process.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// What it is called.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Its lock, with its number.
    pub(crate) lock: PathBuf,
    /// Its log.
    pub(crate) log: PathBuf,
    /// Where it is called: an instance for peering messages, the firmware by its instances.
    pub(crate) socket: PathBuf,
    /// Where an instance is managed.
    pub(crate) control: PathBuf,
}

impl Place {
    fn new(name: &str, folder: PathBuf) -> Self {
        let [lock, log, socket, control] = ["lock", "log", "socket", "control"].map(|file| folder.join(file));
        Self { name: name.to_owned(), folder, lock, log, socket, control }
    }

    /// Its state: of an instance the database, a folder; of the firmware a file.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }
}

/// As [`Home::open`] finds it, in the environment that `lookup` answers for.
fn resolve(option: Option<&Path>, lookup: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let path = |name| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = || path("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = || path("HOME").unwrap_or_else(|| PathBuf::from("/")).join(".local/state");
    let default = || state().unwrap_or_else(home).join("tw4s");
    option.map(Path::to_owned).or_else(|| path("TW4S_HOME")).unwrap_or_else(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(option: Option<&str>, variables: &[(&str, &str)]) -> PathBuf {
        let lookup = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
        resolve(option.map(Path::new), lookup)
    }

    #[test]
    fn the_option_goes_before_the_variables_and_these_before_home() {
        let all = [("TW4S_HOME", "/t"), ("XDG_STATE_HOME", "/x"), ("HOME", "/home/u")];
        assert_eq!(resolved(Some("/o"), &all), Path::new("/o"));
        assert_eq!(resolved(None, &all), Path::new("/t"));
        assert_eq!(resolved(None, &[("TW4S_HOME", ""), all[1], all[2]]), Path::new("/x/tw4s"));
        assert_eq!(resolved(None, &[("XDG_STATE_HOME", "x"), all[2]]), Path::new("/home/u/.local/state/tw4s"));
    }
}
