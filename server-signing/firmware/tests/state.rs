//! The state: init, the master backup key, administrators, imported identity providers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[macro_use]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::slice::from_ref;

use aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1;
use support::idp::{Idp, Pair, certificate, verifies};
use support::{SAM, USER, World, administrators, checks, hash, logon, master, spki};
use tw4s_firmware::{
    CryptoModule, Digested, Firmware, FirmwareError, Init, KeySpec, Logon, MasterKey, ModuleError, RawSigningKey,
    SoftwareModule, StateError, WrappedPair, read_certificates,
};
use tw4s_formats::{Digest, Format, OidArc, SubjectPublicKeyInfoOwned};

fn software(master: &MasterKey) -> Box<dyn CryptoModule> {
    Box::new(SoftwareModule::new(master).unwrap())
}

fn world() -> World {
    World::new(&master(), || software(&master()))
}

fn open(path: &Path, master: &MasterKey) -> Result<Firmware, StateError> {
    Firmware::open(path, master, software(master), OidArc::default())
}

fn init(path: &Path, sam_id: &str, administrators: &[Logon], dual_control: bool) -> Result<(), StateError> {
    Firmware::init(path, &master(), &*software(&master()), &Init { sam_id, administrators, dual_control })
}

#[test]
fn a_wrong_master_key_does_not_open_the_state() {
    let world = world();
    let other = MasterKey::new(&[0x43; 32]).unwrap();
    assert!(matches!(open(&world.state(), &other), Err(StateError::WrongMasterKey)));
    open(&world.state(), &master()).unwrap();
}

#[test]
fn a_state_that_was_changed_does_not_open() {
    let world = world();
    let good = fs::read(world.state()).unwrap();
    for at in (0..good.len()).step_by(13) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(world.state(), &bad).unwrap();
        assert!(matches!(open(&world.state(), &master()), Err(StateError::WrongMasterKey)), "byte {at}");
    }
    for len in [0, 8, 40, good.len() - 1] {
        fs::write(world.state(), &good[..len]).unwrap();
        assert!(matches!(open(&world.state(), &master()), Err(StateError::WrongMasterKey)));
    }
    fs::write(world.state(), &good).unwrap();
    open(&world.state(), &master()).unwrap();
}

/// A nonce that comes twice under one key gives away what it seals.
#[test]
fn each_sealing_has_a_nonce_of_its_own() {
    let world = world();
    let mut nonces = BTreeSet::new();
    for number in 1..=4 {
        world.firmware.sign_checkpoint(&support::checkpoint(1, number, 1)).unwrap();
        nonces.insert(fs::read(world.state()).unwrap()[8..32].to_vec());
    }
    assert_eq!(nonces.len(), 4);
}

#[test]
fn a_change_that_cannot_be_written_is_none_and_leaves_nothing_beside() {
    let world = world();
    fs::remove_file(world.state()).unwrap();
    fs::create_dir(world.state()).unwrap();
    let generation = world.firmware.status().generation;
    let refused = world.firmware.sign_checkpoint(&support::checkpoint(1, 1, 1)).map(drop);
    assert_eq!(refused, Err(FirmwareError::Failed));
    assert_eq!((world.firmware.anchor(&[1; 32]), world.firmware.status().generation), (None, generation));
    assert_eq!(fs::read_dir(world.dir.path()).unwrap().count(), 1);
}

#[test]
fn init_writes_for_the_owner_alone_and_never_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    assert!(matches!(open(&path, &master()), Err(StateError::NotInitialised(_))));
    init(&path, SAM, &administrators(), true).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&path).unwrap();
    assert!(matches!(init(&path, SAM, &administrators(), true), Err(StateError::Initialised(_))));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    let link = dir.path().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    assert!(matches!(init(&link, SAM, &administrators(), true), Err(StateError::Initialised(_))), "a link to nowhere");
    assert!(link.is_symlink() && !link.exists());
}

#[test]
fn init_asks_for_two_administrators() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let refused = |administrators: &[Logon]| {
        assert!(matches!(init(&path, SAM, administrators, true), Err(StateError::Administrators)));
        assert!(!path.exists());
    };
    refused(&[]);
    refused(&[logon("anna", "x")]);
    refused(&[logon("anna", "x"), logon("anna", "y")]);
    init(&path, SAM, &[logon("anna", "x")], false).unwrap();
}

