//! Key generation: a provisioning session as an emulated local issuer.
//!
//! Source: PKCS#11 2.40, "Key management functions"; SKS API V0.35, "Sample Session": "If keys are to be created entirely
//! locally, this requires local software emulation of an issuer." In slot 0 a key has no PIN; in the slot of the local
//! issuer's `user-pin` policies it gets a new policy of that ID with the PIN of the login. Other slots are their
//! issuers'.

use std::sync::Arc;

use cryptoki_sys::{
    CK_ULONG, CKA_CLASS, CKA_EC_PARAMS, CKA_EXTRACTABLE, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_MODULUS_BITS,
    CKA_PUBLIC_EXPONENT, CKA_TOKEN, CKA_VALUE_LEN, CKK_AES, CKK_EC, CKK_GENERIC_SECRET, CKK_RSA, CKM_AES_KEY_GEN,
    CKM_EC_KEY_PAIR_GEN, CKM_GENERIC_SECRET_KEY_GEN, CKM_RSA_PKCS_KEY_PAIR_GEN, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY,
    CKO_SECRET_KEY, CKR_ATTRIBUTE_VALUE_INVALID, CKR_CURVE_NOT_SUPPORTED, CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED,
    CKR_KEY_SIZE_RANGE, CKR_MECHANISM_INVALID, CKR_SESSION_READ_ONLY, CKR_TEMPLATE_INCONSISTENT,
    CKR_TOKEN_WRITE_PROTECTED, CKR_USER_NOT_LOGGED_IN,
};
use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::{Error, Extension, KeyOptions, PinPolicyOptions, Protection, SessionOptions, Transport, Trust, local};
use sks_wire::algorithm::Algorithm;
use sks_wire::types::{BaseType, ExportPolicy, Id, KeyAlgorithm, KeyHandle, KeyUsage};
use sks_wire::{Secret, limit};

use crate::error::{Result, Rv};
use crate::login::Login;
use crate::module::Module;
use crate::object::attribute::P256_PARAMS;
use crate::object::template::Template;
use crate::object::{ID_EXTENSION, Key, number};
use crate::session::Session;

/// The session is open for as long as a key takes to make, in seconds.
const LIFE_TIME: u32 = 600;
/// Uses of the session key: a key pair 1, a certificate path 1, a symmetric or restored key 2, an extension 1, closing 2.
const KEY_LIMIT: u16 = 7;
/// The ID of the only key of a session.
const KEY_ID: &str = "Key.1";

/// A key to be made.
pub(crate) struct Wish {
    pub(crate) label: String,
    /// CKA_ID, if given.
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) exportable: bool,
    pub(crate) kind: Kind,
}

/// What kind of key.
pub(crate) enum Kind {
    /// Made in the token.
    Pair(KeyAlgorithm),
    /// Brought along: PKCS#8, and its SubjectPublicKeyInfo.
    Imported(Secret, Vec<u8>),
    /// A symmetric key.
    Symmetric(Secret, Vec<Algorithm>),
}

impl Wish {
    /// Calls of `provision` and of closing that raise getChangeCount, each by one: the key pair, its certificates, the
    /// close, and what else the key gets.
    fn changes(&self, has_pin: bool) -> u32 {
        3 + u32::from(has_pin) + u32::from(self.id.is_some()) + u32::from(!matches!(self.kind, Kind::Pair(_)))
    }

    /// What the templates say of any key; what the first does not, the second may.
    pub(crate) fn new(kind: Kind, template: &Template<'_>, other: &Template<'_>) -> Result<Self> {
        let get = |kind| template.get(kind).or_else(|| other.get(kind));
        let label = get(CKA_LABEL).unwrap_or_default();
        let label = std::str::from_utf8(label).map_err(|_| Rv(CKR_ATTRIBUTE_VALUE_INVALID))?;
        if label.len() > limit::FRIENDLY_NAME {
            return Rv::err(CKR_ATTRIBUTE_VALUE_INVALID);
        }
        // A key that ends with its session is not one that the token can have.
        if template.bool(CKA_TOKEN)? != Some(true) {
            return Rv::err(CKR_TEMPLATE_INCONSISTENT);
        }
        Ok(Self {
            label: label.to_owned(),
            id: get(CKA_ID).filter(|id| !id.is_empty()).map(<[u8]>::to_vec),
            exportable: template.bool(CKA_EXTRACTABLE)?.unwrap_or(false),
            kind,
        })
    }
}

