//! What `sks pkcs11` prints, run as it is printed.

use crate::common::{Daemon, sks};
use crate::{good, module};

/// All of it.
fn settings(daemon: &Daemon) -> String {
    good(&daemon.run(sks(), ["pkcs11", "--module", &module()]))
}

/// The command line printed that begins with one word and holds another.
pub(crate) fn printed(daemon: &Daemon, program: &str, holds: &str) -> String {
    let settings = settings(daemon).replace("\\\n", " ");
    let found: Vec<_> = settings
        .lines()
        .filter(|line| line.split(' ').next() == Some(program) && line.contains(holds))
        .map(str::to_owned)
        .collect();
    assert_eq!(found.len(), 1, "{settings}");
    found[0].clone()
}

/// Writes the lines that are to be saved in a file, and gives its path.
pub(crate) fn saved(daemon: &Daemon, file: &str) -> String {
    let settings = settings(daemon);
    let after = settings.split_once(&format!("Save as {file}:\n")).unwrap().1;
    let content = after.split("# then").next().unwrap();
    daemon.file(file, content).display().to_string()
}
