//! The PKCS#11 module: keys in an HSM (PKCS#11 2.40).
//!
//! Two keys never leave the HSM: the one that wraps (AES-256, CKM_AES_KEY_WRAP_PAD, which is RFC 5649), and, if the
//! master backup key is there too, that one (a generic secret, used by CKM_SHA256_HMAC). A signer's key is generated as
//! a session object, wrapped by C_WrapKey and destroyed; for a signing it is unwrapped as a session object, sensitive
//! and not extractable, and destroyed at the end, which closing its session would do as well.

mod encode;
mod sessions;

use std::path::PathBuf;

use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use tw4s_formats::{Digest, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use zeroize::Zeroizing;

use super::{CryptoModule, ModuleError, RawSigningKey, WrappedPair};
use crate::algorithm::{Digested, KeySpec};
use crate::error::StateError;
use crate::master::MasterKey;
use sessions::{Lent, Sessions};

/// Which slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotChoice {
    /// By its number. Some HSMs number anew when they start.
    Id(u64),
    /// By its token's label.
    TokenLabel(String),
}

/// Where the HSM is.
#[derive(Clone)]
pub struct Pkcs11Config {
    /// The vendor's library.
    pub library: PathBuf,
    /// The slot.
    pub slot: SlotChoice,
    /// The user's PIN.
    pub pin: Zeroizing<String>,
}

/// Keys in an HSM.
pub struct Pkcs11Module {
    sessions: Sessions,
    wrapping: ObjectHandle,
    key_id: String,
}

impl Pkcs11Module {
    /// Opens the HSM, logs in and finds the wrapping key.
    ///
    /// # Errors
    /// `Down`, also where there is no wrapping key yet.
    pub fn open(config: &Pkcs11Config) -> Result<Self, ModuleError> {
        let sessions = Sessions::open(config)?;
        let session = sessions.lend()?;
        let wrapping = find(session.get()?, &wrapping_key())?;
        let wrapping = wrapping.ok_or_else(|| ModuleError::Down("the HSM has no wrapping key".to_owned()))?;
        let key_id = key_id(session.get()?, wrapping)?;
        drop(session);
        Ok(Self { sessions, wrapping, key_id })
    }

    /// As [`open`](Self::open), after the wrapping key is made if there is none: for `init`.
    ///
    /// # Errors
    /// `Down`, `Failed`.
    pub fn provision(config: &Pkcs11Config) -> Result<Self, ModuleError> {
        {
            let sessions = Sessions::open(config)?;
            let session = sessions.lend()?;
            if find(session.get()?, &wrapping_key())?.is_none() {
                let mut id = [0; 16];
                getrandom::fill(&mut id).map_err(|_| ModuleError::Failed)?;
                let mut template = wrapping_key();
                template.extend([
                    Attribute::Id(id.to_vec()),
                    Attribute::ValueLen(32.into()),
                    Attribute::Wrap(true),
                    Attribute::Unwrap(true),
                    Attribute::Encrypt(false),
                    Attribute::Decrypt(false),
                ]);
                template.extend(kept_inside());
                session.get()?.generate_key(&Mechanism::AesKeyGen, &template).map_err(failed)?;
            }
        }
        Self::open(config)
    }

    /// The master backup key in the HSM: HMAC-SHA256 by it, over a fixed text, is what the firmware's keys are derived
    /// from; the key itself stays. With `make`, it is made if it is not there; a backup of it is the HSM's business.
    ///
    /// # Errors
    /// [`StateError::Failed`].
    pub fn master_key(&self, make: bool) -> Result<MasterKey, StateError> {
        let secret = self.master_secret(make).map_err(|error| {
            tracing::error!(%error, "the master backup key in the HSM");
            StateError::Failed("the master backup key in the HSM")
        })?;
        MasterKey::new(&secret)
    }

    /// How many objects the HSM shows: the keys that stay, and those that are active now.
    ///
    /// # Errors
    /// `Down`, `Failed`.
    pub fn object_count(&self) -> Result<usize, ModuleError> {
        Ok(self.sessions.lend()?.get()?.find_objects(&[]).map_err(failed)?.len())
    }

