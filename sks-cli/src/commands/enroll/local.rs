//! The emulated local issuer: one key in one session, certified on the spot.
//!
//! Source: SKS API V0.35, "Sample Session": "If keys are to be created entirely locally, this requires local software
//! emulation of an issuer." Its names are those of [`sks_issuer::local`].

use sks_issuer::ca::{Ca, CaError, Leaf};
pub(crate) use sks_issuer::local::{ISSUER_URI, PIN_POLICY_ID};
use sks_issuer::{
    Error, KeyOptions, PinPolicyOptions, Protection, PukPolicyOptions, Session, SessionOptions, Transport, Trust,
};
use sks_wire::Secret;
use sks_wire::types::{DeletePolicy, ExportPolicy, Format, Id, IdError, KeyAlgorithm, KeyHandle, ProvisioningHandle};

/// The ID of the PUK policy that a local issuer makes.
const PUK_POLICY_ID: &str = "user-puk";
/// The ID of the only key of a session.
const KEY_ID: &str = "Key.1";
/// Wrong PUKs in a row that lock the PUK for good, as many as a SIM card allows.
const PUK_RETRY_LIMIT: u8 = 10;
/// The session is open for as long as one key pair takes to make, in seconds.
const LIFE_TIME: u32 = 600;
/// Uses of the session key: a PUK policy 1, a key pair 1, a certificate path 1, closing 2.
const KEY_LIMIT: u16 = 5;

/// A key to be made.
pub(crate) struct Wish {
    /// FriendlyName.
    pub(crate) name: String,
    /// Type and size.
    pub(crate) algorithm: KeyAlgorithm,
    /// What its certificate says, KeyUsage included.
    pub(crate) leaf: Leaf,
    /// The PIN, if it is to have one.
    pub(crate) pin: Option<Secret>,
    /// The PUK over that PIN, if there is to be one.
    pub(crate) puk: Option<Secret>,
    /// What exporting asks for.
    pub(crate) export_policy: ExportPolicy,
    /// What deleting asks for.
    pub(crate) delete_policy: DeletePolicy,
}

/// A key that was made.
pub(crate) struct Enrolled {
    pub(crate) session: ProvisioningHandle,
    pub(crate) key: KeyHandle,
    pub(crate) id: Id,
    /// Its certificate path, DER.
    pub(crate) path: Vec<Vec<u8>>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnrollError<E: std::error::Error + 'static> {
    #[error(transparent)]
    Session(#[from] Error<E>),
    #[error(transparent)]
    Ca(#[from] CaError),
    #[error(transparent)]
    Id(#[from] IdError),
}

/// Creates the key, certifies it and closes. After a failure nothing of the session is left on the token.
pub(crate) fn enroll<T: Transport>(transport: T, ca: &Ca, wish: &Wish) -> Result<Enrolled, EnrollError<T::Error>> {
    let mut options = SessionOptions::new(ISSUER_URI, Trust::Any);
    options.life_time = LIFE_TIME;
    options.key_limit = KEY_LIMIT;
    let mut session = Session::create(transport, &options)?;
    match provision(&mut session, ca, wish) {
        Ok(enrolled) => {
            session.close()?;
            Ok(enrolled)
        }
        Err(error) => {
            // A refusal has ended the session already; the first failure is the one to tell.
            let _ = session.abort();
            Err(error)
        }
    }
}

fn provision<T: Transport>(session: &mut Session<T>, ca: &Ca, wish: &Wish) -> Result<Enrolled, EnrollError<T::Error>> {
    let policy = match &wish.pin {
        Some(_) => {
            let puk = wish.puk.clone().map(puk_policy).transpose()?;
            let puk = puk.map(|puk| session.create_puk_policy(puk)).transpose()?;
            let options = PinPolicyOptions::new(Id::new(PIN_POLICY_ID)?);
            Some(session.create_pin_policy(&options, puk.as_ref())?)
        }
        None => None,
    };
    let protection = match (&policy, &wish.pin) {
        (Some(policy), Some(pin)) => Protection::Pin { policy, pin },
        _ => Protection::None,
    };
    let key = session.create_key_pair(&key_options(wish)?, protection)?;
    let path = ca.issue_path(&key.public_key, &wish.leaf)?;
    let key = session.set_certificate_path(key, &path)?;
    Ok(Enrolled { session: session.handle(), key: key.handle, id: key.id, path })
}

fn puk_policy(puk: Secret) -> Result<PukPolicyOptions, IdError> {
    let id = Id::new(PUK_POLICY_ID)?;
    Ok(PukPolicyOptions { id, puk, format: Format::String, retry_limit: PUK_RETRY_LIMIT })
}

fn key_options(wish: &Wish) -> Result<KeyOptions, IdError> {
    let mut options = KeyOptions::p256(Id::new(KEY_ID)?);
    options.algorithm = wish.algorithm.clone();
    options.friendly_name.clone_from(&wish.name);
    options.usage = wish.leaf.usage;
    options.export_policy = wish.export_policy;
    options.delete_policy = wish.delete_policy;
    options.enable_pin_caching = true;
    Ok(options)
}
