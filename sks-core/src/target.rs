//! The target of a post-provisioning operation: a key of a closed session whose issuer proves itself.
//!
//! Source: SKS API V0.35, "Post Provisioning MAC Operations".

use sks_wire::types::KeyHandle;

use crate::ctx::Ctx;
use crate::record::{Address, Key, Pending, Record};
use crate::refusal::Refusal;
use crate::session;
use crate::work::Typed;

/// A key that an earlier session provisioned.
pub(crate) struct Target {
    pub(crate) handle: u32,
    key: Key,
}

impl Target {
    /// Finds the target among the keys of closed sessions.
    pub(crate) fn find(ctx: &mut Ctx<'_>, handle: KeyHandle) -> Result<Self, Refusal> {
        // It holds its own records only: what touches others' would be neither seen nor locked until the close.
        if ctx.session()?.volatile().is_some() {
            return Err(Refusal::VolatilePost);
        }
        Ok(Self { handle: handle.0, key: ctx.user_key(handle)? })
    }

    /// Refuses a target that may not be updated, or that the session has scheduled already.
    pub(crate) fn check_free(&self, ctx: &mut Ctx<'_>) -> Result<(), Refusal> {
        let owner = ctx.store().session(self.key.session)?.ok_or(Refusal::NoKey)?;
        if !(self.key.updatable && owner.updatable) {
            return Err(Refusal::NotUpdatable);
        }
        let session = ctx.session()?.handle;
        match ctx.store().pending(session, self.handle)? {
            Some(_) => Err(Refusal::TargetTaken),
            None => Ok(()),
        }
    }

    /// Charges both sessions, neither unless both can pay, and returns the Post Provisioning MAC that the issuer of
    /// the target would make.
    pub(crate) fn prove(&self, ctx: &mut Ctx<'_>) -> Result<[u8; 32], Refusal> {
        // Held until the charge is durable, whatever becomes of the call: sessions that share an owner must not spend
        // its last operation twice. A closed session's lock is taken by nobody who waits for an open one's.
        let guard = ctx.device.sessions.lock(self.key.session);
        ctx.hold(guard);
        let owner = ctx.work()?.session(self.key.session)?.ok_or(Refusal::NoKey)?;
        if owner.session_key_uses >= owner.session_key_limit {
            return Err(Refusal::TargetLimitReached);
        }
        ctx.session()?.charge(1)?;
        ctx.charge_closed(self.key.session);
        let end_entity = self.key.certificates.first().ok_or(Refusal::Defect("a target without certificate"))?;
        Ok(session::session_key(&owner)?.proof_of_issuance(end_entity))
    }

    /// Notes the operation for the close of the session.
    pub(crate) fn schedule(&self, ctx: &mut Ctx<'_>, new_key: Option<u32>) -> Result<(), Refusal> {
        let session = ctx.session()?.handle;
        let pending = Pending { owner: self.key.session, new_key };
        ctx.work()?.put(Address::Pending(session, self.handle), Record::Pending(pending))
    }
}