    fn master_secret(&self, make: bool) -> Result<Zeroizing<Vec<u8>>, ModuleError> {
        let session = self.sessions.lend()?;
        let key = match find(session.get()?, &master_key())? {
            Some(key) => key,
            None if make => {
                let mut template = master_key();
                template.extend([Attribute::ValueLen(32.into()), Attribute::Sign(true), Attribute::Verify(false)]);
                template.extend(kept_inside());
                session.get()?.generate_key(&Mechanism::GenericSecretKeyGen, &template).map_err(failed)?
            }
            None => return Err(ModuleError::Down("the HSM has no master backup key".to_owned())),
        };
        let mac = session.get()?.sign(&Mechanism::Sha256Hmac, key, b"tw4s firmware 1 master");
        mac.map(Zeroizing::new).map_err(failed)
    }
}

impl CryptoModule for Pkcs11Module {
    fn key_id(&self) -> &str {
        &self.key_id
    }

    fn generate(&self, spec: KeySpec) -> Result<WrappedPair, ModuleError> {
        let session = self.sessions.lend()?;
        let private = [
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            // So that it can be wrapped; a sensitive key cannot be read all the same.
            Attribute::Extractable(true),
            Attribute::Sign(true),
        ];
        let mut public = vec![Attribute::Token(false), Attribute::Verify(true)];
        let mechanism = match spec.modulus_len() {
            Some(len) => {
                public.push(Attribute::ModulusBits(((len * 8) as u64).into()));
                public.push(Attribute::PublicExponent(vec![1, 0, 1]));
                Mechanism::RsaPkcsKeyPairGen
            }
            None => {
                public.push(Attribute::EcParams(encode::curve(spec)?));
                Mechanism::EccKeyPairGen
            }
        };
        let (public, private) = session.get()?.generate_key_pair(&mechanism, &public, &private).map_err(failed)?;
        let held = Held { session, objects: vec![public, private] };
        let session = held.session.get()?;
        let wrapped = session.wrap_key(&Mechanism::AesKeyWrapPad, self.wrapping, private).map_err(failed)?;
        Ok(WrappedPair { wrapped, public_key: read_public(session, public, spec)? })
    }

    fn activate(&self, wrapped: &[u8], spec: KeySpec) -> Result<Box<dyn RawSigningKey + '_>, ModuleError> {
        let session = self.sessions.lend()?;
        let key_type = if spec.modulus_len().is_some() { KeyType::RSA } else { KeyType::EC };
        let template = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::KeyType(key_type),
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ];
        let object = session.get()?.unwrap_key(&Mechanism::AesKeyWrapPad, self.wrapping, wrapped, &template);
        let object = object.map_err(|error| match failed(error) {
            ModuleError::Failed => ModuleError::BadWrapping,
            down => down,
        })?;
        let key = Active { spec, object, held: Held { session, objects: vec![object] } };
        if key.is_of_its_spec()? { Ok(Box::new(key)) } else { Err(ModuleError::BadWrapping) }
    }
}

/// Session objects, destroyed when dropped.
struct Held<'a> {
    session: Lent<'a>,
    objects: Vec<ObjectHandle>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let destroyed = self.session.get().is_ok_and(|session| {
            // All of them, also after one that fails.
            self.objects.iter().filter(|object| session.destroy_object(**object).is_err()).count() == 0
        });
        if !destroyed {
            // Closing a session destroys what is in it.
            self.session.close();
        }
    }
}

struct Active<'a> {
    spec: KeySpec,
    object: ObjectHandle,
    held: Held<'a>,
}

impl Active<'_> {
    /// The unwrapped key is of the kind it should be, as far as the HSM tells.
    fn is_of_its_spec(&self) -> Result<bool, ModuleError> {
        let wanted = match self.spec.modulus_len() {
            Some(_) => AttributeType::Modulus,
            None => AttributeType::EcParams,
        };
        let found = self.held.session.get()?.get_attributes(self.object, &[wanted]).map_err(failed)?;
        Ok(match (found.first(), self.spec.modulus_len()) {
            (Some(Attribute::Modulus(modulus)), Some(len)) => modulus.len() == len,
            (Some(Attribute::EcParams(curve)), None) => *curve == encode::curve(self.spec)?,
            _ => false,
        })
    }
}