#[test]
fn no_credential_and_no_name_stand_in_the_file() {
    let world = world();
    let file = fs::read(world.state()).unwrap();
    for secret in [&b"correct horse"[..], b"anna", b"IdP"] {
        assert!(!file.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn setidpkeys_asks_for_both_administrators() {
    let world = world();
    let certificates = [world.stranger.certificate.clone()];
    let before = fs::read(world.state()).unwrap();
    let [anna, bert] = administrators();
    for logons in [
        vec![],
        vec![logon("anna", "correct horse")],
        vec![logon("anna", "correct horse"), logon("anna", "correct horse")],
        vec![logon("anna", "correct horse"), logon("bert", "wrong")],
        vec![logon("anna", "correct horse"), logon("carl", "battery staple")],
    ] {
        assert_eq!(world.firmware.set_idp_keys(&logons, &certificates), Err(FirmwareError::Logon));
    }
    assert_eq!(fs::read(world.state()).unwrap(), before);
    world.admit(&world.signing(KeySpec::P256)).unwrap();
    world.firmware.set_idp_keys(&[anna, bert], &certificates).unwrap();
}

#[test]
fn an_import_replaces_all_at_once_and_lasts() {
    let world = world();
    let signing = world.signing(KeySpec::P256);
    world.admit(&signing).unwrap();
    let generation = world.firmware.status().generation;
    world.firmware.set_idp_keys(&administrators(), from_ref(&world.stranger.certificate)).unwrap();
    // Also what was verified before: that a signature is right does not say whose may sign.
    assert_eq!(world.refusal(&signing), FirmwareError::UnknownSigner);
    let mut stranger = signing.clone();
    stranger.idp = &world.stranger;
    stranger.registered = vec![world.stranger.certificate.clone()];
    world.admit(&stranger).unwrap();

    let again = open(&world.state(), &master()).unwrap();
    assert_eq!((again.status().generation, again.status().idps), (generation + 1, 1));
    let sad = stranger.sad();
    again.admit(&stranger.order(&sad)).unwrap();
    let sad = signing.sad();
    assert_eq!(again.admit(&signing.order(&sad)).unwrap_err(), FirmwareError::UnknownSigner);
}

#[test]
fn an_import_takes_certificates_that_may_sign_tokens_only() {
    let world = world();
    let import = |certificates: &[Vec<u8>]| world.firmware.set_idp_keys(&administrators(), certificates);
    let good = world.idp.certificate.clone();
    assert_eq!(import(&[]), Err(FirmwareError::Certificate));
    assert_eq!(import(&[good.clone(), b"no certificate".to_vec()]), Err(FirmwareError::Certificate));
    assert_eq!(import(&[good.clone(), good.clone()]), Err(FirmwareError::Certificate));
    let same_name = Idp::new("IdP", Pair::p256()).certificate;
    assert_eq!(import(&[good, same_name]), Err(FirmwareError::Certificate));
    let weak = certificate("weak", checks::rsa_1024(), 1);
    assert_eq!(import(&[weak]), Err(FirmwareError::Certificate), "RSA-1024");
    world.admit(&world.signing(KeySpec::P256)).unwrap();
}

/// As many as the protocol carries; one issuer may have several, which their serial numbers tell apart.
#[test]
fn an_import_takes_so_many_certificates_of_such_a_size() {
    let world = world();
    let import = |certificates: &[Vec<u8>]| world.firmware.set_idp_keys(&administrators(), certificates);
    let key = Pair::p256().spki();
    let many = |count: u16| (1..=count).map(|serial| certificate("many", key.clone(), serial)).collect::<Vec<_>>();
    assert_eq!(import(&many(65)), Err(FirmwareError::Certificate));
    assert_eq!(import(&many(64)), Ok(()));
    // A name stands in it twice, so a longer serial number makes up for an odd byte.
    let of_len = |len: usize| {
        let all = (3000..4100).flat_map(|name| [1, 0x100].map(|serial| (name, serial)));
        let mut all = all.map(|(name, serial)| certificate(&"x".repeat(name), key.clone(), serial));
        all.find(|certificate| certificate.len() == len).unwrap()
    };
    assert_eq!(import(&[of_len(8193)]), Err(FirmwareError::Certificate));
    assert_eq!(import(&[of_len(8192)]), Ok(()));
}

#[test]
fn certificate_files_are_der_or_pem() {
    let (one, two) = (certificate("one", Pair::p256().spki(), 1), certificate("two", Pair::p384().spki(), 2));
    assert_eq!(&read_certificates(&one).unwrap(), from_ref(&one));
    let pem = |der: &[u8]| {
        use der::EncodePem;
        let certificate: x509_cert::Certificate = der::Decode::from_der(der).unwrap();
        certificate.to_pem(der::pem::LineEnding::LF).unwrap()
    };
    assert_eq!(read_certificates(format!("{}{}", pem(&one), pem(&two)).as_bytes()).unwrap(), [one.clone(), two]);
    for bad in [&b""[..], b"text", &one[..one.len() - 1]] {
        // An empty chain is none of `load_pem_chain`'s errors; an import of nothing is refused later.
        assert!(read_certificates(bad).is_err_and(|error| error == FirmwareError::Certificate) || bad.is_empty());
    }
}

/// What a backup is for: the same master key on another machine, and nothing else of the old one.
#[test]
fn another_machine_with_the_master_key_takes_over() {
    let (old, new) = (world(), world());
    assert_eq!(old.firmware.status().signing_key, new.firmware.status().signing_key);
    assert_eq!(old.firmware.status().checkpoint_key, new.firmware.status().checkpoint_key);
    assert_eq!(old.firmware.integrity_key(), new.firmware.integrity_key());
    let mut signing = new.signing(KeySpec::P256);
    signing.wrapped_key = Some(old.key(KeySpec::P256).1.wrapped_key.clone());
    let signatures = new.firmware.sign(new.admit(&signing).unwrap()).unwrap();
    let key = spki(old.key(KeySpec::P256).1);
    assert!(verifies(&key, &ECDSA_P256_SHA256_ASN1, b"document", &signatures[0]));
}

#[test]
fn a_wrapped_key_of_another_sam_with_the_same_master_key_is_refused() {
    let world = world();
    let path = world.dir.path().join("other.state");
    init(&path, "sam-2", &administrators(), true).unwrap();
    let other = open(&path, &master()).unwrap();
    other.set_idp_keys(&administrators(), from_ref(&world.idp.certificate)).unwrap();
    let signing = world.signing(KeySpec::P256);
    let sad = signing.sad();
    assert_eq!(other.admit(&signing.order(&sad)).unwrap_err(), FirmwareError::WrappedKey);
}

#[test]
fn a_state_of_another_module_key_does_not_open() {
    struct Other(Box<dyn CryptoModule>);
    impl CryptoModule for Other {
        fn key_id(&self) -> &'static str {
            "other"
        }
        fn generate(&self, spec: KeySpec) -> Result<WrappedPair, ModuleError> {
            self.0.generate(spec)
        }
        fn activate(&self, wrapped: &[u8], spec: KeySpec) -> Result<Box<dyn RawSigningKey + '_>, ModuleError> {
            self.0.activate(wrapped, spec)
        }
    }
    let world = world();
    let other = Box::new(Other(software(&master())));
    let opened = Firmware::open(&world.state(), &master(), other, OidArc::default());
    assert!(matches!(opened, Err(StateError::OtherModule)));

    // Nor does the firmware of such a module take a key that was wrapped before, though its signature is right.
    let other = World::new(&master(), || Box::new(Other(software(&master()))));
    let mut signing = other.signing(KeySpec::P256);
    signing.wrapped_key = Some(world.key(KeySpec::P256).1.wrapped_key.clone());
    assert_eq!(other.refusal(&signing), FirmwareError::WrappedKey);
}

#[test]
fn checkpoints_have_a_key_of_their_own() {
    let world = world();
    let (firmware, status) = (&world.firmware, world.firmware.status());
    let checkpoint = support::checkpoint(1, 1, 1);
    let signature = firmware.sign_checkpoint(&checkpoint).unwrap();
    assert!(firmware.verify_checkpoint(&checkpoint, &signature));
    assert!(!firmware.verify_checkpoint(b"another", &signature));
    assert!(!firmware.verify_checkpoint(&checkpoint, b""));
    let key = |der: &[u8]| SubjectPublicKeyInfoOwned::parse(der).unwrap();
    assert!(verifies(&key(&status.checkpoint_key), &ECDSA_P256_SHA256_ASN1, &checkpoint, &signature));
    assert!(!verifies(&key(&status.signing_key), &ECDSA_P256_SHA256_ASN1, &checkpoint, &signature));
}

#[test]
fn software_wrappings_open_with_their_key_alone() {
    let module = software(&master());
    let other = software(&MasterKey::new(&[0x43; 32]).unwrap());
    for spec in support::SPECS {
        let WrappedPair { wrapped, .. } = module.generate(spec).unwrap();
        module.activate(&wrapped, spec).unwrap();
        let refused = |result: Result<Box<dyn RawSigningKey + '_>, ModuleError>| {
            assert_eq!(result.err(), Some(ModuleError::BadWrapping));
        };
        refused(other.activate(&wrapped, spec));
        for at in (0..wrapped.len()).step_by(11) {
            let mut bad = wrapped.clone();
            bad[at] ^= 0x80;
            refused(module.activate(&bad, spec));
        }
        for len in [0, 8, 16, 24, wrapped.len() - 8, wrapped.len() - 1] {
            refused(module.activate(&wrapped[..len], spec));
        }
        for wrong in KeySpec::ALL.into_iter().filter(|wrong| *wrong != spec) {
            refused(module.activate(&wrapped, wrong));
        }
    }
}

#[test]
fn the_bare_path_signs() {
    let module = software(&master());
    for spec in support::SPECS {
        tw4s_firmware::bench::BarePath::new(&*module, spec).unwrap().run(2).unwrap();
    }
}

/// A wrapped key differs each time, though KWP has no nonce: the private key does.
#[test]
fn nothing_of_a_key_shows() {
    let world = world();
    let (_, key) = world.key(KeySpec::P256);
    // A PKCS#8 that was not wrapped would have this.
    let clear = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d];
    assert!(!key.wrapped_key.windows(clear.len()).any(|window| window == clear));
    let admitted = world.admit(&world.signing(KeySpec::P256)).unwrap();
    assert!(!format!("{admitted:?}").contains("wrapped: ["), "{admitted:?}");
    let digest = hash(Digest::Sha256, USER.as_bytes());
    Digested::new(KeySpec::P256, KeySpec::P256.default_algorithm(), &digest).unwrap();
}
