//! The same checks with the PKCS#11 module, in SoftHSM2, and what only an HSM has to do.
//!
//! SoftHSM2 finds its tokens through an environment variable, and a test may not change its own environment: so each
//! test runs this binary once more, with a token of its own. Skipped, with a line, where SoftHSM2 is not installed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

#[macro_use]
mod support;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{SPECS, World, checks, hash, master};
use tw4s_firmware::{
    CryptoModule, Digested, FirmwareError, KeySpec, ModuleError, Pkcs11Config, Pkcs11Module, SlotChoice, SoftwareModule,
};
use zeroize::Zeroizing;

const LIBRARIES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];
const CHILD: &str = "TW4S_TEST_IN_TOKEN";
const PIN: &str = "1234";

fn library() -> Option<PathBuf> {
    LIBRARIES.iter().map(PathBuf::from).find(|path| path.exists())
}

fn config() -> Pkcs11Config {
    let slot = SlotChoice::TokenLabel("tw4s".to_owned());
    Pkcs11Config { library: library().unwrap(), slot, pin: Zeroizing::new(PIN.to_owned()) }
}

/// Runs `test` in a process with a new token; here it only says how that went.
fn with_token(name: &str, test: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        return test();
    }
    let util = Command::new("softhsm2-util").arg("--version").output();
    if library().is_none() || util.is_err() {
        return eprintln!("SKIPPED: {name}: SoftHSM2 is not installed (apt-get install softhsm2)");
    }
    let dir = tempfile::tempdir().unwrap();
    let (conf, tokens) = (dir.path().join("softhsm2.conf"), dir.path().join("tokens"));
    fs::create_dir(&tokens).unwrap();
    fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let init = ["--init-token", "--free", "--label", "tw4s", "--pin", PIN, "--so-pin", "12345678"];
    run(Command::new("softhsm2-util").args(init), &conf);
    let this = std::env::current_exe().unwrap();
    let args = ["--exact", name, "--nocapture", "--test-threads=1"];
    let said = run(Command::new(this).args(args).env(CHILD, "1"), &conf);
    assert!(said.contains("1 passed"), "the test has another name: {said}");
}

fn run(command: &mut Command, conf: &Path) -> String {
    let output = command.env("SOFTHSM2_CONF", conf).output().unwrap();
    let text = String::from_utf8_lossy;
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout).into_owned()
}

#[test]
fn all_checks_hold_with_keys_in_an_hsm() {
    with_token("all_checks_hold_with_keys_in_an_hsm", || {
        let master = Pkcs11Module::provision(&config()).unwrap().master_key(true).unwrap();
        let world = World::new(&master, || Box::new(Pkcs11Module::open(&config()).unwrap()));
        let failed = |(name, check): &&checks::Check| {
            eprintln!("check {name}");
            catch_unwind(AssertUnwindSafe(|| check(&world))).is_err()
        };
        let failed: Vec<_> = checks::ALL.iter().filter(failed).map(|(name, _)| name).collect();
        assert!(failed.is_empty(), "{failed:?}");
    });
}

#[test]
fn the_wrapping_key_stays_and_is_found_again() {
    with_token("the_wrapping_key_stays_and_is_found_again", || {
        assert!(matches!(Pkcs11Module::open(&config()), Err(ModuleError::Down(_))), "there is none yet");
        let module = Pkcs11Module::provision(&config()).unwrap();
        let again = Pkcs11Module::provision(&config()).unwrap();
        assert_eq!(module.key_id(), again.key_id());
        for spec in SPECS {
            let pair = module.generate(spec).unwrap();
            let hash = hash(spec.default_algorithm().digest().unwrap(), b"document");
            let input = Digested::new(spec, spec.default_algorithm(), &hash).unwrap();
            again.activate(&pair.wrapped, spec).unwrap().sign(&input).unwrap();
        }
    });
}

#[test]
fn the_master_key_in_the_hsm_is_the_same_each_time() {
    with_token("the_master_key_in_the_hsm_is_the_same_each_time", || {
        let module = Pkcs11Module::provision(&config()).unwrap();
        assert!(module.master_key(false).is_err(), "there is none yet");
        let ids = [true, true, false].map(|make| {
            let master = module.master_key(make).unwrap();
            SoftwareModule::new(&master).unwrap().key_id().to_owned()
        });
        assert_eq!(ids[0], ids[1]);
        assert_eq!(ids[0], ids[2]);
    });
}

#[test]
fn foreign_and_tampered_wrappings_are_refused() {
    with_token("foreign_and_tampered_wrappings_are_refused", || {
        let module = Pkcs11Module::provision(&config()).unwrap();
        let software = SoftwareModule::new(&master()).unwrap();
        for spec in SPECS {
            let foreign = software.generate(spec).unwrap().wrapped;
            assert!(module.activate(&foreign, spec).is_err());
            let mut ours = module.generate(spec).unwrap().wrapped;
            ours[20] ^= 1;
            assert!(module.activate(&ours, spec).is_err());
            ours[20] ^= 1;
            module.activate(&ours, spec).unwrap();
            assert!(module.activate(&[], spec).is_err());
        }
        let p256 = module.generate(KeySpec::P256).unwrap().wrapped;
        assert!(module.activate(&p256, KeySpec::P384).is_err(), "another curve");
        let rsa = module.generate(KeySpec::Rsa2048).unwrap().wrapped;
        assert!(module.activate(&rsa, KeySpec::Rsa3072).is_err(), "another size");
        assert!(module.activate(&rsa, KeySpec::P256).is_err(), "another kind");
    });
}

