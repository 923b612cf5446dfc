//! A firmware half in software: P-256 alone, but it verifies for real.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tw4s_formats::{
    CertificationRequest, Digest, Exact, Format, HashAlgorithm, KeyUsage, KeyUsages, Name, Octets, OidArc,
    PublicKeyTbs, Sad, SignatureAlgorithm, Signed, SignedIdentityToken, SignedPublicKey, SubjectPublicKeyInfoOwned,
    Text, Time, V1, WrappedKey, WrappedKeyMetadata, WrappedKeyTbs, request_info,
};
use x509_cert::Certificate as X509;
use x509_cert::der::{Decode, Encode};

use super::keys::{key, sign, spki, verify};
use crate::ports::{Admitted, Firmware, FirmwareError, IntegrityKey, KeyOrder, Later, NewKey, SignOrder};
use crate::record::KeyAlgorithm;

/// What it verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Everything.
    Nobody,
    /// Nothing that the module checks as well, so that a test shows the module's own check.
    TheModule,
}

type Hook = Box<dyn Fn() + Send + Sync>;

/// The firmware half.
pub struct SoftFirmware {
    sam: SigningKey,
    checkpoint: SigningKey,
    integrity: [u8; 32],
    idps: Mutex<Vec<Vec<u8>>>,
    trust: Mutex<Trust>,
    down: AtomicBool,
    failing: AtomicBool,
    foreign: AtomicBool,
    short: AtomicBool,
    activations: AtomicU64,
    before_sign: Mutex<Option<Hook>>,
    after_admission: Mutex<Option<Hook>>,
    on_call: Mutex<Option<Hook>>,
}

impl SoftFirmware {
    /// With keys from a seed: another seed is another master backup key.
    #[must_use]
    pub fn new(seed: &str) -> Self {
        Self {
            sam: key(&format!("{seed} sam")),
            checkpoint: key(&format!("{seed} checkpoint")),
            integrity: Sha256::digest(format!("{seed} integrity")).into(),
            idps: Mutex::default(),
            trust: Mutex::new(Trust::Nobody),
            down: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            foreign: AtomicBool::new(false),
            short: AtomicBool::new(false),
            activations: AtomicU64::new(0),
            before_sign: Mutex::default(),
            after_admission: Mutex::default(),
            on_call: Mutex::default(),
        }
    }

    /// Imports an identity provider's certificate.
    pub fn import(&self, certificate: &[u8]) {
        self.idps.lock().push(certificate.to_vec());
    }

    /// Sets what it verifies.
    pub fn set_trust(&self, trust: Trust) {
        *self.trust.lock() = trust;
    }

    /// Lets everything be not operational, or work again.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Lets generation and signatures fail, or work again.
    pub fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }

    /// Takes all wrapped keys for another module's, or no longer.
    pub fn set_foreign(&self, foreign: bool) {
        self.foreign.store(foreign, Ordering::SeqCst);
    }

    /// Gives one signature less than hashes, or as many again.
    pub fn set_short(&self, short: bool) {
        self.short.store(short, Ordering::SeqCst);
    }

    /// Runs this when a key is to be activated: all is reserved, and nothing is signed.
    pub fn set_before_sign(&self, hook: impl Fn() + Send + Sync + 'static) {
        *self.before_sign.lock() = Some(Box::new(hook));
    }

    /// Runs this when an order was admitted: all is checked, and nothing is reserved.
    pub fn set_after_admission(&self, hook: impl Fn() + Send + Sync + 'static) {
        *self.after_admission.lock() = Some(Box::new(hook));
    }

    /// Runs this at every call.
    pub fn set_on_call(&self, hook: impl Fn() + Send + Sync + 'static) {
        *self.on_call.lock() = Some(Box::new(hook));
    }

    /// How often a key was activated.
    pub fn activations(&self) -> u64 {
        self.activations.load(Ordering::SeqCst)
    }

    fn works(&self) -> Result<(), FirmwareError> {
        if let Some(hook) = &*self.on_call.lock() {
            hook();
        }
        if self.down.load(Ordering::SeqCst) {
            Err(FirmwareError::NotOperational("switched off".into()))
        } else {
            Ok(())
        }
    }

    fn verifies(&self) -> bool {
        *self.trust.lock() == Trust::Nobody
    }

    fn token(&self, token: &SignedIdentityToken, registered: Option<&[Vec<u8>]>) -> Result<Vec<u8>, FirmwareError> {
        let idps = self.idps.lock();
        let named = |der: &&Vec<u8>| names(token, der);
        let signer = idps.iter().find(named).ok_or(FirmwareError::UnknownSigner)?;
        let algorithm = SignatureAlgorithm::from_identifier(&token.signature_algorithm);
        let known = algorithm == Ok(SignatureAlgorithm::Ecdsa(Digest::Sha256));
        if !known || !verify(&public_key(signer), token.data.der(), token.signature.as_bytes()) {
            return Err(FirmwareError::TokenSignature);
        }
        if registered.is_some_and(|registered| !registered.contains(signer)) {
            return Err(FirmwareError::UnregisteredSigner);
        }
        Ok(signer.clone())
    }

    fn wrapped(&self, der: &[u8]) -> Result<WrappedKey, FirmwareError> {
        let wrapped = WrappedKey::parse(der).map_err(|_| FirmwareError::WrappedKey)?;
        let ours = verify(&spki(&self.sam), wrapped.tbs.der(), wrapped.signature.as_bytes());
        if ours && !self.foreign.load(Ordering::SeqCst) { Ok(wrapped) } else { Err(FirmwareError::WrappedKey) }
    }

    fn signed<T>(&self, tbs: Exact<T>) -> Signed<T> {
        let signature = sign(&self.sam, tbs.der());
        Signed::new(tbs, ecdsa().to_identifier().unwrap(), signature).unwrap()
    }
}

