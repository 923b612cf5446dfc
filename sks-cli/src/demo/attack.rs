//! The attacker's part: a recorded call, sent again.

use sks_issuer::{KeyOptions, Protection, Session};
use sks_wire::method::set_certificate_path;
use sks_wire::types::Id;
use sks_wire::{MethodId, Request, Status};

use super::issuer::Issued;
use super::story::{Story, TokenStory};
use super::tap::Tap;
use super::user;
use crate::exit::Failure;

/// Tells it.
pub(super) fn tell(story: &mut Story, tap: &mut Tap, issued: &Issued) -> Result<(), Failure> {
    story.step("The issuer opens a second session and has a second key made")?;
    let mut session = Session::create(&mut *tap, &issued.options)?;
    let id = Id::new("Key.1").map_err(Failure::doing("naming a key"))?;
    let key = session.create_key_pair(&KeyOptions::p256(id), Protection::None)?;
    let handle = session.handle();
    story.comes(&format!("session {handle}, key {}", key.handle))?;

    story.step("The attacker gives it the first key's certificate, with the call that he recorded")?;
    let mut replayed = recorded(issued)?;
    replayed.provisioning_handle = handle;
    replayed.key_handle = key.handle;
    let method = MethodId::SetCertificatePath;
    story.goes(&format!(
        "{} ({}) as it was sent before, but for session {handle} and key {}",
        method.name(),
        method.number(),
        key.handle
    ))?;
    let answer = story.refusal(tap.client.set_certificate_path(&replayed), Status::Mac)?;
    story.comes(&answer)?;
    let sessions = tap.client.sessions().collect::<Result<Vec<_>, _>>()?;
    let gone = sessions.iter().all(|listed| listed.handle != handle);
    story.check(
        gone,
        &format!(
            "a MAC is bound to its session's key. One error ends a session: session {handle} is gone, and all in it"
        ),
    )?;
    let keys = tap.client.keys().map(|listed| listed.map(|listed| listed.handle)).collect::<Result<Vec<_>, _>>()?;
    let signature = user::sign(&mut tap.client, issued.key.handle, super::issuer::PIN)?;
    let untouched = keys == [issued.key.handle] && user::verifies(&issued.key, &signature);
    Ok(story.check(untouched, &format!("key {} of the first session is untouched and signs", issued.key.handle))?)
}

/// The call that brought the first key's certificate.
fn recorded(issued: &Issued) -> Result<set_certificate_path::Request, Failure> {
    match Request::decode(&issued.recorded) {
        Ok(Request::SetCertificatePath(request)) => Ok(request),
        _ => Err(Failure::text("the recorded call is not the one that was made")),
    }
}
