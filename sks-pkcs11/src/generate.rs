//! Key generation: a provisioning session as an emulated local issuer.
//!
//! Source: PKCS#11 2.40, "Key management functions"; SKS API V0.35, "Sample Session": "If keys are to be created entirely
//! locally, this requires local software emulation of an issuer." In slot 0 a key has no PIN; in the slot of the local
//! issuer's `user-pin` policies it gets a new policy of that ID with the PIN of the login. Other slots are their
//! issuers'.

use std::cell::RefCell;
use std::sync::Arc;

use cryptoki_sys::{
    CK_ULONG, CKA_CLASS, CKA_EC_PARAMS, CKA_EXTRACTABLE, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_MODULUS_BITS,
    CKA_PUBLIC_EXPONENT, CKA_TOKEN, CKA_VALUE_LEN, CKK_AES, CKK_EC, CKK_GENERIC_SECRET, CKK_RSA, CKM_AES_KEY_GEN,
    CKM_EC_KEY_PAIR_GEN, CKM_GENERIC_SECRET_KEY_GEN, CKM_RSA_PKCS_KEY_PAIR_GEN, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY,
    CKO_SECRET_KEY, CKR_ATTRIBUTE_VALUE_INVALID, CKR_CURVE_NOT_SUPPORTED, CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED,
    CKR_KEY_SIZE_RANGE, CKR_MECHANISM_INVALID, CKR_SESSION_READ_ONLY, CKR_TEMPLATE_INCONSISTENT,
    CKR_TOKEN_WRITE_PROTECTED, CKR_USER_NOT_LOGGED_IN,
};
use sks_issuer::ca::{Ca, Draft, Leaf, Subject};
use sks_issuer::{
    Error, Extension, Finishing, KeyOptions, KeyPair, Opened, PinPolicyOptions, Protection, SessionOptions, Transport,
    Trust, local,
};
use sks_wire::algorithm::{Algorithm, Class};
use sks_wire::types::{BaseType, ExportPolicy, Id, KeyAlgorithm, KeyUsage};
use sks_wire::{Secret, Status, limit};
use zeroize::Zeroizing;

use crate::error::{Result, Rv};
use crate::listing::{Made, questions};
use crate::login::Login;
use crate::module::Module;
use crate::object::attribute::P256_PARAMS;
use crate::object::template::Template;
use crate::object::{ID_EXTENSION, Kept, Key, LENGTH_EXTENSION, number};
use crate::session::Session;

/// The session is open for as long as a key takes to make, in seconds.
const LIFE_TIME: u32 = 600;
/// Uses of the session key: a key pair 1, a certificate path 1, a symmetric or restored key 2, an extension 1 (of two),
/// closing 2.
const KEY_LIMIT: u16 = 8;
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
    /// The length of a symmetric key, where its algorithms do not tell it.
    fn length(&self) -> Option<u32> {
        match &self.kind {
            Kind::Symmetric(value, endorsed) if endorsed.iter().all(|algorithm| algorithm.class() == Class::Hmac) => {
                u32::try_from(value.len()).ok()
            }
            _ => None,
        }
    }

    /// What the module keeps of it in extension objects.
    fn kept(&self) -> Kept {
        Kept { id: self.id.clone(), length: self.length() }
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
    let made = issue(module, wish, pin.as_ref())?;
    let listing = module.listing_with(&made)?;
    let key = listing.keys.get(&made.handle.0).cloned().ok_or(Rv(CKR_DEVICE_ERROR))?;
    module.admit(session.slot, key.pin_policy);
    Ok(key)
}

