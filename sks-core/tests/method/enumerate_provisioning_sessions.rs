//! `enumerateProvisioningSessions`.

use sks_tests::{Issuing, Token, id};
use sks_wire::method::abort_provisioning_session;
use sks_wire::method::enumerate_provisioning_sessions::{Request, Session};
use sks_wire::types::{Enumerated, NO_HANDLE, ProvisioningHandle};

use crate::support::*;

fn after(token: &Token, handle: u32) -> Option<(u32, Session)> {
    match token.call(&Request { provisioning_handle: ProvisioningHandle(handle) }).unwrap().next {
        Enumerated::Next { handle, item } => Some((handle, item)),
        Enumerated::End => None,
    }
}

#[test]
fn tells_of_open_and_closed_sessions_what_was_given() {
    let token = crowded();
    let session = Issuing::create(&token, |r| {
        r.client_time = [1, 2, 3, 4, 5, 6, 7, 8];
        r.session_life_time = 77;
        r.server_session_id = id("S-9");
        r.issuer_uri = "urn:å".into();
    });
    assert!(!after(&token, NO_HANDLE).unwrap().1.is_open);
    assert!(after(&token, 1).unwrap().1.is_open);
    let expected = Session {
        is_open: true,
        client_time: [1, 2, 3, 4, 5, 6, 7, 8],
        session_life_time: 77,
        server_session_id: id("S-9"),
        client_session_id: session.client_session_id.clone(),
        issuer_uri: "urn:å".into(),
    };
    assert_eq!(after(&token, 2), Some((3, expected)));
    assert_eq!(after(&token, 3), None);
}

/// "Next" is the smallest handle above the input, whether the input names anything or not.
#[test]
fn goes_on_after_a_session_that_was_removed() {
    let token = Token::default();
    assert_eq!(after(&token, NO_HANDLE), None);
    let sessions: Vec<Issuing> = (0..4).map(|_| Issuing::create(&token, |_| {})).collect();
    let next = |handle| after(&token, handle).map(|(handle, _)| handle);
    assert_eq!([NO_HANDLE, 0, 1, 3].map(next), [Some(1), Some(1), Some(2), Some(4)]);
    assert_eq!([4, 5, NO_HANDLE - 1].map(next), [None; 3]);
    for at in [0, 2] {
        token.call(&abort_provisioning_session::Request { provisioning_handle: sessions[at].handle }).unwrap();
    }
    assert_eq!([NO_HANDLE, 0, 1, 2, 3].map(next), [Some(2), Some(2), Some(2), Some(4), Some(4)]);
    let answer = token.device.call(&[4, 0, 0, 0, 4]);
    assert_eq!(**answer, [0, 0xFF, 0xFF, 0xFF, 0xFF], "the end, and nothing more");
}
