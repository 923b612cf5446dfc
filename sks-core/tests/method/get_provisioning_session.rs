//! `getProvisioningSession`.

use std::time::Duration;

use sks_tests::id;
use sks_wire::Status;
use sks_wire::method::get_provisioning_session::Request;

use crate::support::*;

fn names(open: &Open) -> Request {
    Request {
        server_session_id: open.server_session_id.clone(),
        client_session_id: open.client_session_id.clone(),
        issuer_uri: open.issuer_uri.clone().into_bytes(),
    }
}

#[test]
fn finds_an_open_session_again_after_a_restart() {
    let open = Open::new();
    let found = open.token.restarted().call(&names(&open)).unwrap();
    assert_eq!(found.provisioning_handle, open.handle);
}

#[test]
fn all_three_names_must_be_the_same_bytes() {
    let other = Open::new();
    let open = Open::on(&other.token, |r| r.server_session_id = id("S-2"));
    let wrong: [fn(&mut Request, &Open); 7] = [
        |r, other| r.client_session_id = other.client_session_id.clone(),
        |r, other| r.server_session_id = other.server_session_id.clone(),
        |r, _| r.server_session_id = id("s-2"),
        |r, _| r.issuer_uri.push(b'/'),
        |r, _| r.issuer_uri = vec![],
        |r, _| r.issuer_uri = vec![0xFF],
        |r, _| r.issuer_uri = vec![b'x'; 1025],
    ];
    for change in wrong {
        let mut request = names(&open);
        change(&mut request, &other);
        refuses(&open.token, &request, Status::NoSession, "no open provisioning session has these names");
    }
}

#[test]
fn a_closed_session_is_not_found() {
    let mut open = Open::new();
    open.key("Key.1", |_| {});
    open.close();
    refuses(&open.token, &names(&open), Status::NoSession, "no open provisioning session has these names");
}

#[test]
fn a_session_whose_life_time_is_over_is_removed_instead() {
    let open = Open::with(|r| r.session_life_time = 2);
    open.token.clock.advance(Duration::from_millis(2000));
    open.token.call(&names(&open)).unwrap();
    open.token.clock.advance(Duration::from_millis(1));
    assert_eq!(open.token.refusal(&names(&open)), Status::NoSession);
    same(&world(&open.token), &open.before, "all of it is gone");
}
