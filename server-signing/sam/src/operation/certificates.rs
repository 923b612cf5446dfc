//! The rule for a set of certificates.

use sha2::{Digest, Sha256};

use crate::certificate::Certificate;
use crate::refusal::Refusal;

/// A user's certificates: one at least ("When the set of certificates is empty"), each a certificate, none twice. Two
/// with one issuer and serial number would leave open which one a token names.
pub(crate) fn check<C: AsRef<[u8]>>(certificates: &[C]) -> Result<Vec<Vec<u8>>, Refusal> {
    if certificates.is_empty() {
        return Err(Refusal::NoCertificate);
    }
    let mut seen = Vec::new();
    for der in certificates {
        let id = Certificate::parse(der.as_ref()).and_then(|certificate| certificate.id());
        let id = id.map_err(|_| Refusal::BadCertificate)?;
        if seen.contains(&id) {
            return Err(Refusal::TwiceCertificate);
        }
        seen.push(id);
    }
    Ok(certificates.iter().map(|der| der.as_ref().to_vec()).collect())
}

/// What the audit record says of them.
pub(crate) fn fingerprints(certificates: &[Vec<u8>]) -> Vec<String> {
    certificates.iter().map(|der| hex::encode(Sha256::digest(der))).collect()
}