/// The work of the calls that are awaited, done at once.
impl SoftFirmware {
    fn make(&self, order: &KeyOrder<'_>) -> Result<NewKey, FirmwareError> {
        self.works()?;
        if self.failing.load(Ordering::SeqCst) {
            return Err(FirmwareError::Failed);
        }
        if order.algorithm != KeyAlgorithm::P256 {
            return Err(FirmwareError::Unsupported);
        }
        let new = key(&format!("key {}", order.key_id));
        let (key_id, user_id) = (Text::new(order.key_id.to_string()), Text::new(order.user_id.to_string()));
        let (key_id, user_id) = (key_id.unwrap(), user_id.unwrap());
        let created_at = Time::from_unix(order.created_ms / 1000).unwrap();
        let metadata = WrappedKeyMetadata {
            user_id: user_id.clone(),
            spki: spki(&new),
            algorithm: ecdsa().to_identifier().unwrap(),
            created_at,
            sam_id: Text::new("sam").unwrap(),
            module_key_id: Text::new("none").unwrap(),
        };
        let cm_wrapped_key = Octets::new(new.to_bytes().to_vec()).unwrap();
        let wrapped = WrappedKeyTbs { version: V1, key_id: key_id.clone(), cm_wrapped_key, metadata };
        let wrapped: WrappedKey = self.signed(Exact::new(wrapped).unwrap());
        let public = PublicKeyTbs { key_id, user_id, spki: spki(&new), time: created_at };
        let public: SignedPublicKey = self.signed(Exact::new(public).unwrap());
        let subject: Name = format!("CN={}", order.user_id).parse().unwrap();
        let info = request_info(subject, spki(&new), KeyUsage(KeyUsages::NonRepudiation.into())).unwrap();
        let signature = sign(&new, info.der());
        let csr: CertificationRequest = Signed::new(info, ecdsa().to_identifier().unwrap(), signature).unwrap();
        Ok(NewKey {
            wrapped_key: wrapped.to_bytes().unwrap(),
            public_key: public.to_bytes().unwrap(),
            csr: csr.to_bytes().unwrap(),
        })
    }

    fn check_token(&self, token: &[u8], registered: Option<&[Vec<u8>]>) -> Result<Vec<u8>, FirmwareError> {
        self.works()?;
        let token = SignedIdentityToken::parse(token).map_err(|_| FirmwareError::Malformed)?;
        self.token(&token, registered)
    }

    fn check_message(
        &self,
        certificate: &[u8],
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), FirmwareError> {
        self.works()?;
        let known = algorithm == ecdsa().to_identifier().unwrap().to_der().unwrap();
        let verified = known && verify(&public_key(certificate), message, signature);
        if verified { Ok(()) } else { Err(FirmwareError::MessageSignature) }
    }