/// Runs the provisioning session. All that follows the key pair goes out at once, and with it what is asked of the key
/// afterwards.
fn issue(module: &Module, wish: &Wish, pin: Option<&Secret>) -> Result<Made> {
    let ca = module.ca()?;
    let mut options = SessionOptions::new(local::ISSUER_URI, Trust::Any);
    // What a session that does not come to its end would leave is of no use to anybody.
    options.volatile = true;
    options.life_time = LIFE_TIME;
    options.key_limit = KEY_LIMIT;
    let key = key_options(wish, pin.is_some())?;
    let policy = PinPolicyOptions::new(id(local::PIN_POLICY_ID)?);
    let policy = pin.map(|pin| (policy, pin));
    let wire = Wire::new(module);
    let (device, since) = {
        let listing = module.last_listing_of_same()?;
        (Arc::clone(&listing.device), listing.count)
    };
    let accepted = device.accepted().map_err(|_| Rv(CKR_DEVICE_ERROR))?;
    let ephemeral = module.ephemeral().map_err(|_| Rv(CKR_DEVICE_ERROR))?;
    let mut draft = Err(Rv(CKR_FUNCTION_FAILED));
    let prepare = || draft = draft_of(&ca, wish);
    let opened = sks_issuer::Session::open(&wire, &options, accepted, &ephemeral, prepare).map_err(failure)?;
    let (session, key) = key_pair_in(opened, &key, policy)?;
    let handle = key.handle;
    let mut session = session.finishing();
    if let Err(rv) = complete(&mut session, draft, wish, key) {
        let _ = session.abort();
        return Err(rv);
    }
    wire.follow(questions(handle));
    session.close().map_err(|error| match (&wish.kind, error.refused().map(|refused| refused.status)) {
        // The private key that was brought along.
        (Kind::Imported(..), Some(status)) if status != Status::Storage => Rv(CKR_ATTRIBUTE_VALUE_INVALID),
        _ => failure(error),
    })?;
    Ok(Made { since, handle, answers: wire.answers(), kept: wish.kept() })
}

/// A session's way to the token. What is to follow the session's last calls goes out with them.
struct Wire<'a> {
    module: &'a Module,
    follows: RefCell<Vec<Zeroizing<Vec<u8>>>>,
}

impl<'a> Wire<'a> {
    fn new(module: &'a Module) -> Self {
        Self { module, follows: RefCell::default() }
    }

    /// Adds calls of one's own behind those that go out together.
    fn follow(&self, calls: impl Into<Vec<Zeroizing<Vec<u8>>>>) {
        *self.follows.borrow_mut() = calls.into();
    }

    /// What was answered to them.
    fn answers(&self) -> Vec<Zeroizing<Vec<u8>>> {
        self.follows.take()
    }
}

impl Transport for &Wire<'_> {
    type Error = sks_client::Error;

    fn call_raw(&mut self, call: &[u8]) -> std::result::Result<Zeroizing<Vec<u8>>, Self::Error> {
        self.module.token.call_raw(call)
    }

    fn call_raw_while(
        &mut self,
        call: &[u8],
        meanwhile: impl FnOnce(),
    ) -> std::result::Result<Zeroizing<Vec<u8>>, Self::Error> {
        self.module.token.call_raw_while(call, meanwhile)
    }

    fn call_all_raw(
        &mut self,
        calls: &[Zeroizing<Vec<u8>>],
    ) -> std::result::Result<Vec<Zeroizing<Vec<u8>>>, Self::Error> {
        let mut all = calls.to_vec();
        all.extend(self.follows.take());
        // The token waits for its disk then.
        let mut answers = self.module.token.call_all_raw_while(&all, || self.module.make_ephemeral())?;
        *self.follows.borrow_mut() = answers.split_off(calls.len());
        Ok(answers)
    }
}

/// The PIN that a new key gets; none in slot 0.
fn pin(module: &Module, session: &Session) -> Result<Option<Secret>> {
    if session.slot == 0 {
        return Ok(None);
    }
    let listing = module.last_listing_of_same()?;
    let slot = listing.slots.get(&session.slot);
    if !slot.is_some_and(|slot| slot.groups.iter().any(|key| key.is_users())) {
        return Rv::err(CKR_TOKEN_WRITE_PROTECTED);
    }
    match module.logins.lock().get(&session.slot).map(Arc::as_ref) {
        Some(Login::User { pin: Some(pin), .. }) => Ok(Some(pin.clone())),
        _ => Rv::err(CKR_USER_NOT_LOGGED_IN),
    }
}

