//! Signing, in two steps: all checks, then activation, signatures, deactivation (6.4.5 to 6.5.4).
//!
//! In between the SAM reserves the hashes. So a SAD that does not verify consumes nothing, and no key is active while
//! the database works.

use std::fmt;
use std::sync::Arc;

use tw4s_formats::{Format, HashAlgorithm, OidArc, Sad, SadTbs, SignatureAlgorithm, WrappedKey, WrappedKeyTbs};

use super::Firmware;
use crate::algorithm::{Digested, KeySpec};
use crate::error::FirmwareError;
use crate::module::ModuleError;
use crate::sam_key::SamKey;
use crate::verify::PublicKey;

/// What is to be verified, and then signed.
#[derive(Clone, Copy, Debug)]
pub struct SignOrder<'a> {
    /// The SAD, DER, as it came.
    pub sad: &'a [u8],
    /// Who authenticated: the user of the credential.
    pub user_id: &'a str,
    /// This user's registered certificates of identity providers, DER.
    pub registered: &'a [Vec<u8>],
    /// The wrapped key that the SAD's KeyID names, DER, as the store has it; `None` if it has none, because whether the
    /// token and the SAD are sound comes before that.
    pub wrapped_key: Option<&'a [u8]>,
}

/// A verified order. Only [`Firmware::admit`] makes one, and [`Firmware::sign`] takes it: it signs once.
pub struct Admitted {
    wrapped: Arc<WrappedKeyTbs>,
    spec: KeySpec,
    algorithm: SignatureAlgorithm,
    hashes: Vec<Vec<u8>>,
}

impl fmt::Debug for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spec, algorithm, hashes, .. } = self;
        write!(f, "Admitted({spec:?}, {algorithm:?}, {} hashes)", hashes.len())
    }
}

impl Firmware {
    /// Verifies everything that a signing asks of the firmware. No key is activated.
    ///
    /// # Errors
    /// The first that holds of `Malformed` (the SAD), `UnknownSigner`, `TokenSignature`, `UnregisteredSigner`,
    /// `SadSignature`, `HashLength`, `NoKey`, `WrappedKey`, `KeyMismatch`, `UserMismatch`, `Algorithm`.
    pub fn admit(&self, order: &SignOrder<'_>) -> Result<Admitted, FirmwareError> {
        let sad = Sad::parse(order.sad).map_err(|_| FirmwareError::Malformed)?;
        self.check_token(&sad.tbs.identity_token, Some(order.registered))?;
        check_sad(&sad, &self.arc)?;
        let named = check_hashes(&sad.tbs)?;
        let wrapped = self.check_wrapped_key(order.wrapped_key.ok_or(FirmwareError::NoKey)?)?;
        if sad.tbs.key_id.text() != wrapped.key_id.as_str() {
            return Err(FirmwareError::KeyMismatch);
        }
        let owner = wrapped.metadata.user_id.as_str();
        if sad.tbs.identity_token.data.user_id.text() != owner || order.user_id != owner {
            return Err(FirmwareError::UserMismatch);
        }
        let (spec, algorithm) = check_algorithm(named, &wrapped)?;
        let hashes = sad.tbs.into_value().tbs_hash_values.into_vec();
        let hashes = hashes.into_iter().map(tw4s_formats::Octets::into_bytes).collect();
        Ok(Admitted { wrapped, spec, algorithm, hashes })
    }

    /// Activates the key, signs each hash in its order, and deactivates the key: also when a signature fails or
    /// panics. All signatures, or none.
    ///
    /// # Errors
    /// `Failed`, `NotOperational`.
    pub fn sign(&self, admitted: Admitted) -> Result<Vec<Vec<u8>>, FirmwareError> {
        let Admitted { wrapped, spec, algorithm, hashes } = admitted;
        let key = self.module.activate(wrapped.cm_wrapped_key.as_bytes(), spec).map_err(active_error)?;
        let sign = |hash: &Vec<u8>| {
            let input = Digested::new(spec, algorithm, hash).map_err(|_| FirmwareError::Failed)?;
            key.sign(&input).map_err(active_error)
        };
        hashes.iter().map(sign).collect()
    }

    /// Whether this SAM made a wrapped key, for the check of the data's integrity.
    #[must_use]
    pub fn verify_wrapped_key(&self, wrapped_key: &[u8]) -> bool {
        self.check_wrapped_key(wrapped_key).is_ok()
    }

    /// Row 18: signed by this SAM's key, for this SAM, wrapped under this module's key.
    fn check_wrapped_key(&self, der: &[u8]) -> Result<Arc<WrappedKeyTbs>, FirmwareError> {
        let checked = self.wrapped_keys.recall(&[der], || {
            let wrapped = WrappedKey::parse(der).ok()?;
            let genuine = SamKey::is_algorithm_of(&wrapped)
                && self.signing.verify(wrapped.tbs.der(), wrapped.signature.as_bytes())
                && wrapped.tbs.metadata.sam_id.as_str() == self.sam_id
                && wrapped.tbs.metadata.module_key_id.as_str() == self.module.key_id();
            genuine.then(|| Arc::new(wrapped.tbs.into_value()))
        });
        checked.ok_or(FirmwareError::WrappedKey)
    }
}

/// Rows 8, 9 and 12: over the SADTBS as it came, by the one key in the token's extension, in that key's algorithm.
fn check_sad(sad: &Sad, arc: &OidArc) -> Result<(), FirmwareError> {
    let refused = FirmwareError::SadSignature;
    let claims = sad.tbs.identity_token.data.claims(arc).map_err(|_| refused.clone())?;
    let key = claims.sad_key.and_then(|spki| PublicKey::of(&spki).ok()).ok_or(refused.clone())?;
    let algorithm = key.kind().sad_algorithm();
    if key.verify(algorithm, sad.tbs.der(), sad.signature.as_bytes()) { Ok(()) } else { Err(refused) }
}

/// Rows 13 and 14: a known algorithm, whose digest has the hashes' length.
fn check_hashes(tbs: &SadTbs) -> Result<HashAlgorithm, FirmwareError> {
    let named = tbs.algorithm().map_err(|_| FirmwareError::HashLength)?;
    let size = named.digest().ok_or(FirmwareError::HashLength)?.size();
    let all_fit = tbs.tbs_hash_values.iter().all(|hash| hash.as_bytes().len() == size);
    if all_fit { Ok(named) } else { Err(FirmwareError::HashLength) }
}

/// Row 13: what the key is, and how it signs what the SAD names.
fn check_algorithm(named: HashAlgorithm, key: &WrappedKeyTbs) -> Result<(KeySpec, SignatureAlgorithm), FirmwareError> {
    let kind = tw4s_formats::KeyKind::of(&key.metadata.spki).map_err(|_| FirmwareError::WrappedKey)?;
    let spec = KeySpec::of(kind).ok_or(FirmwareError::WrappedKey)?;
    let default = SignatureAlgorithm::from_identifier(&key.metadata.algorithm);
    let default = default.map_err(|_| FirmwareError::WrappedKey)?;
    let algorithm = spec.resolve(named, default).map_err(|_| FirmwareError::Algorithm)?;
    Ok((spec, algorithm))
}

/// The wrapped key was verified, so whatever the module does not like is a failure of the module.
fn active_error(error: ModuleError) -> FirmwareError {
    match error {
        ModuleError::Down(why) => FirmwareError::NotOperational(why),
        ModuleError::Unsupported | ModuleError::BadWrapping | ModuleError::Failed => FirmwareError::Failed,
    }
}