impl RawSigningKey for Active<'_> {
    fn spec(&self) -> KeySpec {
        self.spec
    }

    fn sign(&self, input: &Digested<'_>) -> Result<Vec<u8>, ModuleError> {
        let sign = |mechanism: &Mechanism<'_>, data: &[u8]| {
            self.held.session.get()?.sign(mechanism, self.object, data).map_err(failed)
        };
        match (self.spec, input.algorithm()) {
            (KeySpec::P256, _) => encode::ecdsa(&sign(&Mechanism::Ecdsa, &input.scalar::<32>())?, 32),
            (KeySpec::P384, _) => encode::ecdsa(&sign(&Mechanism::Ecdsa, &input.scalar::<48>())?, 48),
            (KeySpec::P521, _) => encode::ecdsa(&sign(&Mechanism::Ecdsa, &input.scalar::<64>())?, 66),
            (_, SignatureAlgorithm::RsaPss { digest, salt_len }) => {
                sign(&Mechanism::RsaPkcsPss(pss(digest, salt_len)), input.hash())
            }
            _ => sign(&Mechanism::RsaPkcs, &encode::digest_info(input.digest(), input.hash())?),
        }
    }
}

fn pss(digest: Digest, salt_len: u16) -> PkcsPssParams {
    let (hash_alg, mgf) = match digest {
        Digest::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        Digest::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
        Digest::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
    };
    PkcsPssParams { hash_alg, mgf, s_len: u64::from(salt_len).into() }
}

fn read_public(session: &Session, key: ObjectHandle, spec: KeySpec) -> Result<SubjectPublicKeyInfoOwned, ModuleError> {
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent, AttributeType::EcPoint];
    let wanted = if spec.modulus_len().is_some() { &wanted[..2] } else { &wanted[2..] };
    let found = session.get_attributes(key, wanted).map_err(failed)?;
    match found.as_slice() {
        [Attribute::Modulus(modulus), Attribute::PublicExponent(exponent)]
        | [Attribute::PublicExponent(exponent), Attribute::Modulus(modulus)] => encode::rsa_key(modulus, exponent),
        [Attribute::EcPoint(point)] => encode::ec_key(spec, point),
        _ => Err(ModuleError::Failed),
    }
}

fn wrapping_key() -> Vec<Attribute> {
    let label = Attribute::Label(b"tw4s wrapping key".to_vec());
    vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES), Attribute::Token(true), label]
}

fn master_key() -> Vec<Attribute> {
    let label = Attribute::Label(b"tw4s master backup key".to_vec());
    let key_type = Attribute::KeyType(KeyType::GENERIC_SECRET);
    vec![Attribute::Class(ObjectClass::SECRET_KEY), key_type, Attribute::Token(true), label]
}

fn kept_inside() -> [Attribute; 3] {
    [Attribute::Private(true), Attribute::Sensitive(true), Attribute::Extractable(false)]
}

/// The one object of this template.
fn find(session: &Session, template: &[Attribute]) -> Result<Option<ObjectHandle>, ModuleError> {
    match session.find_objects(template).map_err(failed)?.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(ModuleError::Down("the HSM has more than one key of that name".to_owned())),
    }
}

fn key_id(session: &Session, key: ObjectHandle) -> Result<String, ModuleError> {
    let found = session.get_attributes(key, &[AttributeType::Id]).map_err(failed)?;
    let Some(Attribute::Id(id)) = found.first() else { return Err(ModuleError::Failed) };
    if id.len() != 16 {
        return Err(ModuleError::Down("the HSM's wrapping key is not one of ours".to_owned()));
    }
    Ok(id.iter().fold("pkcs11-".to_owned(), |text, byte| format!("{text}{byte:02x}")))
}

/// What an error of the library means for us. Its text names functions and codes, no secrets.
fn failed(error: cryptoki::error::Error) -> ModuleError {
    use cryptoki::error::{Error, RvError};
    match error {
        Error::Pkcs11(RvError::MechanismInvalid | RvError::CurveNotSupported, _) => ModuleError::Unsupported,
        Error::Pkcs11(
            code @ (RvError::DeviceError
            | RvError::DeviceRemoved
            | RvError::DeviceMemory
            | RvError::SessionHandleInvalid
            | RvError::SessionClosed
            | RvError::SessionCount
            | RvError::TokenNotPresent
            | RvError::UserNotLoggedIn
            | RvError::PinIncorrect
            | RvError::PinLocked
            | RvError::CryptokiNotInitialized),
            _,
        ) => ModuleError::Down(format!("{code:?}")),
        error => {
            tracing::warn!(%error, "the HSM refused");
            ModuleError::Failed
        }
    }
}
