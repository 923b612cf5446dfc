//! A folder of a demo's or a benchmark's own, in which programs find each other by sockets.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

/// The longest folder in which a socket's name still fits the 108 bytes of an address.
const MAX_FOLDER: usize = 64;

/// Makes the folder, whose name begins so, for its owner alone. It goes with the value.
///
/// # Errors
/// The folder cannot be made.
pub fn folder(prefix: &str) -> std::io::Result<TempDir> {
    let mut parent = std::env::temp_dir();
    if parent.as_os_str().len() > MAX_FOLDER {
        parent = PathBuf::from("/tmp");
    }
    tempfile::Builder::new().prefix(prefix).permissions(Permissions::from_mode(0o700)).tempdir_in(parent)
}
