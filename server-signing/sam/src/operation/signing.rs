//! `Signing` (Table 22): checks, reserves, activates, signs, deactivates.
//!
//! The order of checks is 1.3's, last paragraph: the token's signature, its window, its user, its level; the SAD's
//! signature; the hashes' lengths; the key; the wrapped key's signature; whose key it is; whether the algorithm fits it;
//! and last whether the hashes were used before, which is one step with their reservation ([`reserve`]). What the
//! firmware checks and what is checked here are gathered first, and the first in that order is the answer.
//!
//! The rule of 4.1: the hashes are consumed, durably, with the audit record of the intent, before the key is activated.
//! A replay finds them consumed. A crash after that leaves them consumed, and the next start says `unknown outcome`.

mod checks;
mod reserve;

use sha2::{Digest, Sha256};
use tw4s_formats::operation::{Signing, SigningResult};
use tw4s_formats::{Claims, Format, List, Octets, Sad};

use crate::Sam;
use crate::call::Call;
use crate::failure::Failure;
use crate::ports::{Admitted, FirmwareError, SignOrder};
use crate::record::{KeyId, Object, ObjectKind, State, User};
use crate::refusal::Refusal;
use crate::work::{Committed, Recorded, Work};

pub(super) async fn handle(call: &mut Call<'_>, message: &Signing, sad: &Sad) -> Result<Committed<Recorded>, Failure> {
    let sad_id: [u8; 32] = Sha256::digest(sad.tbs.der()).into();
    let claims = sad.tbs.identity_token.data.claims(&call.sam.config.arc).ok();
    describe(call, sad, &sad_id, claims.as_ref());

    let mut findings = checks::token(call, sad, claims.as_ref()).into_iter().map(Failure::from).collect::<Vec<_>>();
    findings.extend(checks::hashes(sad).map(Failure::from));
    let Admission { key, admitted } = match call.admission.take() {
        Some(admission) => admission,
        None => admit(call.sam, &call.acting, message, sad).await,
    };
    findings.extend(checks::key(call, sad, key.as_ref().ok()).into_iter().map(Failure::from));
    let admitted = admitted.map_err(|e| Failure::admission(&e));
    let (key, admitted) = match (key, admitted) {
        (Ok(key), Ok(admitted)) if findings.is_empty() => (key, admitted),
        (key, admitted) => {
            findings.extend(key.err());
            findings.extend(admitted.err());
            return Err(checks::first(findings));
        }
    };

    call.entry.intent = Some(reserve::reserve(call, sad, sad_id, &key)?.durable().await?);
    let result = sign(admitted, sad).await?;
    conclude(call, result)
}

/// What the audit record tells of it, whatever becomes of it.
fn describe(call: &mut Call<'_>, sad: &Sad, sad_id: &[u8; 32], claims: Option<&Claims>) {
    let entry = &mut call.entry;
    entry.user = Some(call.acting.id.to_string());
    entry.key = Some(sad.tbs.key_id.text().into());
    entry.sad = Some(hex::encode(sad_id));
    entry.hashes = u64::try_from(sad.tbs.tbs_hash_values.len()).ok();
    entry.jti = claims.and_then(|claims| claims.jti).map(hex::encode);
}

/// What there is of the key, and what the firmware says to the order.
pub(crate) struct Admission<'s> {
    key: Result<Object, Failure>,
    admitted: Result<Box<dyn Admitted + 's>, FirmwareError>,
}

impl Admission<'_> {
    /// Whether it shows that the token in the SAD is sound, as [`Firmware::verify_token`](crate::ports::Firmware) would
    /// say: the order was admitted, or refused for something that comes behind the token.
    pub(crate) fn proves_token(&self) -> bool {
        match &self.admitted {
            Ok(_) => true,
            Err(error) => matches!(
                error,
                FirmwareError::SadSignature
                    | FirmwareError::HashLength
                    | FirmwareError::NoKey
                    | FirmwareError::WrappedKey
                    | FirmwareError::KeyMismatch
                    | FirmwareError::UserMismatch
                    | FirmwareError::Algorithm
            ),
        }
    }
}

/// Has the firmware verify all that it is to verify, for this user.
pub(crate) async fn admit<'s>(sam: &'s Sam, user: &User, message: &Signing, sad: &Sad) -> Admission<'s> {
    let key = key(sam, sad.tbs.key_id.text());
    let usable = key.as_ref().ok().filter(|key| key.state == State::Active);
    let order = SignOrder {
        sad: message.sad.as_bytes(),
        user_id: &user.id,
        registered: &user.certificates,
        wrapped_key: usable.map(|key| key.value.as_slice()),
        hashes: sad.tbs.tbs_hash_values.len(),
    };
    let admitted = sam.ports.firmware.admit(order).await;
    Admission { key, admitted }
}

/// The row of the key that the SAD names.
fn key(sam: &Sam, text: &str) -> Result<Object, Failure> {
    let id = text.parse::<KeyId>().map_err(|_| Refusal::NoKey)?;
    Ok(sam.object(&id, ObjectKind::Key)?.ok_or(Refusal::NoKey)?)
}

/// Activates, signs, deactivates: one signature for each hash, or none at all.
async fn sign(admitted: Box<dyn Admitted + '_>, sad: &Sad) -> Result<Vec<u8>, Failure> {
    let spent = |failure: Failure| match failure.refusal {
        Refusal::Firmware => failure,
        _ => failure.with_refusal(Refusal::SignatureFailed),
    };
    let signatures = admitted.sign().await.map_err(|e| spent(e.into()))?;
    if signatures.len() != sad.tbs.tbs_hash_values.len() {
        return Err(Refusal::SignatureFailed.into());
    }
    let signatures = signatures.into_iter().map(Octets::new).collect::<Result<_, _>>();
    let sigbin = signatures.and_then(List::new).map_err(|e| spent(e.into()))?;
    SigningResult { sigbin }.to_bytes().map_err(|e| spent(e.into()))
}

/// Records the result. If that fails, the signatures are not given out: the intent stays open, and tells.
fn conclude(call: &Call<'_>, result: Vec<u8>) -> Result<Committed<Recorded>, Failure> {
    let mut work = Work::begin(call.sam)?;
    if let Some(intent) = call.entry.intent {
        work.close_intent(intent)?;
    }
    work.conclude(call.entry.clone(), result)
}