    fn check_order<'f>(&'f self, order: &SignOrder<'_>) -> Result<Box<dyn Admitted + 'f>, FirmwareError> {
        self.works()?;
        let sad = Sad::parse(order.sad).map_err(|_| FirmwareError::Malformed)?;
        let token = &sad.tbs.identity_token;
        self.token(token, Some(order.registered))?;
        let claims = token.data.claims(&OidArc::default()).ok();
        let sad_key = claims.and_then(|claims| claims.sad_key).ok_or(FirmwareError::SadSignature)?;
        if !verify(&sad_key, sad.tbs.der(), sad.signature.as_bytes()) {
            return Err(FirmwareError::SadSignature);
        }
        let digest = sad.tbs.algorithm().ok().and_then(HashAlgorithm::digest);
        let length_fits =
            |digest: Digest| sad.tbs.tbs_hash_values.iter().all(|it| it.as_bytes().len() == digest.size());
        if self.verifies() && !digest.is_some_and(length_fits) {
            return Err(FirmwareError::HashLength);
        }
        let wrapped = self.wrapped(order.wrapped_key.ok_or(FirmwareError::NoKey)?)?;
        if wrapped.tbs.key_id.as_str() != sad.tbs.key_id.text() {
            return Err(FirmwareError::KeyMismatch);
        }
        let owner = wrapped.tbs.metadata.user_id.as_str();
        if self.verifies() && (owner != token.data.user_id.text() || owner != order.user_id.to_string()) {
            return Err(FirmwareError::UserMismatch);
        }
        let fits = matches!(
            sad.tbs.algorithm(),
            Ok(HashAlgorithm::Digest(_) | HashAlgorithm::Signature(SignatureAlgorithm::Ecdsa(_)))
        );
        if self.verifies() && !fits {
            return Err(FirmwareError::Algorithm);
        }
        let key = SigningKey::from_slice(wrapped.tbs.cm_wrapped_key.as_bytes()).map_err(|_| FirmwareError::Failed)?;
        let hashes = sad.tbs.tbs_hash_values.iter().map(|hash| hash.as_bytes().to_vec()).collect();
        if let Some(hook) = &*self.after_admission.lock() {
            hook();
        }
        Ok(Box::new(Ready { firmware: self, key, hashes }))
    }
}

impl Firmware for SoftFirmware {
    fn generate<'a>(&'a self, order: KeyOrder<'a>) -> Later<'a, Result<NewKey, FirmwareError>> {
        Box::pin(async move { self.make(&order) })
    }

    fn verify_token<'a>(
        &'a self,
        token: &'a [u8],
        registered: Option<&'a [Vec<u8>]>,
    ) -> Later<'a, Result<Vec<u8>, FirmwareError>> {
        Box::pin(async move { self.check_token(token, registered) })
    }

    fn verify_message<'a>(
        &'a self,
        certificate: &'a [u8],
        algorithm: &'a [u8],
        message: &'a [u8],
        signature: &'a [u8],
    ) -> Later<'a, Result<(), FirmwareError>> {
        Box::pin(async move { self.check_message(certificate, algorithm, message, signature) })
    }

    fn admit<'f: 'a, 'a>(&'f self, order: SignOrder<'a>) -> Later<'a, Result<Box<dyn Admitted + 'f>, FirmwareError>> {
        Box::pin(async move { self.check_order(&order) })
    }

    fn verify_wrapped_key(&self, wrapped_key: &[u8]) -> Result<bool, FirmwareError> {
        self.works()?;
        Ok(self.wrapped(wrapped_key).is_ok())
    }

    fn integrity_key(&self) -> Result<IntegrityKey, FirmwareError> {
        self.works()?;
        Ok(IntegrityKey::new(self.integrity))
    }

    fn sign_checkpoint(&self, checkpoint: &[u8]) -> Result<Vec<u8>, FirmwareError> {
        self.works()?;
        Ok(sign(&self.checkpoint, checkpoint))
    }

    fn verify_checkpoint(&self, checkpoint: &[u8], signature: &[u8]) -> Result<bool, FirmwareError> {
        self.works()?;
        Ok(verify(&spki(&self.checkpoint), checkpoint, signature))
    }
}

struct Ready<'f> {
    firmware: &'f SoftFirmware,
    key: SigningKey,
    hashes: Vec<Vec<u8>>,
}

impl Admitted for Ready<'_> {
    fn sign<'a>(self: Box<Self>) -> Later<'a, Result<Vec<Vec<u8>>, FirmwareError>>
    where
        Self: 'a,
    {
        Box::pin(async move { self.sign_all() })
    }
}

impl Ready<'_> {
    fn sign_all(&self) -> Result<Vec<Vec<u8>>, FirmwareError> {
        if let Some(hook) = &*self.firmware.before_sign.lock() {
            hook();
        }
        self.firmware.works()?;
        if self.firmware.failing.load(Ordering::SeqCst) {
            return Err(FirmwareError::Failed);
        }
        self.firmware.activations.fetch_add(1, Ordering::SeqCst);
        let sign = |hash: &Vec<u8>| {
            let signature: Signature = self.key.sign_prehash(hash).unwrap();
            signature.to_der().as_bytes().to_vec()
        };
        let short = usize::from(self.firmware.short.load(Ordering::SeqCst));
        Ok(self.hashes.iter().skip(short).map(sign).collect())
    }
}

fn ecdsa() -> SignatureAlgorithm {
    SignatureAlgorithm::Ecdsa(Digest::Sha256)
}

fn names(token: &SignedIdentityToken, der: &[u8]) -> bool {
    let certificate = X509::from_der(der).unwrap();
    token.signer.names(certificate.tbs_certificate().issuer(), certificate.tbs_certificate().serial_number())
}

fn public_key(der: &[u8]) -> SubjectPublicKeyInfoOwned {
    X509::from_der(der).unwrap().tbs_certificate().subject_public_key_info().clone()
}
