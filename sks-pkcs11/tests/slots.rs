//! What the standard leaves to the token and the project has fixed: slots' ids and serial numbers, the CKA_ID and
//! CKA_LABEL of keys that were given none, and the CA that certifies.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{Daemon, object, pin, value};
use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::slot::Slot;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sks_client::Client;
use sks_issuer::ca::{Ca, Subject};
use sks_issuer::{KeyOptions, PinPolicyOptions, Protection};
use sks_wire::Secret;
use sks_wire::method::get_device_info;
use sks_wire::types::Id;

fn client(daemon: &Daemon) -> Client {
    Client::connect(&daemon.path("sks.sock")).unwrap()
}

/// A key of another issuer's, without FriendlyName, under a PIN that may not be changed; its handle.
fn issue(daemon: &Daemon) -> u32 {
    let mut session = common::issuer(daemon, "https://issuer.example");
    let mut policy = PinPolicyOptions::new(Id::new("PIN.1").unwrap());
    policy.user_modifiable = false;
    let policy = session.create_pin_policy(&policy, None).unwrap();
    let code = Secret::from(b"2222".as_slice());
    let options = KeyOptions::p256(Id::new("Key.of.issuer").unwrap());
    let ca = Ca::create(&Subject::common_name("A CA").unwrap(), 5).unwrap();
    let handle = common::certified(&mut session, &ca, &options, Protection::Pin { policy: &policy, pin: &code }).handle;
    session.close().unwrap();
    handle.0
}

#[test]
fn slots_and_keys_are_named_as_said() {
    let daemon = Daemon::start();
    daemon.enroll("free", None, None, &[]);
    let handle = issue(&daemon);
    daemon.adopt();
    let module = common::load();
    let slot = Slot::try_from(u64::from(handle)).unwrap();
    assert_eq!(module.get_all_slots().unwrap(), [Slot::try_from(0_u64).unwrap(), slot]);
    serial_numbers(&daemon, &module);
    names_of_a_key(&module, slot);
    a_pin_that_may_not_be_changed(&module, slot);
    another_ca(&daemon, &module);
}

fn serial_numbers(daemon: &Daemon, module: &Pkcs11) {
    let device = client(daemon).call(&get_device_info::Request {}).unwrap();
    for slot in module.get_all_slots().unwrap() {
        let id = u32::try_from(slot.id()).unwrap();
        let digest =
            Sha256::new().chain_update(&device.x509_certificate.0[0]).chain_update(id.to_be_bytes()).finalize();
        let serial: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(module.get_token_info(slot).unwrap().serial_number(), serial);
    }
}

fn names_of_a_key(module: &Pkcs11, slot: Slot) {
    let session = module.open_rw_session(slot).unwrap();
    let public = object(&session, ObjectClass::PUBLIC_KEY, "Key.of.issuer");
    let Attribute::EcPoint(point) = value(&session, public, AttributeType::EcPoint) else { panic!("no point") };
    let id = Attribute::Id(Sha1::digest(&point[2..]).to_vec());
    assert_eq!(value(&session, public, AttributeType::Id), id);
    // Two objects without a login, the private key with one.
    assert_eq!(session.find_objects(&[Attribute::Label(b"Key.of.issuer".to_vec())]).unwrap().len(), 2);
    session.login(UserType::User, Some(&pin("2222"))).unwrap();
    let found = session.find_objects(&[id, Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(session.get_attributes(found[0], &[AttributeType::Modulus]).unwrap(), [], "an EC key has none");
}

fn a_pin_that_may_not_be_changed(module: &Pkcs11, slot: Slot) {
    let session = module.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&pin("2222"))).unwrap();
    let changed = session.set_pin(&pin("2222"), &pin("3333"));
    assert!(matches!(changed, Err(Error::Pkcs11(RvError::ActionProhibited, _))), "{changed:?}");
    let (public, private) = ([common::p256()], [Attribute::Token(true)]);
    let made = session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private);
    assert!(matches!(made, Err(Error::Pkcs11(RvError::TokenWriteProtected, _))), "{made:?}");
}

/// A local CA that was made anew certifies from then on.
fn another_ca(daemon: &Daemon, module: &Pkcs11) {
    let session = module.open_rw_session(Slot::try_from(0_u64).unwrap()).unwrap();
    let issuer = |label: &str| {
        let private = [Attribute::Token(true), Attribute::Label(label.into())];
        session.generate_key_pair(&Mechanism::EccKeyPairGen, &[common::p256()], &private).unwrap();
        value(&session, object(&session, ObjectClass::CERTIFICATE, label), AttributeType::Issuer)
    };
    let first = issuer("first");
    assert_eq!(issuer("second"), first);
    std::fs::remove_dir_all(daemon.path("data").join("sks/local-ca")).unwrap();
    assert_ne!(issuer("third"), first);
}
