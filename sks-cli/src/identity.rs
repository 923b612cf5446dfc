//! The device identity: the attestation key and the certificate path that says whose device this is.
//!
//! Source: SKS API V0.35, "Device Certificate". A token gets its identity once, when its store has none: a given one,
//! or one of its own under a vendor CA that is made for it and whose key is forgotten.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use der::{Document, SecretDocument};
use program::secret;
use sks_core::ports::{Crypto, Store, StoreError};
use sks_core::record::{Address, Identity};
use sks_core::{StartError, install_identity};
use sks_issuer::ca::{self, CaError, Subject};
use sks_wire::Secret;
use tracing::{info, warn};
use zeroize::Zeroizing;

/// A given identity.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Identity of a new token")]
#[group(id = "identity")]
pub(crate) struct Args {
    /// The attestation key, PKCS#8 in PEM, RSA or P-256 [default: a new P-256 key]
    #[arg(long, value_name = "FILE", requires = "device_certs")]
    device_key: Option<PathBuf>,
    /// Its certificate, then those of its issuers, in PEM [default: from a vendor CA made for it]
    #[arg(long, value_name = "FILE", requires = "device_key")]
    device_certs: Option<PathBuf>,
}

/// Why a token has no identity.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key's file cannot be read, or is for others too.
    #[error(transparent)]
    Secret(#[from] secret::Error),
    /// A file holds something else.
    #[error("{} holds no {wanted}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// No identity can be made.
    #[error("no device identity can be made")]
    Make(#[from] CaError),
    /// The identity is not sound, or the store does not take it.
    #[error(transparent)]
    Install(#[from] StartError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How long the certificates of a made identity are valid: as long as anyone may keep the store.
const YEARS: u16 = 30;

/// Sees to it that the token in `store` has an identity.
///
/// # Errors
/// [`IdentityError`]; the store has what it had.
pub(crate) fn ensure(store: &dyn Store, crypto: &dyn Crypto, args: &Args) -> Result<(), IdentityError> {
    let given = args.device_key.as_deref().zip(args.device_certs.as_deref());
    if store.get(&Address::Identity)?.is_some() {
        if given.is_some() {
            warn!("the token has its identity already: --device-key and --device-certs are ignored");
        }
        return Ok(());
    }
    let identity = match given {
        Some((key, certificates)) => load(key, certificates)?,
        None => make()?,
    };
    install_identity(store, crypto, identity)?;
    info!(given = given.is_some(), "the token has got its identity");
    Ok(())
}

fn make() -> Result<Identity, CaError> {
    let mut serial = [0; 8];
    getrandom::fill(&mut serial).map_err(|_| sks_issuer::crypto::CryptoError::Random)?;
    let serial = hex::encode(serial);
    let vendor = Subject::common_name(&format!("SKS virtual token vendor {serial}"))?;
    let device = Subject::common_name(&format!("SKS virtual token {serial}"))?;
    let made = ca::device_identity(&vendor, &device, YEARS)?;
    Ok(Identity { private_key: made.private_key, certificates: made.path })
}

fn load(key: &Path, certificates: &Path) -> Result<Identity, IdentityError> {
    Ok(Identity { private_key: load_key(key)?, certificates: load_certificates(certificates)? })
}

fn load_key(path: &Path) -> Result<Secret, IdentityError> {
    let mut pem = Zeroizing::new(String::new());
    let failed = |source| IdentityError::Read { path: path.to_owned(), source };
    // Makes room for all of it at once, so that no copy is left where a shorter buffer was.
    secret::open(path)?.read_to_string(&mut pem).map_err(failed)?;
    let block = blocks(&pem).find_map(|block| SecretDocument::from_pem(block).ok());
    match block {
        Some(("PRIVATE KEY", key)) => Ok(Secret::from(key.as_bytes())),
        _ => Err(IdentityError::Content { path: path.to_owned(), wanted: "private key in PEM, PKCS#8, not encrypted" }),
    }
}

fn load_certificates(path: &Path) -> Result<Vec<Vec<u8>>, IdentityError> {
    let pem = read(path)?;
    let decoded = blocks(&pem).map(|block| match Document::from_pem(block) {
        Ok(("CERTIFICATE", certificate)) => Some(certificate.into_vec()),
        _ => None,
    });
    match decoded.collect::<Option<Vec<_>>>() {
        Some(path) if !path.is_empty() => Ok(path),
        _ => Err(IdentityError::Content { path: path.to_owned(), wanted: "certificates in PEM, and nothing else" }),
    }
}

fn read(path: &Path) -> Result<String, IdentityError> {
    fs::read_to_string(path).map_err(|source| IdentityError::Read { path: path.to_owned(), source })
}

/// The PEM blocks of a text, without what stands between them.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    const BEGIN: &str = "-----BEGIN ";
    text.match_indices(BEGIN).filter_map(|(start, _)| {
        let block = text.get(start..)?;
        let end = block.find("-----END ")?;
        let line = block.get(end..)?.find('\n').unwrap_or(block.len() - end);
        block.get(..end + line)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn pem_blocks_are_found_between_other_text() {
        let text =
            "subject=x\n-----BEGIN A-----\nAA==\n-----END A-----\n\nissuer=y\n-----BEGIN B-----\nAQ==\n-----END B-----";
        let found: Vec<_> = blocks(text).map(|block| Document::from_pem(block).map(|(label, _)| label)).collect();
        assert_eq!(blocks(text).count(), 2);
        // Neither is DER, so neither is a document; the blocks themselves are whole.
        assert!(found.iter().all(Result::is_err));
        assert!(blocks(text).all(|block| block.starts_with("-----BEGIN ") && block.ends_with("-----")));
    }

    #[test]
    fn a_made_identity_is_two_certificates() {
        let identity = make().unwrap();
        assert_eq!(identity.certificates.len(), 2);
        sks_core::crypto::engine().load(identity.private_key.expose()).unwrap();
    }
}
