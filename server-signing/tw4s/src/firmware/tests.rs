//! What an initialisation leaves behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;

use zeroize::Zeroizing;

use super::*;

fn logons() -> Vec<Logon> {
    let logon = |user: &str| Logon { user: user.to_owned(), credential: Zeroizing::new(b"secret".to_vec()) };
    vec![logon("anna"), logon("bert")]
}

/// The slot is written before the state, which opens with that slot alone.
#[test]
fn an_initialisation_that_is_refused_leaves_the_slot_that_was_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(Some(folder.path())).unwrap();
    fs::create_dir_all(home.slots()).unwrap();
    for (slot, byte) in [("0", 7), ("1", 8)] {
        let path = home.slots().join(slot);
        fs::write(&path, [byte; 32]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    init(&home, logons(), "0").unwrap();
    let chosen = Slot::saved(&home).unwrap();
    assert!(init(&home, logons(), "1").is_err());
    assert_eq!(Slot::saved(&home).unwrap(), chosen);
}