/// C_GenerateKeyPair.
pub(crate) fn key_pair(
    module: &Module,
    handle: u64,
    mechanism: CK_ULONG,
    public: &Template<'_>,
    private: &Template<'_>,
) -> Result<Arc<Key>> {
    let session = module.session(handle)?;
    public.expect(CKA_CLASS, CKO_PUBLIC_KEY)?;
    private.expect(CKA_CLASS, CKO_PRIVATE_KEY)?;
    let (algorithm, kind) = match mechanism {
        CKM_EC_KEY_PAIR_GEN => {
            check_curve(public.need(CKA_EC_PARAMS)?)?;
            (KeyAlgorithm::Ecc { curve: Algorithm::P256.uri().into() }, CKK_EC)
        }
        CKM_RSA_PKCS_KEY_PAIR_GEN => (rsa(public)?, CKK_RSA),
        _ => return Rv::err(CKR_MECHANISM_INVALID),
    };
    public.expect(CKA_KEY_TYPE, kind)?;
    private.expect(CKA_KEY_TYPE, kind)?;
    make(module, &session, &Wish::new(Kind::Pair(algorithm), private, public)?)
}

/// The namedCurve secp256r1, or its name in a PrintableString.
pub(crate) fn check_curve(params: &[u8]) -> Result<()> {
    const NAME: &[u8] = b"\x13\x0aprime256v1";
    if params == P256_PARAMS || params == NAME { Ok(()) } else { Rv::err(CKR_CURVE_NOT_SUPPORTED) }
}

fn rsa(public: &Template<'_>) -> Result<KeyAlgorithm> {
    public.need(CKA_MODULUS_BITS)?;
    let bits = public.ulong(CKA_MODULUS_BITS)?.unwrap_or(0);
    let size = u16::try_from(bits).ok().filter(|bits| [1024, 2048, 3072, 4096].contains(bits));
    let size = size.ok_or(Rv(CKR_KEY_SIZE_RANGE))?;
    let exponent = public.get(CKA_PUBLIC_EXPONENT).map(number).unwrap_or_default();
    if exponent.len() > 4 {
        return Rv::err(CKR_ATTRIBUTE_VALUE_INVALID);
    }
    let exponent = exponent.iter().fold(0, |value: u32, byte| value << 8 | u32::from(*byte));
    if exponent != 0 && (exponent == 1 || exponent.is_multiple_of(2)) {
        return Rv::err(CKR_ATTRIBUTE_VALUE_INVALID);
    }
    Ok(KeyAlgorithm::Rsa { size, exponent })
}

/// C_GenerateKey.
pub(crate) fn key(module: &Module, handle: u64, mechanism: CK_ULONG, template: &Template<'_>) -> Result<Arc<Key>> {
    let session = module.session(handle)?;
    template.expect(CKA_CLASS, CKO_SECRET_KEY)?;
    let kind = match mechanism {
        CKM_AES_KEY_GEN => CKK_AES,
        CKM_GENERIC_SECRET_KEY_GEN => CKK_GENERIC_SECRET,
        _ => return Rv::err(CKR_MECHANISM_INVALID),
    };
    template.expect(CKA_KEY_TYPE, kind)?;
    template.need(CKA_VALUE_LEN)?;
    let length = usize::try_from(template.ulong(CKA_VALUE_LEN)?.unwrap_or(0)).unwrap_or(usize::MAX);
    if length > limit::SYMMETRIC_KEY {
        return Rv::err(CKR_KEY_SIZE_RANGE);
    }
    let endorsed = endorsed(kind, length)?;
    let mut value = vec![0; length];
    getrandom::fill(&mut value).map_err(|_| Rv(CKR_FUNCTION_FAILED))?;
    make(module, &session, &Wish::new(Kind::Symmetric(Secret::new(value), endorsed), template, &Template::default())?)
}

/// What a secret key of this type and length is endorsed for.
pub(crate) fn endorsed(kind: CK_ULONG, length: usize) -> Result<Vec<Algorithm>> {
    let cbc = match (kind, length) {
        (CKK_AES, 16) => Algorithm::Aes128Cbc,
        (CKK_AES, 24) => Algorithm::Aes192Cbc,
        (CKK_AES, 32) => Algorithm::Aes256Cbc,
        (CKK_GENERIC_SECRET, 1..=limit::SYMMETRIC_KEY) => return Ok(vec![Algorithm::HmacSha1, Algorithm::HmacSha256]),
        _ => return Rv::err(CKR_KEY_SIZE_RANGE),
    };
    Ok(vec![cbc, Algorithm::AesEcbNopad, Algorithm::AesEcbPkcs5])
}

