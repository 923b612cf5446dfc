//! A daemon of one's own, and the module loaded from where cargo puts it.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use sks_client::Client;
use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::{CertifiedKey, KeyOptions, Protection, SessionOptions, Trust};
use tempfile::TempDir;

/// The directory of the built programs' dependencies: where the test and, beside it, the module are.
fn deps() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// The module.
pub(crate) fn module() -> PathBuf {
    deps().join("libsks_pkcs11.so")
}

/// The command `sks`, built if nobody has done so yet.
pub(crate) fn sks() -> &'static Path {
    static SKS: OnceLock<PathBuf> = OnceLock::new();
    SKS.get_or_init(|| {
        let path = deps().parent().unwrap().join("sks");
        if !path.exists() {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--locked", "-p", "sks-cli"]).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
            if deps().parent().unwrap().ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success(), "sks cannot be built");
        }
        path
    })
}

/// A running token with its files in a directory that goes with it.
pub(crate) struct Daemon {
    pub(crate) dir: TempDir,
    child: Mutex<Option<Child>>,
    /// Options of `sks serve`.
    options: &'static [&'static str],
}

impl Daemon {
    /// On a new store.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// On a new store, with options.
    pub(crate) fn start_with(options: &'static [&'static str]) -> Self {
        let daemon = Self { dir: tempfile::tempdir().unwrap(), child: Mutex::default(), options };
        daemon.serve();
        daemon
    }

    /// As [`Daemon::start`], for a static, which is never dropped: its directory goes when the process ends.
    pub(crate) fn start_for_all() -> Self {
        let daemon = Self { dir: tempfile::tempdir().unwrap(), child: Mutex::default(), options: &[] };
        daemon.serve_and(r#"rm -rf "$dir""#);
        daemon
    }

    /// Starts it on the store that is there. It ends with this process, however that ends.
    pub(crate) fn serve(&self) {
        self.serve_and(":");
    }

    fn serve_and(&self, last: &str) {
        let mut command = Command::new("sh");
        let script = format!(
            r#"log=$1 dir=$2; shift 2; "$0" serve "$@" 2>"$log" & echo $! >"$dir/pid"; read -r _; kill $! 2>/dev/null; wait $!; {last}"#
        );
        command.args(["-c", &script]).arg(sks()).arg(self.path("log")).arg(self.dir.path()).args(self.options);
        self.environment(&mut command);
        *self.child.lock().unwrap() = Some(command.stdin(Stdio::piped()).spawn().unwrap());
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(self.path("sks.sock")).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the daemon does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops it.
    pub(crate) fn stop(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            drop(child.stdin.take());
            child.wait().unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Gives a command the token's places.
    pub(crate) fn environment(&self, command: &mut Command) {
        command
            .env("SKS_STORE", self.path("store"))
            .env("SKS_SOCKET", self.path("sks.sock"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("HOME", self.dir.path())
            .env("LC_ALL", "C.UTF-8");
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// Writes a file for its owner alone.
    pub(crate) fn secret(&self, name: &str, content: &str) -> PathBuf {
        let file = self.file(name, content);
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        file
    }

    /// Runs a program in the token's directory.
    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Output {
        self.run_with(program, arguments, &[], "")
    }

    /// Runs a program with more environment and input.
    pub(crate) fn run_with<S: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = S>,
        variables: &[(&str, &str)],
        input: &str,
    ) -> Output {
        let mut command = Command::new(program);
        self.environment(&mut command);
        command.args(arguments).envs(variables.iter().copied()).current_dir(self.dir.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// `sks enroll`, with a PIN and a PUK or without.
    pub(crate) fn enroll(&self, name: &str, pin: Option<&str>, puk: Option<&str>, more: &[&str]) {
        let mut arguments = vec!["enroll".to_owned(), "--name".to_owned(), name.to_owned()];
        arguments.extend(more.iter().map(|text| (*text).to_owned()));
        match pin {
            Some(pin) => {
                let file = self.secret("pin", pin);
                arguments.extend(["--new-pin-file".to_owned(), file.display().to_string()]);
            }
            None => arguments.push("--no-pin".to_owned()),
        }
        if let Some(puk) = puk {
            let file = self.secret("puk", puk);
            arguments.extend(["--puk-file".to_owned(), file.display().to_string()]);
        }
        let output = self.run(sks(), &arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Makes this process' environment name the token. Before the module is loaded, while no thread reads it.
    #[allow(unsafe_code, reason = "the module takes its socket from the environment, as its hosts give it")]
    pub(crate) fn adopt(&self) {
        let variables = [("SKS_SOCKET", "sks.sock"), ("SKS_STORE", "store"), ("XDG_DATA_HOME", "data")];
        for (variable, name) in variables {
            // SAFETY: each test program does this once, before it loads the module.
            unsafe { std::env::set_var(variable, self.path(name)) };
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The module, loaded and initialised.
pub(crate) fn load() -> Pkcs11 {
    let loaded = Pkcs11::new(module()).unwrap();
    loaded.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    loaded
}

/// One daemon and one module for all tests of a program, as there is one module per process.
pub(crate) struct Setup {
    pub(crate) daemon: Daemon,
    pub(crate) module: Pkcs11,
}

impl Setup {
    /// With these keys: name, PIN, type.
    pub(crate) fn of(keys: &[(&str, Option<&str>, &str)]) -> Self {
        let daemon = Daemon::start_for_all();
        for (name, pin, kind) in keys {
            daemon.enroll(name, *pin, None, &["--type", kind]);
        }
        daemon.adopt();
        Self { daemon, module: load() }
    }

    /// In slot 0.
    pub(crate) fn free(&self) -> Session {
        self.module.open_rw_session(Slot::try_from(0_u64).unwrap()).unwrap()
    }
}

/// A provisioning session of an issuer that is not the local one.
pub(crate) fn issuer(daemon: &Daemon, uri: &str) -> sks_issuer::Session<impl sks_issuer::Transport> {
    let mut client = Client::connect(&daemon.path("sks.sock")).unwrap();
    let transport = move |call: &[u8]| client.call_raw(call);
    sks_issuer::Session::create(transport, &SessionOptions::new(uri, Trust::Any)).unwrap()
}

/// A key of a session, with its certificate.
pub(crate) fn certified(
    session: &mut sks_issuer::Session<impl sks_issuer::Transport>,
    ca: &Ca,
    options: &KeyOptions,
    protection: Protection<'_>,
) -> CertifiedKey {
    let key = session.create_key_pair(options, protection).unwrap();
    let leaf = Leaf::new(Subject::from_label(&options.friendly_name).unwrap(), options.usage);
    let path = ca.issue_path(&key.public_key, &leaf).unwrap();
    session.set_certificate_path(key, &path).unwrap()
}

/// Holds a call to the return value that it is to fail with.
#[track_caller]
pub(crate) fn is<T: std::fmt::Debug>(result: cryptoki::error::Result<T>, wanted: RvError) {
    match result {
        Err(Error::Pkcs11(found, _)) => assert_eq!(format!("{found:?}"), format!("{wanted:?}")),
        other => panic!("{other:?} instead of {wanted:?}"),
    }
}

/// A PIN as the crate takes it.
pub(crate) fn pin(text: &str) -> AuthPin {
    AuthPin::new(text.into())
}

/// The slot whose token's label begins so.
pub(crate) fn slot(module: &Pkcs11, label: &str) -> Slot {
    let slots = module.get_slots_with_token().unwrap();
    let found = slots.into_iter().find(|slot| module.get_token_info(*slot).unwrap().label().starts_with(label));
    found.unwrap_or_else(|| panic!("no token {label}"))
}

/// The object of a class and label.
pub(crate) fn object(session: &Session, class: ObjectClass, label: &str) -> ObjectHandle {
    let template = [Attribute::Class(class), Attribute::Label(label.into())];
    let found = session.find_objects(&template).unwrap();
    assert_eq!(found.len(), 1, "{class:?} {label}");
    found[0]
}

/// One attribute of an object.
pub(crate) fn value(session: &Session, object: ObjectHandle, kind: AttributeType) -> Attribute {
    session.get_attributes(object, &[kind]).unwrap().remove(0)
}

/// The curve P-256: namedCurve secp256r1.
pub(crate) fn p256() -> Attribute {
    Attribute::EcParams(vec![0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07])
}
