//! US6: a signing, from the login to the signatures.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tw4s_formats::operation::Signing;
use tw4s_formats::{Digest, HashAlgorithm, Sad, SignedIdentityToken};

use super::cast::{Cast, ask, done};
use super::keys::Key;
use super::story::Story;
use crate::exit::Failure;
use crate::parties::{self, Key as TemporaryKey, verifies};
use crate::temporary::Subsystem;

/// What the signer's side has made for one signing.
pub(super) struct Activation {
    /// The extended token.
    pub(super) token: SignedIdentityToken,
    pub(super) sad: Sad,
    pub(super) request: Signing,
}

/// Steps 3 to 9 of the guide's flow: temporary key, extended token, SAD.
pub(super) fn activate(cast: &Cast, user: &str, key: &str, documents: &[&[u8]]) -> Result<Activation, Failure> {
    let token = cast.login(user)?;
    let temporary = TemporaryKey::generate()?;
    let token = cast.idp.extend(&token, &temporary, LIFETIME)?;
    activation(token, &temporary, key, documents)
}

/// A SAD by a given token and key.
pub(super) fn activation(
    token: SignedIdentityToken,
    temporary: &TemporaryKey,
    key: &str,
    documents: &[&[u8]],
) -> Result<Activation, Failure> {
    let hashes: Vec<Vec<u8>> = documents.iter().map(|document| Sha256::digest(document).to_vec()).collect();
    let sad = parties::sad(temporary, &token, key, HashAlgorithm::Digest(Digest::Sha256), &hashes)?;
    let request = Signing::new(&sad).map_err(Failure::other)?;
    Ok(Activation { token, sad, request })
}

/// Tells it; gives what an attacker may have recorded.
pub(super) fn sign(story: &mut Story, subsystem: &Subsystem, cast: &Cast, key: &Key) -> Result<Activation, Failure> {
    let documents: [&[u8]; 2] = [b"I owe Bob 10 Euro.", b"I owe Carol 20 Euro."];
    story.step("The signer logs in with two factors; her browser makes a temporary key")?;
    story.goes("the public half to the identity provider, which puts it into her token and signs that anew")?;
    let activation = activate(cast, &cast.signer, &key.id, &documents)?;
    story.comes("token: userid, level substantial, scope remote-signature, the temporary key, valid for 5 minutes")?;

    story.step("The SAD: token, keyid and the hashes of two documents, signed with the temporary key")?;
    let embedded = activation.sad.tbs.identity_token.data.claims(&tw4s_formats::OidArc::default());
    let embedded = embedded.map_err(Failure::other)?.sad_key.ok_or_else(|| Failure::text("the token has no key"))?;
    let bound = verifies(&embedded, activation.sad.tbs.der(), activation.sad.signature.as_bytes());
    story.check(
        bound,
        "the signature is by the key in the token, over these hashes and this keyid: nothing else can sign",
    )?;

    story.step("Signing: the module checks, reserves the hashes, activates the key, signs, deactivates it")?;
    story.goes(&format!("the SAD, {} hashes", documents.len()))?;
    let signed = done(ask(subsystem, &activation.request, &activation.token)?)?;
    story.comes(&format!("{} signatures, in the order of the hashes", signed.sigbin.len()))?;
    let verified = signed.sigbin.len() == documents.len()
        && signed
            .sigbin
            .iter()
            .zip(documents)
            .all(|(signature, text)| verifies(&key.public, text, signature.as_bytes()));
    story.check(verified, "both verify with the key in her certificate")?;
    Ok(activation)
}

/// How long a SAD's token is valid; the module accepts no longer one.
pub(super) const LIFETIME: Duration = Duration::from_secs(300);
