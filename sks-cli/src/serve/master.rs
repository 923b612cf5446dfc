//! Where the store's master key comes from: options, and a prompt.

use std::path::{Path, PathBuf};

use sks_store::{KeySource, SealedStore};
use sks_wire::Secret;

use crate::exit::Failure;
use crate::secrets;

/// The options.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Master key")]
#[group(id = "master", multiple = false)]
pub(crate) struct Args {
    /// The file of the key that seals the store; a new store gets one [default: master.key in the store]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Seal with a passphrase instead, from a file, less one newline at its end; - is stdin
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Seal with a passphrase instead, and ask for it, without echo
    #[arg(long)]
    passphrase: bool,
}

impl Args {
    /// The key of the store in `store`.
    pub(super) fn source(&self, store: &Path) -> Result<KeySource, Failure> {
        if let Some(file) = &self.passphrase_file {
            return secrets::read(file).map(KeySource::Passphrase);
        }
        if self.passphrase {
            return ask(store).map(KeySource::Passphrase);
        }
        let default = || SealedStore::default_key_file(store);
        Ok(KeySource::File(self.key_file.clone().unwrap_or_else(default)))
    }
}

/// Asks, and for a store that is to be made asks again: a slip would lock its owner out for good.
fn ask(store: &Path) -> Result<Secret, Failure> {
    let first = prompt("Passphrase of the store: ")?;
    let is_new = std::fs::read_dir(store).map_or(true, |mut entries| entries.next().is_none());
    if is_new && prompt("The new store's passphrase again: ")? != first {
        return Err(Failure::usage("the two passphrases differ"));
    }
    Ok(first)
}

fn prompt(text: &str) -> Result<Secret, Failure> {
    secrets::ask(text, "--passphrase-file")
}
