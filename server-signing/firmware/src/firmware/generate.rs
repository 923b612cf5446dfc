//! A new key: wrapped key, signed public key and certificate request (4.3.11 to 4.3.18; rows 18 and 19).

use der::asn1::{Any, ObjectIdentifier, SetOfVec, Utf8StringRef};
use der::{Decode, Encode};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tw4s_formats::{
    CertificationRequest, Format, KeyUsage, KeyUsages, Name, Octets, PublicKeyTbs, SignatureAlgorithm,
    SubjectPublicKeyInfoOwned, Text, Time, V1, WrappedKeyMetadata, WrappedKeyTbs, request_info,
};
use x509_cert::attr::AttributeTypeAndValue;

use super::Firmware;
use crate::algorithm::{Digested, KeySpec};
use crate::error::FirmwareError;
use crate::module::{ModuleError, RawSigningKey, WrappedPair};

/// What a new key is to be.
#[derive(Clone, Copy, Debug)]
pub struct KeyOrder<'a> {
    /// The id that goes into the wrapped key.
    pub key_id: &'a str,
    /// The owner, who goes into the wrapped key, and the common name in the certificate request.
    pub user_id: &'a str,
    /// Kind and size.
    pub spec: KeySpec,
    /// Seconds since 1970; it goes into the wrapped key and the signed public key.
    pub created: u64,
}

/// A new key, as it leaves the firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// `WrappedKey`, DER, signed by the SAM's key.
    pub wrapped_key: Vec<u8>,
    /// `SignedPublicKey`, DER, signed by the SAM's key.
    pub public_key: Vec<u8>,
    /// PKCS#10, DER, signed by the new key.
    pub csr: Vec<u8>,
}

impl Firmware {
    /// Makes a key pair. The private key is kept nowhere but in the answer, wrapped.
    ///
    /// # Errors
    /// `Malformed` for an id or time that cannot be written; `Unsupported`, `Failed`, `NotOperational`.
    pub fn generate(&self, order: &KeyOrder<'_>) -> Result<NewKey, FirmwareError> {
        let malformed = |_| FirmwareError::Malformed;
        let key_id = Text::new(order.key_id).map_err(malformed)?;
        let user_id = Text::new(order.user_id).map_err(malformed)?;
        let time = Time::from_unix(order.created).map_err(malformed)?;
        let WrappedPair { wrapped, public_key: spki } = self.module.generate(order.spec)?;
        let csr = self.request(order, &wrapped, spki.clone())?;
        let public_key = PublicKeyTbs { key_id: key_id.clone(), user_id: user_id.clone(), spki: spki.clone(), time };
        let algorithm = order.spec.default_algorithm().to_identifier();
        let failed = |_| FirmwareError::Failed;
        let metadata = WrappedKeyMetadata {
            user_id,
            spki,
            algorithm: algorithm.map_err(failed)?,
            created_at: time,
            sam_id: Text::new(self.sam_id.as_str()).map_err(failed)?,
            module_key_id: Text::new(self.module.key_id()).map_err(failed)?,
        };
        let cm_wrapped_key = Octets::new(wrapped).map_err(failed)?;
        let wrapped_key = WrappedKeyTbs { version: V1, key_id, cm_wrapped_key, metadata };
        Ok(NewKey {
            wrapped_key: self.signing.sign_value(wrapped_key)?.to_bytes().map_err(failed)?,
            public_key: self.signing.sign_value(public_key)?.to_bytes().map_err(failed)?,
            csr,
        })
    }

    /// The request, signed by the new key: it is activated from its wrapped form for that, so that a key which does
    /// not unwrap is found before anybody has it.
    fn request(
        &self,
        order: &KeyOrder<'_>,
        wrapped: &[u8],
        spki: SubjectPublicKeyInfoOwned,
    ) -> Result<Vec<u8>, FirmwareError> {
        let failed = |_| FirmwareError::Failed;
        let subject = common_name(order.user_id).map_err(|_| FirmwareError::Malformed)?;
        // EN 319 412-2 4.3.2, type A: a key that signs documents signs nothing else, so no digitalSignature.
        let usage = KeyUsage(KeyUsages::NonRepudiation.into());
        let info = request_info(subject, spki, usage).map_err(failed)?;
        let algorithm = order.spec.default_algorithm();
        let signature = {
            let key = self.module.activate(wrapped, order.spec).map_err(|error| match error {
                ModuleError::Down(why) => FirmwareError::NotOperational(why),
                _ => FirmwareError::Failed,
            })?;
            sign_message(&*key, algorithm, info.der())?
        };
        let algorithm = algorithm.to_identifier().map_err(failed)?;
        CertificationRequest::new(info, algorithm, signature).and_then(|csr| csr.to_bytes()).map_err(failed)
    }
}

fn sign_message(
    key: &dyn RawSigningKey,
    algorithm: SignatureAlgorithm,
    message: &[u8],
) -> Result<Vec<u8>, FirmwareError> {
    let hash = match algorithm.digest() {
        Some(tw4s_formats::Digest::Sha256) => Sha256::digest(message).to_vec(),
        Some(tw4s_formats::Digest::Sha384) => Sha384::digest(message).to_vec(),
        Some(tw4s_formats::Digest::Sha512) => Sha512::digest(message).to_vec(),
        None => return Err(FirmwareError::Failed),
    };
    let input = Digested::new(key.spec(), algorithm, &hash).map_err(|_| FirmwareError::Failed)?;
    Ok(key.sign(&input)?)
}

/// `CN=<text>`; put together, not parsed from text in which the id could say more than its name.
fn common_name(text: &str) -> der::Result<Name> {
    let value = Any::encode_from(&Utf8StringRef::new(text)?)?;
    let mut rdn = SetOfVec::new();
    rdn.insert(AttributeTypeAndValue { oid: COMMON_NAME, value })?;
    Name::from_der(&vec![rdn].to_der()?)
}

/// RFC 5280 A.1, id-at-commonName.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