/// Creates the key pair. The session's attestation is verified during the first call, before a PIN is sent.
fn key_pair_in<T: Transport<Error = sks_client::Error>>(
    opened: Opened<'_, T>,
    options: &KeyOptions,
    policy: Option<(PinPolicyOptions, &Secret)>,
) -> Result<(sks_issuer::Session<T>, KeyPair)> {
    let Some((policy, pin)) = policy else { return opened.create_key_pair(options).map_err(failure) };
    let (mut session, policy) = opened.create_pin_policy(&policy).map_err(failure)?;
    match session.create_key_pair(options, Protection::Pin { policy: &policy, pin }) {
        Ok(key) => Ok((session, key)),
        Err(error) => {
            // A refusal has ended the session already; the first failure is the one to tell.
            let _ = session.abort();
            Err(failure(error))
        }
    }
}

/// The certificate, but for the key.
fn draft_of<'a>(ca: &'a Ca, wish: &Wish) -> Result<Draft<'a>> {
    let subject = Subject::from_label(&wish.label).map_err(|_| Rv(CKR_FUNCTION_FAILED))?;
    ca.draft(&Leaf::new(subject, usage(wish))).map_err(|_| Rv(CKR_FUNCTION_FAILED))
}

/// What a key needs until it is ready: its certificate, and what it was made for.
fn complete<T: Transport<Error = sks_client::Error>>(
    session: &mut Finishing<T>,
    draft: Result<Draft<'_>>,
    wish: &Wish,
    key: KeyPair,
) -> Result<()> {
    let certified = match &wish.kind {
        Kind::Imported(_, spki) => spki,
        _ => &key.public_key,
    };
    let path = draft?.issue_path(certified).map_err(|_| Rv(CKR_ATTRIBUTE_VALUE_INVALID))?;
    let key = session.set_certificate_path(key, &path).map_err(failure)?;
    match &wish.kind {
        Kind::Pair(_) => {}
        Kind::Imported(pkcs8, _) => session.restore_private_key(&key, pkcs8).map_err(failure)?,
        Kind::Symmetric(value, endorsed) => session.set_symmetric_key(&key, value, endorsed).map_err(failure)?,
    }
    let Kept { id, length } = wish.kept();
    let length = length.map(|length| length.to_be_bytes().to_vec());
    for (kind, data) in [(ID_EXTENSION, id), (LENGTH_EXTENSION, length)] {
        let Some(data) = data else { continue };
        let extension = Extension {
            extension_type: kind.to_owned(),
            base_type: BaseType::Extension,
            qualifier: String::new(),
            data: Secret::new(data),
        };
        session.add_extension(&key, &extension).map_err(failure)?;
    }
    Ok(())
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
    options.usage = usage(wish);
    options.export_policy = match (wish.exportable, has_pin) {
        (false, _) => ExportPolicy::NonExportable,
        (true, true) => ExportPolicy::Pin,
        (true, false) => ExportPolicy::None,
    };
    Ok(options)
}

fn usage(wish: &Wish) -> KeyUsage {
    if let Kind::Symmetric(..) = wish.kind { KeyUsage::SymmetricKey } else { KeyUsage::Universal }
}

fn failure(error: Error<sks_client::Error>) -> Rv {
    match error {
        Error::Transport(error) => error.into(),
        Error::Refused(refused) => Rv::of_status(refused.status),
        Error::Argument(_) => Rv(CKR_ATTRIBUTE_VALUE_INVALID),
        _ => Rv(CKR_DEVICE_ERROR),
    }
}
