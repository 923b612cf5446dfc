//! Where the token's store and socket are, unless told otherwise: the one place that knows.
//!
//! An option goes before the variables SKS_STORE and SKS_SOCKET, and these before the places that the XDG Base
//! Directory Specification names: `$XDG_DATA_HOME/sks/store` (unset: `~/.local/share`) and
//! `$XDG_RUNTIME_DIR/sks/sks.sock` (unset: `sks.sock` in the store). A variable that is empty counts as unset, and so
//! does, as that specification asks, an XDG variable that is not absolute.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The token's store, a directory.
    pub store: PathBuf,
    /// The socket that the token listens on.
    pub socket: PathBuf,
    /// The local CA of emulated issuers, a directory: `$XDG_DATA_HOME/sks/local-ca`.
    pub local_ca: PathBuf,
}

/// The paths that this process' environment says.
#[must_use]
pub fn defaults() -> Paths {
    resolve(None, None)
}

/// As [`defaults`], with what a command's options say. A store given here moves the socket that lies in it.
#[must_use]
pub fn resolve(store: Option<&Path>, socket: Option<&Path>) -> Paths {
    resolve_in(store, socket, |name| match name {
        // Without HOME, the password file knows it.
        "HOME" => std::env::home_dir().map(PathBuf::into_os_string),
        _ => std::env::var_os(name),
    })
}

/// As [`resolve`], in the environment that `lookup` answers for. Without any HOME the data lies under the root
/// directory, as if HOME were that: an ordinary user's attempt to write there fails and names the path.
#[must_use]
pub fn resolve_in(store: Option<&Path>, socket: Option<&Path>, lookup: impl Fn(&str) -> Option<OsString>) -> Paths {
    let path = |name| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = |name| path(name).filter(|path| path.is_absolute());
    let home = || path("HOME").unwrap_or_else(|| PathBuf::from("/"));
    let data = folder("XDG_DATA_HOME").unwrap_or_else(|| home().join(".local/share")).join("sks");
    let store = store.map(Path::to_owned).or_else(|| path("SKS_STORE")).unwrap_or_else(|| data.join("store"));
    let runtime = || folder("XDG_RUNTIME_DIR").map(|runtime| runtime.join("sks/sks.sock"));
    let socket = socket.map(Path::to_owned).or_else(|| path("SKS_SOCKET")).or_else(runtime);
    let socket = socket.unwrap_or_else(|| store.join("sks.sock"));
    Paths { store, socket, local_ca: data.join("local-ca") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn resolved(options: [Option<&str>; 2], variables: &[(&str, &str)]) -> [String; 3] {
        let lookup = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
        let paths = resolve_in(options[0].map(Path::new), options[1].map(Path::new), lookup);
        [paths.store, paths.socket, paths.local_ca].map(|path| path.into_os_string().into_string().unwrap())
    }

    #[test]
    fn home_is_enough() {
        let paths = resolved([None, None], &[("HOME", "/home/u")]);
        assert_eq!(paths[0], "/home/u/.local/share/sks/store");
        assert_eq!(paths[1], "/home/u/.local/share/sks/store/sks.sock");
        assert_eq!(paths[2], "/home/u/.local/share/sks/local-ca");
    }

    #[test]
    fn xdg_variables_go_before_home() {
        let xdg = [("HOME", "/home/u"), ("XDG_DATA_HOME", "/data"), ("XDG_RUNTIME_DIR", "/run/user/7")];
        let paths = resolved([None, None], &xdg);
        assert_eq!(paths, ["/data/sks/store", "/run/user/7/sks/sks.sock", "/data/sks/local-ca"]);
    }

    #[test]
    fn own_variables_go_before_xdg_and_options_before_both() {
        let all = [("SKS_STORE", "/s"), ("SKS_SOCKET", "/k"), ("XDG_DATA_HOME", "/d"), ("XDG_RUNTIME_DIR", "/r")];
        assert_eq!(resolved([None, None], &all), ["/s", "/k", "/d/sks/local-ca"]);
        assert_eq!(resolved([Some("here"), Some("k2")], &all), ["here", "k2", "/d/sks/local-ca"]);
    }

    #[test]
    fn a_store_by_option_takes_its_socket_along() {
        assert_eq!(resolved([Some("/o"), None], &[("HOME", "/h")])[1], "/o/sks.sock");
    }

    #[test]
    fn empty_and_relative_variables_count_as_unset() {
        let odd = [("HOME", "/h"), ("SKS_STORE", ""), ("XDG_DATA_HOME", "data"), ("XDG_RUNTIME_DIR", "")];
        assert_eq!(resolved([None, None], &odd)[1], "/h/.local/share/sks/store/sks.sock");
    }
}
