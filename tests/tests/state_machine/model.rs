//! The model: what a token holds, in maps, with the rules of the text in their plainest form.

use std::collections::{BTreeMap, BTreeSet};

use sks_wire::Status;
use sks_wire::types::Grouping;

pub(crate) const PIN_LIMIT: u8 = 2;
pub(crate) const PUK_LIMIT: u8 = 2;

pub(crate) type Outcome = Result<(), Status>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub open: bool,
    /// Kept in memory until its close.
    pub volatile: bool,
    pub updatable: bool,
    pub limit: u16,
    pub uses: u16,
    pub puk_names: BTreeSet<u8>,
    pub pin_names: BTreeSet<u8>,
    pub key_names: BTreeSet<u8>,
    /// Target to (its owner then, the key that replaces it).
    pub pending: BTreeMap<u32, (u32, Option<u32>)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub session: u32,
    pub name: u8,
    pub provisioned: bool,
    pub certified: bool,
    pub group: Option<u32>,
    pub extensions: BTreeSet<u8>,
    pub updatable: bool,
    pub replaces: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub policy: u32,
    pub signature: bool,
    pub pin: u8,
    pub errors: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct PinPolicy {
    pub session: u32,
    pub puk: Option<u32>,
    pub grouping: Grouping,
}

#[derive(Clone, Debug)]
pub(crate) struct PukPolicy {
    pub session: u32,
    pub errors: u8,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub sessions: BTreeMap<u32, Session>,
    pub keys: BTreeMap<u32, Key>,
    pub groups: BTreeMap<u32, Group>,
    pub pins: BTreeMap<u32, PinPolicy>,
    pub puks: BTreeMap<u32, PukPolicy>,
}

impl Model {
    pub(crate) fn open(&mut self, session: u32) -> Result<&mut Session, Status> {
        self.sessions.get_mut(&session).filter(|s| s.open).ok_or(Status::NoSession)
    }

    /// Counts uses of a session key; exactly the limit is allowed.
    pub(crate) fn charge(&mut self, session: u32, uses: u16) -> Outcome {
        let session = self.open(session)?;
        if session.uses + uses > session.limit {
            return Err(Status::NotAllowed);
        }
        session.uses += uses;
        Ok(())
    }

    pub(crate) fn own_key(&mut self, session: u32, key: u32) -> Result<&mut Key, Status> {
        self.keys.get_mut(&key).filter(|k| k.session == session).ok_or(Status::NoKey)
    }

    pub(crate) fn user_key(&self, key: u32) -> Result<&Key, Status> {
        self.keys.get(&key).filter(|k| k.provisioned).ok_or(Status::NoKey)
    }

    /// The group that a PIN joins, or a refusal; `own` is the group whose PIN is changed.
    pub(crate) fn grouping(
        &self,
        policy: u32,
        signature: bool,
        own: Option<u32>,
        pin: u8,
    ) -> Result<Option<u32>, Status> {
        let grouping = self.pins[&policy].grouping;
        let others = || self.groups.iter().filter(|(n, g)| g.policy == policy && Some(**n) != own);
        let signature = signature && grouping == Grouping::SignatureStandard;
        match grouping {
            Grouping::None => Ok(None),
            Grouping::Unique if others().any(|(_, g)| g.pin == pin) => Err(Status::Option),
            Grouping::Unique => Ok(None),
            Grouping::Shared | Grouping::SignatureStandard => {
                let half = others().find(|(_, g)| g.signature == signature);
                let clash = others().any(|(_, g)| g.signature != signature && g.pin == pin);
                match half {
                    _ if clash => Err(Status::Option),
                    Some((_, g)) if g.pin != pin => Err(Status::Option),
                    Some((number, _)) => Ok(Some(*number)),
                    None => Ok(None),
                }
            }
        }
    }

