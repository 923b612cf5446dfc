//! Handler; see [`sks_wire::method::close_provisioning_session`].

use sks_wire::Secret;
use sks_wire::label;
use sks_wire::method::Method;
use sks_wire::method::close_provisioning_session::{Request, Response, mac_data};
use sks_wire::types::KeyUsage;

use crate::ctx::Ctx;
use crate::key;
use crate::ports::Read;
use crate::record::{Address, Key, ObjectKind, Pending, Record};
use crate::refusal::Refusal;
use crate::session::{self, Entered, Named};
use crate::work::{Typed, Work};

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let entered = ctx.session()?;
    // The MAC and the attestation: both are paid before anything is done, for nothing may fail after the commit.
    entered.charge(2)?;
    let session = entered.session.clone();
    let data = mac_data(&session.client_session_id, &session.server_session_id, &session.issuer_uri);
    entered.check_mac(Request::ID, &data, &request.mac)?;
    let attested_response = entered.attest(&[label::SUCCESS, &entered.session.mac_sequence_counter.to_be_bytes()]);
    let handle = entered.handle;

    let work = ctx.work()?;
    let objects = session::objects(work, handle)?;
    verify(work, &objects)?;
    for object in objects.iter().filter(|object| object.kind == ObjectKind::Key) {
        provision(work, object.handle)?;
    }
    let touched = apply_pending(work, handle)?;
    session::end(work, handle)?;
    for owner in touched {
        take_over(work, owner, handle)?;
    }
    if session::owns_keys(ctx.work()?, handle)? {
        close(ctx.session()?);
    } else {
        ctx.session()?.discard();
        session::remove(ctx.work()?, handle)?;
    }
    Ok(Response { attested_response })
}

/// The closed session as it is kept: its key only if it may still be needed.
fn close(entered: &mut Entered<'_>) {
    entered.session.open = false;
    if !entered.session.updatable {
        entered.session.session_key = Secret::default();
    }
}

/// "All generated keys are fully provisioned" and "there are no unreferenced PIN or PUK policy objects".
fn verify(read: &impl Read, objects: &[Named]) -> Result<(), Refusal> {
    for object in objects {
        let name = || object.id.to_string();
        match object.kind {
            ObjectKind::Key => {
                let key = read.key(object.handle)?.ok_or(Refusal::Defect("a named key is missing"))?;
                if !is_finished(&key) {
                    return Err(Refusal::KeyUnfinished(name()));
                }
            }
            ObjectKind::PinPolicy if key::groups(read, object.handle)?.is_empty() => {
                return Err(Refusal::UnusedPinPolicy(name()));
            }
            ObjectKind::PukPolicy if !key::puk_is_used(read, object.handle)? => {
                return Err(Refusal::UnusedPukPolicy(name()));
            }
            ObjectKind::PinPolicy | ObjectKind::PukPolicy => {}
        }
    }
    Ok(())
}

/// Whether a key has all that its attributes promise.
pub(super) fn is_finished(key: &Key) -> bool {
    let symmetric = key.key_usage != KeyUsage::SymmetricKey || !key.endorsed_algorithms.is_empty();
    let restored = !key.import_private_key || key.restored;
    !key.certificates.is_empty() && symmetric && restored
}

/// Makes a key of the session ready for the User API.
fn provision(work: &mut Work<'_>, handle: u32) -> Result<(), Refusal> {
    let mut key = work.key(handle)?.ok_or(Refusal::Defect("a named key is missing"))?;
    key.provisioned = true;
    work.put(Address::Key(handle), Record::Key(key))
}

/// Carries out the scheduled operations; returns the sessions that they touched.
fn apply_pending(work: &mut Work<'_>, handle: u32) -> Result<Vec<u32>, Refusal> {
    let mut touched = Vec::new();
    for target in session::targets(work, handle)? {
        let pending = work.pending(handle, target)?.ok_or(Refusal::TargetChanged)?;
        let old = work.key(target)?.filter(|key| key.session == pending.owner).ok_or(Refusal::TargetChanged)?;
        match pending {
            Pending { new_key: None, .. } => key::remove(work, target)?,
            Pending { new_key: Some(new), .. } => replace(work, target, &old, new)?,
        }
        if !touched.contains(&pending.owner) {
            touched.push(pending.owner);
        }
    }
    Ok(touched)
}

/// Puts a new key in the place of its target: all of it is new but the handle, the owner and the PIN.
fn replace(work: &mut Work<'_>, target: u32, old: &Key, new: u32) -> Result<(), Refusal> {
    let mut key = work.key(new)?.ok_or(Refusal::Defect("a new key is missing"))?;
    let material = work.material(new)?.ok_or(Refusal::Defect("a new key has no material"))?;
    for index in key::extension_count(&key)..key::extension_count(old) {
        work.remove(&Address::Extension(target, index))?;
    }
    for index in 0..key::extension_count(&key) {
        let extension = work.extension(new, index)?.ok_or(Refusal::Defect("a new key lacks an extension"))?;
        work.put(Address::Extension(target, index), Record::Extension(extension))?;
    }
    key::remove(work, new)?;
    key.session = old.session;
    key.pin_group = old.pin_group;
    key.replaces = None;
    work.put(Address::Material(target), Record::Material(material))?;
    work.put(Address::Key(target), Record::Key(key))
}

/// Gives all keys of a touched session to the closing one, and removes it. Policies follow their keys.
fn take_over(work: &mut Work<'_>, from: u32, to: u32) -> Result<(), Refusal> {
    for handle in session::keys(work, from)? {
        if let Some(mut key) = work.key(handle)? {
            key.session = to;
            work.put(Address::Key(handle), Record::Key(key))?;
        }
        work.remove(&Address::SessionKey(from, handle))?;
        work.put(Address::SessionKey(to, handle), Record::Mark)?;
    }
    session::remove(work, from)
}
