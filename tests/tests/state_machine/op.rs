//! The calls that the tests make at random. A selector mostly picks an object that fits the call, and sometimes any that
//! was ever made, dead ones included: see `World::choose`.

use proptest::prelude::*;

/// A call.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Create {
        updatable: bool,
        volatile: bool,
        limit: u16,
    },
    Puk {
        session: u8,
        name: u8,
    },
    Pin {
        session: u8,
        name: u8,
        puk: Option<u8>,
        grouping: u8,
    },
    Key {
        session: u8,
        name: u8,
        policy: Option<u8>,
        pin: u8,
        signature: bool,
        updatable: bool,
    },
    Certify {
        session: u8,
        key: u8,
        wrong: bool,
    },
    Extend {
        session: u8,
        key: u8,
        kind: u8,
        wrong: bool,
    },
    External {
        session: u8,
    },
    Close {
        session: u8,
        wrong: bool,
    },
    /// Certifies what lacks its certificate, then closes.
    Finish {
        session: u8,
    },
    Abort {
        session: u8,
    },
    PostDelete {
        session: u8,
        target: u8,
        wrong: bool,
    },
    PostUpdate {
        session: u8,
        new: u8,
        target: u8,
        wrong: bool,
    },
    Use {
        key: u8,
        pin: u8,
    },
    Unlock {
        key: u8,
        right: bool,
    },
    ChangePin {
        key: u8,
        old: u8,
        new: u8,
    },
    SetPin {
        key: u8,
        right: bool,
        new: u8,
    },
    Delete {
        key: u8,
    },
    Restart,
}

/// Mostly right: one in thirty MACs is wrong.
fn wrong() -> impl Strategy<Value = bool> {
    prop::bool::weighted(1.0 / 30.0)
}

/// Calls that build something in a session.
pub(crate) fn provisioning() -> impl Strategy<Value = Op> {
    let any = any::<u8>;
    prop_oneof![
        2 => (any(), any()).prop_map(|(session, name)| Op::Puk { session, name }),
        3 => (any(), any(), prop::option::of(any()), 0u8..4)
            .prop_map(|(session, name, puk, grouping)| Op::Pin { session, name, puk, grouping }),
        7 => (any(), any(), prop::option::weighted(0.7, any()), 0u8..3, prop::bool::ANY, prop::bool::weighted(0.8))
            .prop_map(|(session, name, policy, pin, signature, updatable)| Op::Key {
                session, name, policy, pin, signature, updatable,
            }),
        5 => (any(), any(), wrong()).prop_map(|(session, key, wrong)| Op::Certify { session, key, wrong }),
        2 => (any(), any(), 0u8..6, wrong())
            .prop_map(|(session, key, kind, wrong)| Op::Extend { session, key, kind, wrong }),
        1 => any().prop_map(|session| Op::External { session }),
        2 => (any(), any(), wrong())
            .prop_map(|(session, target, wrong)| Op::PostDelete { session, target, wrong }),
        3 => (any(), any(), any(), wrong())
            .prop_map(|(session, new, target, wrong)| Op::PostUpdate { session, new, target, wrong }),
    ]
}

/// Any call.
pub(crate) fn op() -> impl Strategy<Value = Op> {
    let any = any::<u8>;
    prop_oneof![
        3 => (prop::bool::weighted(0.8), prop::bool::weighted(0.4), prop_oneof![1 => 0u16..30, 4 => Just(200u16)])
            .prop_map(|(updatable, volatile, limit)| Op::Create { updatable, volatile, limit }),
        20 => provisioning(),
        3 => any().prop_map(|session| Op::Finish { session }),
        1 => (any(), wrong()).prop_map(|(session, wrong)| Op::Close { session, wrong }),
        1 => any().prop_map(|session| Op::Abort { session }),
        6 => (any(), 0u8..3).prop_map(|(key, pin)| Op::Use { key, pin }),
        2 => (any(), prop::bool::ANY).prop_map(|(key, right)| Op::Unlock { key, right }),
        2 => (any(), 0u8..3, 0u8..3).prop_map(|(key, old, new)| Op::ChangePin { key, old, new }),
        1 => (any(), prop::bool::ANY, 0u8..3).prop_map(|(key, right, new)| Op::SetPin { key, right, new }),
        1 => any().prop_map(|key| Op::Delete { key }),
        1 => Just(Op::Restart),
    ]
}
