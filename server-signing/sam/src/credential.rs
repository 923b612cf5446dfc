//! Steps 2 to 4: the credential's type, the credential, its user.
//!
//! A signer commonly shows the token that is in the SAD as well. Then the firmware is asked once, for the admission, which
//! begins with the token; that nothing else of it is told before its turn is for the callers to see.

use tw4s_formats::operation::Signing;
use tw4s_formats::{
    CredentialValue, Digest, MessageSignature, PeerMessage, Request, Role, Sad, SignatureAlgorithm, SignedIdentityToken,
};
use x509_cert::der::Encode;

use crate::Sam;
use crate::certificate::{Certificate, id_of};
use crate::failure::Failure;
use crate::operation::{Admission, admit};
use crate::record::{Once, User, UserId};
use crate::refusal::Refusal;
use crate::window::{self, Window};
use crate::work::{Committed, Work};

/// Who acts.
pub(crate) struct Acting<'s> {
    pub(crate) user: User,
    /// The certificate in use: the token's signer.
    pub(crate) certificate: Option<Vec<u8>>,
    /// Of a signing with one token for both.
    pub(crate) admission: Option<Admission<'s>>,
}

/// A credential that was refused, and whom it named, if that is proven.
pub(crate) struct Refused {
    pub(crate) failure: Failure,
    pub(crate) acting: Option<UserId>,
}

impl<F: Into<Failure>> From<F> for Refused {
    fn from(failure: F) -> Self {
        Self { failure: failure.into(), acting: None }
    }
}

/// Authenticates a request; of a signing, `sad` is what it asks for.
pub(crate) async fn authenticate<'s>(
    sam: &'s Sam,
    message: &PeerMessage,
    request: &Request,
    sad: Option<(&Signing, &Sad)>,
    now: u64,
) -> Result<Acting<'s>, Refused> {
    let der = request.credential.value.der();
    let is_token = request.credential.credential_type == sam.config.arc.cred_identity_token();
    if let Some((signing, sad)) = sad.filter(|(_, sad)| is_token && sad.has_token(der)) {
        return by_token(sam, &sad.tbs.identity_token, der, Some((signing, sad)), now).await;
    }
    match request.credential.open(&sam.config.arc) {
        Ok(CredentialValue::IdentityToken(token)) => by_token(sam, &token, der, None, now).await,
        Ok(CredentialValue::MessageSignature(signature)) => by_message(sam, message, request, &signature, now).await,
        Ok(CredentialValue::Unknown) => Err(Refusal::CredentialType.into()),
        Err(_) => Err(Refusal::Credential.into()),
    }
}

/// `sad` is what is to be signed with the same token.
async fn by_token<'s>(
    sam: &'s Sam,
    token: &SignedIdentityToken,
    der: &[u8],
    sad: Option<(&Signing, &Sad)>,
    now: u64,
) -> Result<Acting<'s>, Refused> {
    let id = token.data.user_id.text().parse::<UserId>().ok();
    // The credential comes before the user: a failed look-up waits until the token has proven to be sound.
    let user = id.map_or(Ok(None), |id| sam.user(&id));
    let known = user.as_ref().ok().and_then(Option::as_ref);
    let admission = match (known, sad) {
        (Some(user), Some((signing, sad))) => Some(admit(sam, user, signing, sad).await),
        _ => None,
    };
    let certificate = match &admission {
        Some(admission) if admission.proves_token() => None,
        // What is wrong with the token, or with the firmware, is told as of any credential.
        _ => {
            let registered = known.map(|user| user.certificates.as_slice());
            let signer = sam.ports.firmware.verify_token(der, registered).await;
            Some(signer.map_err(|e| Failure::credential(&e))?)
        }
    };
    match window::of(&token.data, sam.config.skew_ms, now) {
        Window::Within => {}
        Window::Early => return Err(Refusal::CredentialEarly.into()),
        Window::Late => return Err(Refusal::CredentialExpired.into()),
    }
    match user {
        Ok(Some(user)) => Ok(Acting { user, certificate, admission }),
        Ok(None) => Err(Refusal::UnknownUser.into()),
        Err(failure) => Err(Refused { failure, acting: id }),
    }
}

async fn by_message<'s>(
    sam: &'s Sam,
    message: &PeerMessage,
    request: &Request,
    signature: &MessageSignature,
    now: u64,
) -> Result<Acting<'s>, Refused> {
    let algorithm = SignatureAlgorithm::from_identifier(&signature.signature_algorithm);
    let sha256 = [SignatureAlgorithm::RsaPkcs1(Digest::Sha256), SignatureAlgorithm::Ecdsa(Digest::Sha256)];
    if !algorithm.is_ok_and(|algorithm| sha256.contains(&algorithm)) {
        return Err(Refusal::MessageAlgorithm.into());
    }
    let certificate = id_of(&signature.cert).map_err(|_| Refusal::Credential)?;
    let (user, der) = holder(sam, signature, &certificate)?;
    let algorithm = signature.signature_algorithm.to_der().map_err(|_| Refusal::Credential)?;
    let signed = message.signed_bytes(request).map_err(Failure::from)?;
    sam.ports
        .firmware
        .verify_message(&der, &algorithm, &signed, signature.signature.as_bytes())
        .await
        .map_err(|e| Failure::credential(&e))?;

    let taken = match once(sam, message, certificate, now) {
        Ok(committed) => committed.durable().await,
        Err(failure) => Err(failure),
    };
    match taken {
        Ok(()) => Ok(Acting { user, certificate: None, admission: None }),
        Err(failure) => Err(Refused { failure, acting: Some(user.id) }),
    }
}

/// The technical user whose messages a certificate signs, and the certificate.
fn holder(sam: &Sam, signature: &MessageSignature, id: &[u8; 32]) -> Result<(User, Vec<u8>), Refused> {
    let holder = sam.ports.store.holder(id).map_err(Failure::from)?.ok_or(Refusal::MessageUnregistered)?;
    let user = sam.user(&holder)?.ok_or(Refusal::MessageUnregistered)?;
    // The holder's row has no MAC; the user's row has.
    let named = |der: &&Vec<u8>| Certificate::parse(der).is_ok_and(|it| it.is_named_by(&signature.cert));
    let der = user.certificates.iter().find(named).filter(|_| user.role == Role::PrivilegedUserTechnical).cloned();
    der.map(|der| (user, der)).ok_or_else(|| Refusal::MessageUnregistered.into())
}

/// A signed message is taken once, and not for long: `id` and `sentAt` are under its signature (1.10).
fn once(sam: &Sam, message: &PeerMessage, certificate: [u8; 32], now: u64) -> Result<Committed<()>, Failure> {
    let sent = message.sent_at.unix().saturating_mul(1000);
    let expires_ms = sent.saturating_add(sam.config.message_lifetime_ms);
    if now < sent.saturating_sub(sam.config.skew_ms) {
        return Err(Refusal::MessageEarly.into());
    }
    if now > expires_ms.saturating_add(sam.config.skew_ms) {
        return Err(Refusal::MessageExpired.into());
    }
    let id = message.id.as_bytes().try_into().map_err(|_| Refusal::Defect)?;
    let mut work = Work::begin(sam)?;
    if !work.consume(&Once::Message { certificate, id, expires_ms })? {
        return Err(Refusal::MessageReplayed.into());
    }
    work.commit_later(())
}
