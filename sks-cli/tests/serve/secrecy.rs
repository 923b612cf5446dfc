//! Nothing secret is in the log, however much is logged, nor in any file of the store.

use std::fs;
use std::path::Path;

use sks_wire::method::{change_pin, unlock_key, verify_pin};
use sks_wire::{MethodId, Status};

use crate::daemon::{Home, provision, secret};

const PIN: &str = "tulips-and-rain";
const WRONG_PIN: &str = "tulips-and-snow";
const NEW_PIN: &str = "roses-and-rain";
const PUK: &str = "orchids-and-fog";
const WRONG_PUK: &str = "orchids-and-ice";

#[test]
fn pins_are_neither_logged_nor_stored() {
    let home = Home::new();
    let mut command = home.serve(&[]);
    command.env("SKS_LOG", "trace,sled=trace");
    let daemon = home.run(command);
    let key_handle = provision(&daemon, &secret(PIN), &secret(PUK), 3);
    let mut client = daemon.client();
    for pin in [WRONG_PIN, PIN] {
        let answer = client.verify_pin(&verify_pin::Request { key_handle, pin: secret(pin) });
        assert_eq!(answer.is_ok(), pin == PIN);
    }
    client.change_pin(&change_pin::Request { key_handle, pin: secret(PIN), new_pin: secret(NEW_PIN) }).unwrap();
    let guess = unlock_key::Request { key_handle, authorization: secret(WRONG_PUK) };
    assert_eq!(client.unlock_key(&guess).unwrap_err().refused().unwrap().status, Status::Authorization);
    client.unlock_key(&unlock_key::Request { key_handle, authorization: secret(PUK) }).unwrap();
    let log = daemon.log();
    daemon.stop();

    assert!(log.contains(MethodId::VerifyPin.name()) && log.contains("ERROR_AUTHORIZATION"), "it is logged: {log}");
    for secret in [PIN, WRONG_PIN, NEW_PIN, PUK, WRONG_PUK] {
        let listed = format!("{:?}", secret.as_bytes());
        for form in [secret, &hex::encode(secret), &hex::encode_upper(secret), listed.trim_matches(['[', ']'])] {
            assert!(!log.contains(form), "the log shows {secret} as {form}");
        }
        assert_absent(secret.as_bytes(), &home.store());
    }
}

fn assert_absent(secret: &[u8], dir: &Path) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            assert_absent(secret, &entry.path());
        } else {
            let content = fs::read(entry.path()).unwrap();
            assert!(!content.windows(secret.len()).any(|window| window == secret), "{:?}", entry.path());
        }
    }
}
