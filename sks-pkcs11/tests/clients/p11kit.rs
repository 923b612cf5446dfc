//! p11-kit: the module as one of many, through its proxy.

use crate::{good, have, module, token};

#[test]
fn p11_kit_lists_the_module_and_its_tokens() {
    if !have(&[("p11-kit", "p11-kit")]) {
        return;
    }
    let daemon = token();
    let folder = daemon.path(".config/pkcs11/modules");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("sks.module"), format!("module: {}\n", module())).unwrap();
    if std::env::var_os("USER").is_some_and(|user| user == "root") || is_root() {
        eprintln!("SKIPPED: p11-kit does not read the modules of root's home");
        return;
    }
    let listed = good(&daemon.run("p11-kit", ["list-modules"]));
    assert!(listed.contains("sks:") && listed.contains("token: SKS"), "{listed}");
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}