/// What a signing leaves behind would be there for the next one, and fill the HSM.
#[test]
fn nothing_is_left_in_the_hsm() {
    with_token("nothing_is_left_in_the_hsm", || {
        let module = Pkcs11Module::provision(&config()).unwrap();
        let before = module.object_count().unwrap();
        let pair = module.generate(KeySpec::P256).unwrap();
        assert_eq!(module.object_count().unwrap(), before);
        let key = module.activate(&pair.wrapped, KeySpec::P256).unwrap();
        assert_eq!(module.object_count().unwrap(), before + 1);
        drop(key);
        assert_eq!(module.object_count().unwrap(), before);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _key = module.activate(&pair.wrapped, KeySpec::P256).unwrap();
            panic!("while the key is active");
        }));
        assert!(panicked.is_err());
        assert_eq!(module.object_count().unwrap(), before);
    });
}

/// Read through another session of this process: an active key is no more readable or wrappable than the HSM's own.
#[test]
fn an_active_key_does_not_leave_the_hsm() {
    use cryptoki::context::Pkcs11;
    use cryptoki::object::{Attribute, AttributeType, ObjectClass};
    with_token("an_active_key_does_not_leave_the_hsm", || {
        let module = Pkcs11Module::provision(&config()).unwrap();
        let wrapped = module.generate(KeySpec::P256).unwrap().wrapped;
        let _key = module.activate(&wrapped, KeySpec::P256).unwrap();
        let library = Pkcs11::new(library().unwrap()).unwrap();
        let session = library.open_rw_session(library.get_slots_with_initialized_token().unwrap()[0]).unwrap();
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::SECRET_KEY] {
            let found = session.find_objects(&[Attribute::Class(class)]).unwrap();
            assert_eq!(found.len(), 1);
            let flags = [AttributeType::Sensitive, AttributeType::Extractable, AttributeType::Private];
            let flags = session.get_attributes(found[0], &flags).unwrap();
            assert!(flags.contains(&Attribute::Sensitive(true)), "{flags:?}");
            assert!(flags.contains(&Attribute::Extractable(false)), "{flags:?}");
            assert!(flags.contains(&Attribute::Private(true)), "{flags:?}");
        }
    });
}

#[test]
fn a_wrong_pin_or_slot_is_not_operational() {
    with_token("a_wrong_pin_or_slot_is_not_operational", || {
        let wrong = Pkcs11Config { pin: Zeroizing::new("4321".to_owned()), ..config() };
        let Err(ModuleError::Down(why)) = Pkcs11Module::provision(&wrong) else { panic!("a wrong PIN") };
        assert!(!why.contains("4321"), "{why}");
        let wrong = Pkcs11Config { slot: SlotChoice::TokenLabel("other".to_owned()), ..config() };
        assert!(matches!(Pkcs11Module::provision(&wrong), Err(ModuleError::Down(_))));
        let wrong = Pkcs11Config { library: PathBuf::from("/nowhere.so"), ..config() };
        assert!(matches!(Pkcs11Module::provision(&wrong), Err(ModuleError::Down(_))));
    });
}

#[test]
fn many_threads_sign_at_once() {
    with_token("many_threads_sign_at_once", || {
        let module = Pkcs11Module::provision(&config()).unwrap();
        let wrapped = module.generate(KeySpec::P256).unwrap().wrapped;
        let hash = [7; 32];
        let input = Digested::new(KeySpec::P256, KeySpec::P256.default_algorithm(), &hash).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        module.activate(&wrapped, KeySpec::P256).unwrap().sign(&input).unwrap();
                    }
                });
            }
        });
    });
}

/// The same master backup key, so the same SAM key and a right signature; but wrapped by another module.
#[test]
fn a_wrapped_key_of_another_module_is_refused() {
    with_token("a_wrapped_key_of_another_module_is_refused", || {
        Pkcs11Module::provision(&config()).unwrap();
        let in_hsm = World::new(&master(), || Box::new(Pkcs11Module::open(&config()).unwrap()));
        let in_software = World::new(&master(), || Box::new(SoftwareModule::new(&master()).unwrap()));
        assert_eq!(in_hsm.firmware.status().signing_key, in_software.firmware.status().signing_key);
        let mut signing = in_hsm.signing(KeySpec::P256);
        signing.wrapped_key = Some(in_software.key(KeySpec::P256).1.wrapped_key.clone());
        assert_eq!(in_hsm.refusal(&signing), FirmwareError::WrappedKey);
    });
}

/// What the state of one module says, another does not open.
#[test]
fn the_state_of_another_module_does_not_open() {
    use tw4s_firmware::{Firmware, StateError};
    use tw4s_formats::OidArc;
    with_token("the_state_of_another_module_does_not_open", || {
        let world = World::new(&master(), || Box::new(SoftwareModule::new(&master()).unwrap()));
        let module = Box::new(Pkcs11Module::provision(&config()).unwrap());
        let opened = Firmware::open(&world.state(), &master(), module, OidArc::default());
        assert!(matches!(opened, Err(StateError::OtherModule)));
    });
}