/// Makes a key in the slot of a session.
pub(crate) fn make(module: &Module, session: &Session, wish: &Wish) -> Result<Arc<Key>> {
    if !session.read_write {
        return Rv::err(CKR_SESSION_READ_ONLY);
    }
    let pin = pin(module, session)?;
    let ca = module.ca()?;
    let mut options = SessionOptions::new(local::ISSUER_URI, Trust::Any);
    options.life_time = LIFE_TIME;
    options.key_limit = KEY_LIMIT;
    // So that there is one to add the key to.
    module.listing()?;
    let transport = |call: &[u8]| module.token.call_raw(call);
    let mut issuing = sks_issuer::Session::create(transport, &options).map_err(failure)?;
    let made = match provision(&mut issuing, &ca, wish, pin.as_ref()) {
        Ok(made) => issuing.close().map(|_| made).map_err(failure)?,
        Err(rv) => {
            // A refusal has ended the session already; the first failure is the one to tell.
            let _ = issuing.abort();
            return Err(rv);
        }
    };
    let listing = module.listing_with(made, wish.changes(pin.is_some()))?;
    let key = listing.keys.get(&made.0).cloned().ok_or(Rv(CKR_DEVICE_ERROR))?;
    module.admit(session.slot, key.pin_policy);
    Ok(key)
}

/// The PIN that a new key gets; none in slot 0.
fn pin(module: &Module, session: &Session) -> Result<Option<Secret>> {
    if session.slot == 0 {
        return Ok(None);
    }
    let listing = module.present(session.slot)?;
    let slot = listing.slots.get(&session.slot);
    if !slot.is_some_and(|slot| slot.groups.iter().any(|key| key.is_users())) {
        return Rv::err(CKR_TOKEN_WRITE_PROTECTED);
    }
    match module.logins.lock().get(&session.slot).map(Arc::as_ref) {
        Some(Login::User { pin: Some(pin), .. }) => Ok(Some(pin.clone())),
        _ => Rv::err(CKR_USER_NOT_LOGGED_IN),
    }
}

fn provision<T: Transport<Error = sks_client::Error>>(
    session: &mut sks_issuer::Session<T>,
    ca: &Ca,
    wish: &Wish,
    pin: Option<&Secret>,
) -> Result<KeyHandle> {
    let policy = match pin {
        Some(_) => {
            let options = PinPolicyOptions::new(id(local::PIN_POLICY_ID)?);
            Some(session.create_pin_policy(&options, None).map_err(failure)?)
        }
        None => None,
    };
    let protection = match (&policy, pin) {
        (Some(policy), Some(pin)) => Protection::Pin { policy, pin },
        _ => Protection::None,
    };
    let options = key_options(wish, pin.is_some())?;
    let key = session.create_key_pair(&options, protection).map_err(failure)?;
    let subject = Subject::from_label(&wish.label).map_err(|_| Rv(CKR_FUNCTION_FAILED))?;
    let certified = match &wish.kind {
        Kind::Imported(_, spki) => spki,
        _ => &key.public_key,
    };
    let path = ca.issue_path(certified, &Leaf::new(subject, options.usage));
    let path = path.map_err(|_| Rv(CKR_ATTRIBUTE_VALUE_INVALID))?;
    let key = session.set_certificate_path(key, &path).map_err(failure)?;
    match &wish.kind {
        Kind::Pair(_) => {}
        Kind::Imported(pkcs8, _) => {
            session.restore_private_key(&key, pkcs8).map_err(|error| match error.refused() {
                Some(_) => Rv(CKR_ATTRIBUTE_VALUE_INVALID),
                None => failure(error),
            })?
        }
        Kind::Symmetric(value, endorsed) => session.set_symmetric_key(&key, value, endorsed).map_err(failure)?,
    }
    if let Some(id) = &wish.id {
        let extension = Extension {
            extension_type: ID_EXTENSION.to_owned(),
            base_type: BaseType::Extension,
            qualifier: String::new(),
            data: Secret::from(id.as_slice()),
        };
        session.add_extension(&key, &extension).map_err(failure)?;
    }
    Ok(key.handle)
}

fn id(text: &str) -> Result<Id> {
    Id::new(text).map_err(|_| Rv(CKR_FUNCTION_FAILED))
}

fn key_options(wish: &Wish, has_pin: bool) -> Result<KeyOptions> {
    let mut options = KeyOptions::p256(id(KEY_ID)?);
    if let Kind::Pair(algorithm) = &wish.kind {
        options.algorithm = algorithm.clone();
    }
    options.friendly_name.clone_from(&wish.label);
    options.enable_pin_caching = true;
    options.import_private_key = matches!(wish.kind, Kind::Imported(..));
    if let Kind::Symmetric(..) = wish.kind {
        options.usage = KeyUsage::SymmetricKey;
    }
    options.export_policy = match (wish.exportable, has_pin) {
        (false, _) => ExportPolicy::NonExportable,
        (true, true) => ExportPolicy::Pin,
        (true, false) => ExportPolicy::None,
    };
    Ok(options)
}

fn failure(error: Error<sks_client::Error>) -> Rv {
    match error {
        Error::Transport(error) => error.into(),
        Error::Refused(refused) => Rv::of_status(refused.status),
        Error::Argument(_) => Rv(CKR_ATTRIBUTE_VALUE_INVALID),
        _ => Rv(CKR_DEVICE_ERROR),
    }
}
