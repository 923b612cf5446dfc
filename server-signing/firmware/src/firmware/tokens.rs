//! Signatures of others: tokens and message credentials (steps 6.4.5, 1.2.9; rows 8 and 10).

use tw4s_formats::{AlgorithmIdentifierOwned, Digest, Format, KeyKind, SignatureAlgorithm, SignedIdentityToken};
use x509_cert::der::Decode;

use super::Firmware;
use crate::error::FirmwareError;
use crate::idp;
use crate::verify::PublicKey;

impl Firmware {
    /// Verifies a token's signature. Its signer must be an imported identity provider, and with `registered` also one
    /// of those certificates, byte for byte. Gives the signer's certificate. Window, level and user are for the caller.
    ///
    /// # Errors
    /// The first that holds of `Malformed`, `UnknownSigner`, `TokenSignature`, `UnregisteredSigner`.
    pub fn verify_token(&self, token: &[u8], registered: Option<&[Vec<u8>]>) -> Result<Vec<u8>, FirmwareError> {
        let token = SignedIdentityToken::parse(token).map_err(|_| FirmwareError::Malformed)?;
        self.check_token(&token, registered)
    }

    pub(super) fn check_token(
        &self,
        token: &SignedIdentityToken,
        registered: Option<&[Vec<u8>]>,
    ) -> Result<Vec<u8>, FirmwareError> {
        let idps = self.idps();
        let idp = idps.find(&token.signer).ok_or(FirmwareError::UnknownSigner)?;
        // The algorithm is outside the signature: it is on the list, and `verify` takes it only if it fits the key.
        let algorithm = SignatureAlgorithm::from_identifier(&token.signature_algorithm);
        let algorithm = algorithm.map_err(|_| FirmwareError::TokenSignature)?;
        let (message, signature) = (token.data.der(), token.signature.as_bytes());
        if !self.verified(idp.key(), algorithm, message, signature) {
            return Err(FirmwareError::TokenSignature);
        }
        match registered {
            Some(registered) if !registered.iter().any(|der| der == idp.der()) => {
                Err(FirmwareError::UnregisteredSigner)
            }
            _ => Ok(idp.der().to_vec()),
        }
    }

    /// Verifies a message-signature credential with a certificate that the caller found registered: RSA (PKCS#1) or
    /// ECDSA, with SHA-256. `algorithm` is the DER of an AlgorithmIdentifier.
    ///
    /// # Errors
    /// `Malformed`, `MessageSignature`.
    pub fn verify_message(
        &self,
        certificate: &[u8],
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), FirmwareError> {
        let algorithm = AlgorithmIdentifierOwned::from_der(algorithm).map_err(|_| FirmwareError::Malformed)?;
        let (_, key) = idp::read(certificate).ok_or(FirmwareError::MessageSignature)?;
        let algorithm = SignatureAlgorithm::from_identifier(&algorithm).ok();
        let algorithm = algorithm.filter(|algorithm| MESSAGE_ALGORITHMS.contains(algorithm));
        let algorithm = algorithm.ok_or(FirmwareError::MessageSignature)?;
        if key.verify(algorithm, message, signature) { Ok(()) } else { Err(FirmwareError::MessageSignature) }
    }

    /// Verifies what is likely to be verified again.
    pub(super) fn verified(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let kind = name_of(key.kind(), algorithm);
        let parts = [key.bytes(), kind.as_bytes(), message, signature];
        self.memo.verified(parts, || key.verify(algorithm, message, signature))
    }
}

/// Tells key kinds and algorithms apart.
fn name_of(kind: KeyKind, algorithm: SignatureAlgorithm) -> String {
    format!("{kind:?} {algorithm:?}")
}

/// 1.2: "a signature over the message (RSA or ECDSA, SHA-256)".
const MESSAGE_ALGORITHMS: [SignatureAlgorithm; 2] =
    [SignatureAlgorithm::RsaPkcs1(Digest::Sha256), SignatureAlgorithm::Ecdsa(Digest::Sha256)];
