//! p11-kit: the module as one of many, registered for a user.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::common::Daemon;
use crate::{good, have, module};

/// The user and group nobody. p11-kit reads no user's configuration when root runs it.
const NOBODY: &str = "65534";

#[test]
fn p11_kit_lists_the_module_and_its_tokens() {
    if !have(&[("p11-kit", "p11-kit"), ("setpriv", "util-linux")]) {
        return;
    }
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let daemon = Daemon::start_with(if root { &["--allow-uid", NOBODY] } else { &[] });
    daemon.enroll("free", None, None, &[]);
    let folder = daemon.path(".config/pkcs11/modules");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("sks.module"), format!("module: {}\n", module())).unwrap();
    let listed = if root {
        std::fs::set_permissions(daemon.dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let user = [&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"].map(str::to_owned);
        let command = user.into_iter().chain(["p11-kit", "list-modules"].map(str::to_owned));
        daemon.run("setpriv", command)
    } else {
        daemon.run("p11-kit", ["list-modules"])
    };
    let listed = good(&listed);
    assert!(listed.contains("sks: ") && listed.contains("token: SKS"), "{listed}");
}
