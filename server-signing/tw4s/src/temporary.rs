//! A subsystem of the demo's or the benchmark's own: this executable again, in a home that goes away with it.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::checksum::OWN_BINARY;
use crate::exit::Failure;
use crate::home::{Home, Place};
use crate::instance::{Found, InstanceId};

/// The slot of its master backup key.
pub(crate) const SLOT: &str = "0";
/// Its one instance.
const INSTANCE: &str = "1";

/// It. Its processes end with this value, and so does its folder.
pub(crate) struct Subsystem {
    folder: TempDir,
    home: Home,
    instance: InstanceId,
}

impl Subsystem {
    /// An empty home with a master backup key.
    pub(crate) fn prepare() -> Result<Self, Failure> {
        let folder = program::temporary::folder("tw4s-").map_err(Failure::doing("making a temporary folder"))?;
        let home = Home::open(Some(&folder.path().join("home")))?;
        fs::create_dir(home.slots())?;
        let subsystem = Self { folder, home, instance: INSTANCE.parse().map_err(Failure::other)? };
        subsystem.write(&subsystem.home.slots().join(SLOT), &crate::parties::random::<32>()?)?;
        Ok(subsystem)
    }

    /// One that runs: initialised by two administrators, with an identity provider imported and one privileged user.
    pub(crate) fn start(idp: &[u8], privileged: &str) -> Result<Self, Failure> {
        let subsystem = Self::prepare()?;
        let administrators = subsystem.administrators()?;
        let administrators = administrators.each_ref().map(String::as_str);
        let certificate = subsystem.file("idp.der", idp)?;
        subsystem.run(&["checksumSAM"])?;
        subsystem.run(&[&["manageFW", "init"], &administrators[..], &[SLOT]].concat())?;
        subsystem.run(&[&["manageFW", "setidpkeys"], &administrators[..], &[&certificate]].concat())?;
        subsystem.run(&["manageSAM", "start", INSTANCE])?;
        subsystem.run(&["manageSAM", "enrol", INSTANCE, "PrivilegedUser", privileged, &certificate])?;
        Ok(subsystem)
    }

    /// The arguments for two administrators, with their credentials in files.
    pub(crate) fn administrators(&self) -> Result<[String; 2], Failure> {
        let one = |name: &str| -> Result<String, Failure> {
            let credential = hex::encode(crate::parties::random::<16>()?);
            Ok(format!("LogonPass={name},file:{}", self.file(name, credential.as_bytes())?))
        };
        Ok([one("anna")?, one("bert")?])
    }

    /// Writes a file into the folder, and gives its path.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> Result<String, Failure> {
        let path = self.folder.path().join(name);
        self.write(&path, content)?;
        Ok(path.display().to_string())
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), Failure> {
        use std::io::Write;
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
        let writing = || Failure::doing(format!("writing in {}", self.folder.path().display()));
        file.and_then(|mut file| file.write_all(content)).map_err(writing())
    }

    /// Runs a management command; what it prints, if it succeeds.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(OWN_BINARY);
        command.args(arguments).arg("-v").arg("--home").arg(self.home.path()).stdin(Stdio::null());
        // An interrupt at the terminal is for the teller, who stops the processes.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let ran = command.output().map_err(Failure::doing("running a management command"))?;
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        if ran.status.success() {
            return Ok(said);
        }
        let why = String::from_utf8_lossy(&ran.stderr).into_owned();
        Err(Failure::text(format!("{}: {}{}", arguments.join(" "), said, why.trim_end())))
    }

    /// Ends the instance at once, as a power cut would.
    pub(crate) fn kill(&self) -> Result<u32, Failure> {
        let found = Found::look(&self.service().lock)?.ok_or_else(|| Failure::text("the service does not run"))?;
        let pid = i32::try_from(found.pid()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::text("the service has no number"))?;
        kill_process(pid, Signal::KILL).map_err(Failure::other)?;
        let number = found.pid();
        found.stop(crate::launch::PATIENCE)?;
        Ok(number)
    }

    /// The instance.
    pub(crate) fn service(&self) -> Place {
        self.home.service(&self.instance)
    }

    /// The firmware.
    pub(crate) fn firmware(&self) -> Place {
        self.home.firmware()
    }

    /// The numbers of its processes, firmware and instance, as far as they run.
    pub(crate) fn processes(&self) -> Result<[Option<u32>; 2], Failure> {
        let number = |place: Place| Found::look(&place.lock).map(|found| found.map(|found| found.pid()));
        Ok([number(self.firmware())?, number(self.service())?])
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops the processes; the folder stays.
    pub(crate) fn halt(&self) -> Result<(), Failure> {
        self.run(&["manageSAM", "stop", INSTANCE])?;
        // The last stop ends it; it is looked for here in case that no instance ever ran.
        if let Some(firmware) = Found::look(&self.firmware().lock)? {
            firmware.stop(crate::launch::PATIENCE)?;
        }
        Ok(())
    }

    /// Stops the processes and removes the folder.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.halt()?;
        fs::remove_dir_all(self.folder.path()).map_err(Failure::doing("removing the temporary folder"))
    }
}

impl Drop for Subsystem {
    fn drop(&mut self) {
        // It may have been stopped; and of a failure there is nobody to tell.
        let _ = self.halt();
    }
}
