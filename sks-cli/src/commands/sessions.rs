//! `sks sessions`: the provisioning sessions, open and closed.

use serde_json::json;
use sks_client::ListedSession;

use crate::args::Common;
use crate::exit::Failure;
use crate::output::{self, Table, safe_bytes, time, yes};

/// It has no arguments of its own.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Lists them.
pub(crate) fn run(common: &Common, _args: Args) -> Result<(), Failure> {
    let sessions = common.connect()?.sessions().collect::<Result<Vec<_>, _>>()?;
    if common.json {
        return output::json(&sessions.iter().map(as_json).collect());
    }
    let mut table =
        Table::new(["SESSION", "OPEN", "CREATED (CLIENT TIME)", "SECONDS", "ISSUER", "SERVER'S ID", "CLIENT'S ID"]);
    for ListedSession { handle, session } in &sessions {
        table.row([
            handle.to_string(),
            yes(session.is_open),
            time::rfc3339(u64::from_be_bytes(session.client_time)),
            session.session_life_time.to_string(),
            safe_bytes(&session.issuer_uri.0),
            session.server_session_id.to_string(),
            session.client_session_id.to_string(),
        ]);
    }
    output::bytes(table.to_string().as_bytes())
}

fn as_json(listed: &ListedSession) -> serde_json::Value {
    let session = &listed.session;
    json!({
        "provisioning_handle": listed.handle.0,
        "is_open": session.is_open,
        "client_time": u64::from_be_bytes(session.client_time),
        "session_life_time": session.session_life_time,
        "server_session_id": session.server_session_id.as_str(),
        "client_session_id": session.client_session_id.as_str(),
        "issuer_uri": String::from_utf8_lossy(&session.issuer_uri.0),
    })
}