    pub(crate) fn check_pin(&mut self, group: u32, pin: u8) -> Outcome {
        let group = self.groups.get_mut(&group).unwrap();
        if group.errors >= PIN_LIMIT {
            return Err(Status::Authorization);
        }
        let right = group.pin == pin;
        group.errors = if right { 0 } else { group.errors + 1 };
        if right { Ok(()) } else { Err(Status::Authorization) }
    }

    pub(crate) fn check_puk(&mut self, puk: u32, right: bool) -> Outcome {
        let puk = self.puks.get_mut(&puk).unwrap();
        if puk.errors >= PUK_LIMIT {
            return Err(Status::Authorization);
        }
        puk.errors = if right { 0 } else { puk.errors + 1 };
        if right { Ok(()) } else { Err(Status::Authorization) }
    }

    /// The group of a key, if it has a PIN.
    pub(crate) fn protected(&self, key: u32) -> Result<u32, Status> {
        self.user_key(key)?.group.ok_or(Status::NotAllowed)
    }

    pub(crate) fn puk_of(&self, group: u32) -> Result<u32, Status> {
        self.pins[&self.groups[&group].policy].puk.ok_or(Status::NotAllowed)
    }

    /// Removes a key; then whatever nothing needs any more.
    pub(crate) fn remove_key(&mut self, key: u32) {
        self.keys.remove(&key);
        self.tidy();
    }

    /// Closed policies and sessions live as long as a key needs them.
    pub(crate) fn tidy(&mut self) {
        let Self { sessions, keys, groups, pins, puks } = self;
        groups.retain(|number, _| keys.values().any(|k| k.group == Some(*number)));
        let open = |session: &u32| sessions.get(session).is_some_and(|s| s.open);
        pins.retain(|handle, p| open(&p.session) || groups.values().any(|g| g.policy == *handle));
        puks.retain(|handle, p| open(&p.session) || pins.values().any(|pin| pin.puk == Some(*handle)));
        sessions.retain(|handle, s| s.open || keys.values().any(|k| k.session == *handle));
    }

    pub(crate) fn abort(&mut self, session: u32) {
        self.sessions.remove(&session);
        self.keys.retain(|_, k| k.session != session);
        self.tidy();
    }

    /// Whether others see a session and what is in it.
    pub(crate) fn is_seen(&self, session: u32) -> bool {
        self.sessions.get(&session).is_some_and(|s| !(s.open && s.volatile))
    }

    /// Volatile sessions that are open end with the token.
    pub(crate) fn restart(&mut self) {
        let lost: Vec<u32> = self.sessions.keys().copied().filter(|session| !self.is_seen(*session)).collect();
        lost.into_iter().for_each(|session| self.abort(session));
    }

    pub(crate) fn close(&mut self, session: u32) -> Outcome {
        let unfinished = self.keys.values().any(|k| k.session == session && !k.certified);
        let unused_pin = self
            .pins
            .iter()
            .any(|(handle, p)| p.session == session && !self.groups.values().any(|g| g.policy == *handle));
        let unused_puk = self
            .puks
            .iter()
            .any(|(handle, p)| p.session == session && !self.pins.values().any(|pin| pin.puk == Some(*handle)));
        let pending = self.sessions[&session].pending.clone();
        let changed =
            pending.iter().any(|(target, (owner, _))| self.keys.get(target).is_none_or(|k| k.session != *owner));
        if unfinished || unused_pin || unused_puk || changed {
            return Err(Status::SessionVerify);
        }
        for key in self.keys.values_mut().filter(|k| k.session == session) {
            key.provisioned = true;
        }
        for (target, (_, new)) in &pending {
            let old = self.keys.remove(target).unwrap();
            if let Some(new) = new {
                let new = self.keys.remove(new).unwrap();
                self.keys.insert(*target, Key { group: old.group, ..new });
            }
        }
        for (owner, _) in pending.values() {
            self.keys.values_mut().filter(|k| k.session == *owner).for_each(|k| k.session = session);
            self.sessions.remove(owner);
        }
        self.sessions.get_mut(&session).unwrap().open = false;
        self.tidy();
        Ok(())
    }
}
