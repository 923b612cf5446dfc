//! New tokens in a temporary directory: a daemon's, and SoftHSM2's.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::UserType;
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use sks_core::ports::KeySpec;
use sks_issuer::ca::{Ca, Leaf, Subject, generate_key};
use sks_store::fill::{Template, fill};
use sks_store::{KeySource, OpenOptions, SealedStore};
use sks_wire::types::KeyUsage;

use crate::side::{Library, Side, Token, make_p256};
use crate::{MANY, PIN};

pub(crate) fn load(module: &Path) -> Pkcs11 {
    let loaded = Pkcs11::new(module).unwrap();
    loaded.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    loaded
}

/// Loads a module that looks in `place`.
fn load_in(path: &Path, place: (&'static str, PathBuf)) -> Library {
    set(place.0, &place.1);
    Library { module: load(path), path: path.to_owned(), place }
}

fn token(library: &Library, label: &str, pin: Option<&str>) -> Token {
    let module = &library.module;
    let labelled = |slot: &Slot| module.get_token_info(*slot).unwrap().label() == label;
    let slot = module.get_slots_with_token().unwrap().into_iter().find(labelled);
    Token { library: library.clone(), slot: slot.unwrap(), pin: pin.map(|pin| AuthPin::new(pin.into())) }
}

/// Names a place in the environment, where the modules look for it.
#[allow(unsafe_code, reason = "PKCS#11 modules take their places from the environment")]
fn set(variable: &str, value: &Path) {
    // SAFETY: while there is no other thread.
    unsafe { std::env::set_var(variable, value) };
}

/// A process that ends with the benchmark.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command, socket: &Path) -> Self {
        let process = Self(command.stdin(Stdio::null()).spawn().unwrap());
        let began = Instant::now();
        while UnixStream::connect(socket).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "{command:?} does not start");
            thread::sleep(Duration::from_millis(5));
        }
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.0.wait();
    }
}

/// `sks` on a store and a socket in `dir`.
fn sks(program: &Path, dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env("SKS_STORE", dir.join("store")).env("SKS_SOCKET", dir.join("sks.sock"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn serve(program: &Path, dir: &Path) -> Process {
    Process::start(&mut sks(program, dir, &["serve"]), &dir.join("sks.sock"))
}

/// Our side: two daemons, the second with many keys, each behind a module of its own.
pub(crate) fn ours(built: &Path, dir: &Path) -> (Side, [Process; 2]) {
    set("XDG_DATA_HOME", &dir.join("data"));
    let program = built.join("sks");
    std::fs::write(dir.join("pin"), PIN).unwrap();
    std::fs::set_permissions(dir.join("pin"), Permissions::from_mode(0o600)).unwrap();
    let pin = dir.join("pin").display().to_string();
    let start = |name: &str, count: u32| {
        let dir = dir.join(name);
        std::fs::create_dir(&dir).unwrap();
        let mut daemon = serve(&program, &dir);
        let enroll = ["enroll", "--name", "user", "--new-pin-file", &pin];
        assert!(sks(&program, &dir, &enroll).status().unwrap().success(), "sks enroll");
        if count > 0 {
            drop(daemon);
            fill_store(&dir.join("store"), count);
            daemon = serve(&program, &dir);
        }
        // Of a file of its own, or it would be the same module with the same socket.
        let copy = dir.join("module.so");
        std::fs::copy(built.join("libsks_pkcs11.so"), &copy).unwrap();
        (load_in(&copy, ("SKS_SOCKET", dir.join("sks.sock"))), daemon)
    };
    let (small, first) = start("small", 0);
    let (large, second) = start("large", MANY - 1);
    let side = Side {
        work: token(&small, "user", Some(PIN)),
        few: token(&small, "SKS", None),
        many: token(&large, "SKS", None),
        login: token(&large, "user", Some(PIN)),
        clients: None,
    };
    (side, [first, second])
}

/// Writes keys without a PIN, while no daemon runs.
fn fill_store(dir: &Path, count: u32) {
    let options = OpenOptions::new(KeySource::File(SealedStore::default_key_file(dir)));
    let store = SealedStore::open(dir, options).unwrap();
    let ca = Ca::create(&Subject::common_name("A CA").unwrap(), 5).unwrap();
    let key = generate_key().unwrap();
    let leaf = Leaf::new(Subject::common_name("one of many").unwrap(), KeyUsage::Signature);
    let template = Template {
        spec: KeySpec::P256,
        private_key: key.private_key,
        certificate: ca.issue(&key.public_key, &leaf).unwrap(),
        public_key: key.public_key,
        pin: None,
    };
    fill(&store, &template, count, 100).unwrap();
}

/// The other side: a token for each purpose. Its many keys are copies of one key's file.
pub(crate) fn theirs(library: &Path, dir: &Path) -> Side {
    let tokens = dir.join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let conf = dir.join("softhsm2.conf");
    let settings =
        format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&conf, settings).unwrap();
    let place = ("SOFTHSM2_CONF", conf);
    let first = load_in(library, place.clone());
    for label in ["work", "few", "many", "login"] {
        let unused = |slot: &Slot| !first.module.get_token_info(*slot).unwrap().token_initialized();
        let slot = first.module.get_slots_with_token().unwrap().into_iter().find(unused).unwrap();
        let officer = AuthPin::new("12345678".into());
        first.module.init_token(slot, &officer, label).unwrap();
        let session = token(&first, label, None).session();
        session.login(UserType::So, Some(&officer)).unwrap();
        session.init_pin(&AuthPin::new(PIN.into())).unwrap();
    }
    let session = token(&first, "many", Some(PIN)).enter();
    let (public, _) = make_p256(&session, "one of many");
    session.destroy_object(public).unwrap();
    drop(session);
    first.module.finalize().unwrap();
    let key = key_file(&tokens);
    for n in 1..MANY - 1 {
        std::fs::copy(&key, key.with_file_name(format!("{n:08x}-0000-4000-8000-000000000000.object"))).unwrap();
    }
    let again = load_in(library, place);
    let token = |label| token(&again, label, Some(PIN));
    Side { work: token("work"), few: token("few"), many: token("many"), login: token("login"), clients: None }
}

/// The file of the only key there is.
fn key_file(tokens: &Path) -> PathBuf {
    let list = |dir: &Path| std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let is_key =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "object") && !path.ends_with("token.object");
    list(tokens).iter().flat_map(|token| list(token)).find(is_key).unwrap()
}
